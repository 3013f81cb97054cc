/**
 * The real worker host in Chromium under the product's security policy, with the demo engine behind it: two tabs share
 * one engine, a tab without SharedWorker waits for the lock and takes it over.
 */
import type { DemoSite } from './demo-site.ts';

/** Resolves with what the browser complained about. */
export async function useHost({ origin, browser }: DemoSite): Promise<readonly string[]> {
  const context = await browser.newContext({ locale: 'en-US' });
  const complaints: string[] = [];
  const open = async (query = '') => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => (message.type() === 'error' ? complaints.push(message.text()) : undefined));
    await page.goto(`${origin}/hosted.html${query}`);
    return page;
  };
  const one = await open();
  await one.getByRole('list', { name: 'Conversations' }).getByRole('link').first().click();
  const two = await open();
  await two.getByRole('list', { name: 'Conversations' }).getByRole('link').first().click();
  const words = `hello ${Math.random()}`;
  await one.getByRole('textbox', { name: 'Message', exact: true }).fill(words);
  await one.keyboard.press('Enter');
  await two.getByRole('log', { name: 'Messages' }).getByText(words).waitFor();
  await one.getByRole('log', { name: 'Messages' }).getByText(words).waitFor();
  // A draft reaches the other tab's list and survives a reload into the same worker.
  await one.getByRole('textbox', { name: 'Message', exact: true }).fill('half a thought');
  await two.getByRole('list', { name: 'Conversations' }).getByText('half a thought').waitFor();
  for (const name of ['New conversation', 'Create invite', 'Settings']) {
    await two.getByRole('button', { name, exact: true }).click();
    await two.getByRole('dialog').waitFor();
    await two.keyboard.press('Escape');
    await two.getByRole('dialog').waitFor({ state: 'detached' });
  }
  const three = await open('?dedicated');
  await three.getByRole('button', { name: 'Use it here' }).click();
  await three.getByRole('list', { name: 'Conversations' }).waitFor();
  await one.getByRole('heading', { name: 'lanying is open in another tab' }).waitFor();
  await two.getByRole('heading', { name: 'lanying is open in another tab' }).waitFor();
  await one.getByRole('button', { name: 'Use it here' }).click();
  await one.getByRole('list', { name: 'Conversations' }).waitFor();
  await context.close();
  return complaints.filter((text) => !text.includes('404'));
}
