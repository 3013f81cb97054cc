/** Administrators at their pages, in real browsers over the real server: who did what, what is kept, and what goes. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, type Tab, World } from '../harness/browser.ts';

const title = 'Front desk';
let world: World;
let ada: Tab;
let ben: Tab;
let cai: Tab;

beforeAll(async () => {
  world = await World.start();
  [ada, ben, cai] = [await world.newBrowser(), await world.newBrowser({ width: 390, height: 1600 }), await world.newBrowser()];
  await makeAccount(ada, world.setupLink, 'ada', 'passkey');
  await makeAccount(ben, await adminLink(ada), 'ben', 'password');
  await makeAccount(cai, await ada.invite(), 'cai', 'password');
  await ada.beginConversation(title, ['Cai Testperson']);
  await ada.say('who has the key to the cellar?');
});
afterAll(() => world.stop());

async function adminLink(tab: Tab): Promise<string> {
  await tab.button('Create invite').click();
  await tab.page.getByRole('radio', { name: 'Admin', exact: true }).check();
  await tab.button('Make a link').click();
  const link = await tab.field('Invitation link').inputValue();
  await tab.page.keyboard.press('Escape');
  await tab.page.getByRole('dialog').waitFor({ state: 'detached' });
  return link;
}
const dialog = (tab: Tab) => tab.page.getByRole('dialog');
const entries = (tab: Tab) => tab.page.getByRole('region', { name: 'Entries' });
/** By the list of sections. */
async function open(tab: Tab, section: string): Promise<void> {
  await tab.page.getByRole('navigation', { name: 'Sections of the administration' }).getByRole('link', { name: section }).click();
  await tab.page.getByRole('heading', { name: section, level: 1 }).waitFor();
}
async function saved(tab: Tab, press: () => Promise<void>): Promise<{ readonly name: string; readonly text: string }> {
  const [download] = await Promise.all([tab.page.waitForEvent('download'), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

describe("administrators' pages", () => {
  it('[U5] [U7] [U8] show the log, proven, filtered and exported', async () => {
    await ada.button('Administration').click();
    await ada.page.getByRole('heading', { name: 'Audit log', level: 1 }).waitFor();
    await ada.page.getByRole('heading', { name: 'Whole and unchanged' }).waitFor();
    await ada.button('Check now').click();
    await ada.page.getByText('Checked: nothing was changed or removed.').waitFor();
    await entries(ada).getByRole('button', { name: /Set up the server/ }).waitFor();
    expect(await ada.axe(), 'audit log').toEqual([]);
    await ada.page.getByRole('combobox', { name: 'What happened' }).selectOption('Made an invitation');
    await entries(ada).getByRole('button', { name: /Set up the server/ }).waitFor({ state: 'detached' });
    const made = entries(ada).getByRole('button', { name: /Made an invitation/ });
    await made.first().waitFor();
    expect(await made.count()).toBe(2);
    await made.last().focus();
    await ada.page.keyboard.press('Enter');
    await entries(ada).getByRole('row', { name: /Role — admin/ }).waitFor();
    await ada.page.getByRole('combobox', { name: 'Who did it' }).selectOption('Ben Testperson');
    await ada.page.getByRole('heading', { name: 'No entry fits' }).waitFor();
    await ada.button('Clear filters').click();
    await ada.page.getByLabel('To', { exact: true }).fill('2020-01-01');
    await ada.page.getByRole('heading', { name: 'No entry fits' }).waitFor();
    await ada.button('Clear filters').click();
    await entries(ada).getByRole('button', { name: /Set up the server/ }).waitFor();
    await ada.page.getByText('Never exported').waitFor();
    await ada.button('Export').click();
    const csv = await saved(ada, () => ada.button('Save file').click());
    expect(csv.name).toMatch(/^lanying-audit-.*\.csv$/);
    expect(csv.text.split('\r\n')[0]).toContain('"index","time","act"');
    await dialog(ada).getByText(/^Saved: \d+ entries\.$/).waitFor();
    await dialog(ada).getByRole('radio', { name: /JSON Lines/ }).check();
    const lines = (await saved(ada, () => ada.button('Save file').click())).text.trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ act: 'audit.exported', actor: { kind: 'person' } });
    await ada.page.keyboard.press('Escape');
    await ada.page.getByText(/^Last exported /).waitFor();
  });

  it('[R8] [R12] [R5] set rules, preview, delete, and show the receipt', async () => {
    await open(ada, 'Retention');
    await ada.button('Change the rule: Audit log').click();
    await dialog(ada).getByRole('radio', { name: 'For a number of days' }).check();
    await ada.field('Days').fill('0');
    await ada.button('Save rule').click();
    await dialog(ada).getByText('A whole number of days, from 1 to 36,500.').waitFor();
    await ada.field('Days').fill('30');
    await dialog(ada).getByText(/^Shorter than before/).waitFor();
    expect(await ada.axe(), 'rule').toEqual([]);
    await ada.button('Save rule').click();
    await dialog(ada).waitFor({ state: 'detached' });
    await ada.page.getByRole('region', { name: 'Rules for everywhere' }).getByText('30 days').waitFor();
    await ada.button('Add a rule').click();
    await ada.field('Days').fill('90');
    await ada.button('Save rule').click();
    await ada.page.getByRole('region', { name: 'Rules for single conversations' }).getByText(title).waitFor();
    await ada.button('Preview').click();
    await ada.page.getByText('Nothing is due.').waitFor();
    await ada.button('Delete what is due now').click();
    await ada.button('Delete for good').click();
    await ada.page.getByText('Done: there was nothing to delete.').waitFor();
    expect(await ada.axe(), 'retention').toEqual([]);
  });

  it('[R9] place a hold by two people, on a phone too', async () => {
    await open(ada, 'Legal holds');
    await ada.button('Ask for a hold').click();
    await ada.button('Ask for hold').click();
    await dialog(ada).getByText('Say why the data must be kept.').waitFor();
    await ada.field('Reason').fill('Case 12');
    await ada.button('Ask for hold').click();
    await ada.page.getByText('Waits for a second person').waitFor();
    expect(await ada.button('Confirm hold: Case 12').count()).toBe(0);
    await ben.button('Administration').click();
    await open(ben, 'Legal holds');
    expect(await ben.axe(), 'holds').toEqual([]);
    await ben.button('Confirm hold: Case 12').click();
    await ben.page.getByText('In force').waitFor();
    await ben.button('Ask for release: Case 12').click();
    await ben.page.getByText('Release waits for a second person').waitFor();
    expect(await ben.button('Confirm release: Case 12').count()).toBe(0);
    expect(await ben.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await open(ada, 'Erasure');
    await open(ada, 'Legal holds');
    await ada.button('Confirm release: Case 12').click();
    await ada.page.getByRole('heading', { name: 'There is no legal hold' }).waitFor();
    await ada.page.getByText('Released').waitFor();
  });

  it('[R14] [R15] erase an account in two steps; the receipt is verified here', async () => {
    const gone = await world.newBrowser();
    await ada.button('Back to conversations').click();
    await makeAccount(gone, await ada.invite(), 'dan', 'password');
    await ada.button('Administration').click();
    await open(ada, 'Erasure');
    await ada.button('Choose a person').click();
    await ada.page.getByRole('combobox', { name: 'Person' }).selectOption('Dan Testperson (@dan)');
    await ada.field('Reason').fill('Left the house');
    await ada.button('Ask for erasure').click();
    await ada.field('Handle').waitFor();
    await ada.page.keyboard.press('Escape');
    await ada.button('Confirm the erasure of Dan Testperson').click();
    await ada.field('Handle').fill('ben');
    await ada.button('Erase for good').click();
    await dialog(ada).getByText('That is not @dan.').waitFor();
    expect(await ada.axe(), 'erase').toEqual([]);
    await ada.field('Handle').fill('dan');
    await ada.button('Erase for good').click();
    await ada.page.getByText('Dan Testperson was erased. The receipt is in the list.').waitFor();
    const receipts = ada.page.getByRole('region', { name: 'Receipts' });
    await receipts.getByText('Signature verified').waitFor();
    await receipts.getByText(/^One account with \d+ records — asked for by Ada Testperson: Left the house$/).waitFor();
    const file = await saved(ada, () => receipts.getByRole('button', { name: /^Save receipt of / }).click());
    expect(JSON.parse(file.text)).toMatchObject({ signature: expect.stringMatching(/^[0-9a-f]{128}$/) });
    await gone.page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
  });

  it('are for administrators alone', async () => {
    expect(await cai.button('Administration').count()).toBe(0);
    await cai.page.goto(`${world.origin}/admin/audit`);
    await cai.page.getByRole('heading', { name: 'These pages are for administrators' }).waitFor();
    await cai.button('Back to conversations').click();
  });

  it('[R8] [R14] everybody sees what is kept of them, and erases their own account', async () => {
    await cai.button('Settings').click();
    await dialog(cai).getByRole('tab', { name: 'My data' }).click();
    const data = dialog(cai).getByRole('region', { name: 'My data' });
    await data.getByText('Records of administration and security are deleted after 30 days.').waitFor();
    await cai.button('Erase my account…').click();
    await cai.button('Continue').click();
    await cai.field('Handle').fill('@Cai');
    await cai.button('Erase my account for good').click();
    await cai.button('Sign in').waitFor();
    await cai.page.reload();
    await cai.button('Sign in').waitFor();
    await open(ada, 'Audit log');
    await ada.page.getByRole('combobox', { name: 'What happened' }).selectOption('Erased an account');
    await entries(ada).getByText('Erased an account').nth(1).waitFor();
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
