/** Joining by a link with all that goes wrong at a door: a handle that is taken, a reload, a step back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, passwordOf, type Tab, World } from '../harness/browser.ts';

let world: World;
let ada: Tab;
let ben: Tab;
let link = '';

beforeAll(async () => {
  world = await World.start();
  [ada, ben] = [await world.newBrowser(), await world.newBrowser()];
  await makeAccount(ada, world.setupLink, 'ada', 'passkey');
  link = await ada.invite();
});
afterAll(() => world.stop());

const taken = (tab: Tab) => tab.page.getByText('This handle is taken. Choose another.');
const focused = (tab: Tab): Promise<string | null> => tab.page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.tagName ?? null);
const shownCode = async (tab: Tab): Promise<readonly string[]> => {
  const groups = tab.page.getByRole('figure', { name: 'Recovery code' }).getByRole('listitem');
  await groups.first().waitFor();
  return groups.allTextContents();
};

async function toFactor(tab: Tab, name: string, handle: string): Promise<void> {
  await tab.field('Your name').fill(name);
  await tab.field('Handle').fill(handle);
  await tab.button('Continue').click();
  await tab.page.getByRole('heading', { level: 2 }).first().waitFor();
  await tab.button('Continue').click();
}

async function confirm(tab: Tab, code: readonly string[]): Promise<void> {
  const fields = tab.page.getByRole('textbox', { name: /^Group \d+$/ });
  await fields.first().waitFor();
  for (const field of await fields.all()) {
    const label = await tab.page.locator(`label[for="${await field.getAttribute('id')}"]`).textContent();
    await field.fill(code[Number(/\d+/.exec(label ?? '')?.[0]) - 1] ?? '');
  }
  await tab.button('Create account').click();
}

describe('the first step', () => {
  it('says at once that a handle is taken, with the focus on it', async () => {
    await ben.page.goto(link);
    await ben.field('Your name').waitFor();
    expect(ben.page.url()).toBe(`${world.origin}/join`);
    await ben.button('Continue').click();
    expect(await focused(ben)).toBe('name');
    await ben.field('Your name').fill('Ben Testperson');
    await ben.field('Handle').fill('ada');
    await ben.button('Continue').click();
    await taken(ben).waitFor();
    expect(await focused(ben)).toBe('username');
  });

  it('goes on after a reload, in this tab only', async () => {
    await ben.page.reload();
    await ben.field('Your name').waitFor();
    expect(await ben.page.title()).toBe('Who are you? · lanying');
    const other = await world.newTab(ben.page.context());
    await other.page.goto(`${world.origin}/join`);
    await other.page.getByRole('heading', { name: 'This link is not complete' }).waitFor();
    await other.page.close();
    expect(await ben.page.evaluate(() => Object.values(localStorage).filter((value) => String(value).includes('token')))).toEqual([]);
  });
});

describe('links', () => {
  it('are told apart by their notes, and made one after the other', async () => {
    await ada.button('Create invite').click();
    const links: string[] = [];
    for (const name of ['for the porter', 'for the cook']) {
      await ada.field('For whom (optional)').fill(name);
      await ada.button('Make a link').click();
      links.push(await ada.field('Invitation link').inputValue());
      await ada.button('Make another link').click();
      expect(await ada.field('For whom (optional)').inputValue()).toBe('');
    }
    expect(new Set(links).size).toBe(2);
    await ada.button(/^Withdraw the invitation: for the cook, /).click();
    await ada.button(/^Withdraw the invitation: for the cook, /).waitFor({ state: 'detached' });
    await ada.button(/^Withdraw the invitation: for the porter, /).waitFor();
    await ada.page.keyboard.press('Escape');
    await ada.page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

describe('the last step', () => {
  it('leads back to a handle that somebody else took meanwhile, and keeps everything else', async () => {
    await toFactor(ben, 'Ben Testperson', 'ben');
    await ben.page.getByRole('radio', { name: /^Password/ }).check();
    await ben.field('Password').fill('too short');
    await ben.button('Continue').click();
    expect(await focused(ben)).toBe('password');
    await ben.field('Password').fill(passwordOf('ben'));
    await ben.button('Continue').click();
    const code = await shownCode(ben);
    await ben.button('Back').click();
    expect(await ben.field('Password').inputValue()).toBe(passwordOf('ben'));
    await ben.button('Continue').click();
    expect(await shownCode(ben)).toEqual(code);
    await makeAccount(await world.newBrowser(), await ada.invite(), 'ben', 'password');
    await ben.button('I have kept it').click();
    await confirm(ben, code);
    await taken(ben).waitFor();
    expect(await focused(ben)).toBe('username');
    expect(await ben.field('Your name').inputValue()).toBe('Ben Testperson');
    await ben.field('Handle').fill('ben.two');
    await ben.button('Continue').click();
    // Back at the end, with what was typed there.
    await ben.button('Create account').click();
    await ben.list.waitFor({ state: 'attached' });
    expect(await focused(ben)).toBe('H1');
    expect(await ben.page.title()).toBe('Conversations · lanying');
  });

  it('leaves no link behind', async () => {
    expect(await ben.page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('lanying')))).toEqual([]);
  });

  it('made no console complain', () => {
    // A refusal of a command is an answer of the server with a status that the browser reports.
    expect(world.complaints().filter((complaint) => !complaint.includes('/api/v1/account.'))).toEqual([]);
  });
});
