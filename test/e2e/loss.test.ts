/** What people lose, and how they come back: devices, codes, everything. In browsers, by what is on their screens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, keepCode, signInByPassword, type Tab, unlock, World } from '../harness/browser.ts';

const title = 'Lost and found';
let world: World;
let ada: Tab;
let ben: Tab;
let cai: Tab;
let accounts: readonly [Account, Account, Account];

beforeAll(async () => {
  world = await World.start();
  const trio = await world.trio(title);
  [ada, ben, cai] = trio.tabs;
  ({ accounts } = trio);
  await cai.openConversation(title);
  await ada.say('kept for later');
  await cai.hears('kept for later');
});
afterAll(() => world.stop());

/** A page of the settings, open. */
async function settings(tab: Tab, page: string): Promise<void> {
  await tab.button('Settings').click();
  await tab.page.getByRole('tab', { name: page, exact: true }).click();
}
const leave = async (tab: Tab): Promise<void> => {
  await tab.page.keyboard.press('Escape');
  await tab.page.getByRole('dialog').waitFor({ state: 'detached' });
};
const signs = (tab: Tab) => tab.page.locator('.signs');

async function asking(handle: string): Promise<Tab> {
  const fresh = await world.newBrowser();
  await signInByPassword(fresh, world.origin, handle);
  await fresh.field('Recovery code').waitFor();
  return fresh;
}

describe('devices', () => {
  it('[D7] [E17] one is let in by another: both show the same signs, and the history is there', async () => {
    const fresh = await asking('cai');
    await fresh.button('Let in by another device').click();
    const code = (await fresh.page.locator('.approval-code').textContent()) ?? '';
    await settings(cai, 'Devices');
    await cai.button('Enter the code of a new device').click();
    await cai.field('Code').fill(code.toLowerCase());
    await cai.button('Continue').click();
    await Promise.all([signs(cai).waitFor(), signs(fresh).waitFor()]);
    expect(await signs(fresh).allInnerTexts()).toEqual(await signs(cai).allInnerTexts());
    await cai.button('They are the same').click();
    await fresh.button('They are the same').click();
    await fresh.openConversation(title);
    await fresh.hears('kept for later');
    await cai.button('Close').last().click();
    await fresh.say('from the new one');
    await leave(cai).catch(() => undefined);
    await cai.hears('from the new one');
  });

  it('[E15] [D4] a new one is told of, and removed from its notice; it is signed out at once', async () => {
    const stranger = await asking('cai');
    await unlock(stranger, accounts[2].recoveryCode);
    await cai.button(/security notice/).click();
    const notice = cai.page.getByRole('listitem').filter({ hasText: 'A new device of yours' }).first();
    await notice.getByRole('button', { name: 'This was not me: remove it' }).click();
    await notice.getByText('It is removed.', { exact: false }).waitFor();
    await stranger.button('Sign in with a passkey').waitFor();
    await leave(cai);
    await cai.say('without it');
    await ada.hears('without it');
    await settings(cai, 'Devices');
    expect(await cai.page.locator('.device-row').count()).toBe(2);
    await leave(cai);
  });
});

describe('loss drills', () => {
  it('lost all devices but has the code', async () => {
    const fresh = await asking('cai');
    await unlock(fresh, accounts[2].recoveryCode);
    await fresh.openConversation(title);
    for (const text of ['kept for later', 'from the new one', 'without it']) await fresh.hears(text);
  });

  it('[V4] lost the code but has a passkey: comes in by it, and prints another code; the lost one opens nothing', async () => {
    await ben.button('Settings').click();
    await ben.button('Sign out and forget this device').click();
    await ben.button('Erase everything on this device').click();
    await ben.button('Sign in with a passkey').click();
    await ben.openConversation(title);
    await ben.hears('kept for later');
    await settings(ben, 'Recovery');
    await ben.button(/^Replace: Recovery code/).click();
    await ben.button('Show the new code').click();
    const code = await keepCode(ben, 'Use this code from now on');
    await ben.page.getByText('Ways to get your history back').waitFor();
    expect(code).not.toBe(accounts[1].recoveryCode);
    await leave(ben);
    await ben.say('with a new code');
    await ada.hears('with a new code');
  });

  it('[V5] lost everything: is told what is gone, begins anew, and colleagues decide on the new identity', async () => {
    const fresh = await asking('cai');
    await fresh.button('I have none of these').click();
    await fresh.page.getByText('stay closed for good', { exact: false }).waitFor();
    expect(await fresh.axe()).toEqual([]);
    await fresh.button('Begin anew without my history').click();
    await keepCode(fresh, 'Begin anew');
    await fresh.list.waitFor({ state: 'attached' });
    expect(await fresh.list.getByRole('link').count()).toBe(0);
    await cai.button('Sign in with a passkey').waitFor();
    await ada.button(/security notice/).click();
    await ada.page.getByText('Cai Testperson', { exact: false }).first().waitFor();
    await leave(ada);
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
