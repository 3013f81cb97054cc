/**
 * The timeline under a person who reads: nothing moves when older messages load or new ones arrive, the jump button
 * counts, one's own message goes to the end.
 */
import { strict as assert } from 'node:assert';
import type { Page } from 'playwright-core';
import type { DemoSite } from './demo-site.ts';

export async function readTimeline({ origin, browser }: DemoSite): Promise<void> {
  const page: Page = await browser.newPage({ locale: 'en-US', viewport: { width: 1200, height: 800 } });
  const id = 'product'.padEnd(22, '0');
  await page.goto(`${origin}/c/${id}`);
  const log = page.getByRole('log', { name: 'Messages' });
  const last = log.getByText('Draft of the announcement is next.');
  await last.waitFor();
  const topOf = async (text: string): Promise<number> => (await log.getByText(text).first().boundingBox())?.y ?? Number.NaN;
  const settle = () => page.waitForTimeout(500);
  await settle();
  assert.ok(await last.isVisible(), 'opens at the end');
  await log.hover();
  await page.mouse.wheel(0, -900);
  await settle();
  const mark = await log.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const middle = document.elementFromPoint(box.x + box.width / 2 - 100, box.y + 300);
    return middle?.textContent?.slice(0, 30) ?? '';
  });
  const before = await topOf(mark);
  await page.evaluate(`demo.receive('${id}', 'while you read')`);
  await settle();
  assert.ok(Math.abs((await topOf(mark)) - before) < 1, `stays while reading: ${before} then ${await topOf(mark)} (${mark})`);
  const jump = page.getByRole('button', { name: '1 new message, jump to it' });
  await jump.click();
  await log.getByText('while you read').waitFor();
  await settle();
  assert.ok((await jump.count()) === 0, 'the button goes away at the end');
  // Near the start an older page comes in front of what is on the screen.
  for (let round = 0; round < 3; round += 1) {
    await log.evaluate((element) => element.scrollTo({ top: 450 }));
    await page.waitForTimeout(100);
    const text = await log.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const rows = [...element.querySelectorAll('.other-text, .own-bubble')];
      return rows.find((row) => row.getBoundingClientRect().top > box.top + 100)?.textContent ?? '';
    });
    const at = await topOf(text);
    const height = await log.evaluate((element) => element.scrollHeight);
    await page.waitForTimeout(700);
    assert.ok((await log.evaluate((element) => element.scrollHeight)) > height + 500, 'an older page has come');
    assert.ok(Math.abs((await topOf(text)) - at) < 2, `stays while older messages come: ${at} then ${await topOf(text)} (${text})`);
  }
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('one\ntwo');
  await page.keyboard.press('Enter');
  await log.getByText('two').waitFor();
  await settle();
  assert.ok((await log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)) < 4, 'own message is at the end');
  for (let line = 0; line < 14; line += 1) await page.keyboard.press('Shift+Enter');
  await settle();
  assert.ok((await log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)) < 4, 'stays at the end while the composer grows');
  await page.close();
}
