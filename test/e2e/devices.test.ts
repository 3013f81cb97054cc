/** One person at several places: tabs of one browser, and browsers of their own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, signInByPassword, type Tab, unlock, World } from '../harness/browser.ts';

const title = 'Reading circle';
const history = ['chapter one was slow', 'chapter two made up for it', 'chapter three tonight?'];
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
  await ben.openConversation(title);
  await cai.openConversation(title);
  await ada.say(history[0] ?? '');
  await cai.hears(history[0] ?? '');
  await cai.say(history[1] ?? '');
  await ben.hears(history[1] ?? '');
  await ben.say(history[2] ?? '');
  await Promise.all([ada.hears(history[2] ?? ''), cai.hears(history[2] ?? '')]);
});
afterAll(() => world.stop());

async function seesHistory(tab: Tab): Promise<void> {
  await tab.openConversation(title);
  for (const text of history) await tab.hears(text);
}

describe('two tabs of one person', () => {
  it('are both live and send once', async () => {
    const second = await world.newTab(ben.page.context());
    await second.page.goto(ben.page.url());
    await second.hears(history[2] ?? '');
    await ben.say('from the first tab');
    await second.hears('from the first tab');
    await second.say('from the second tab');
    await Promise.all([ben, ada, cai].map((tab) => tab.hears('from the second tab')));
    await ada.say('heard in both');
    await Promise.all([ben, second, cai].map((tab) => tab.hears('heard in both')));
    const expected = [...history, 'from the first tab', 'from the second tab', 'heard in both'];
    for (const tab of [ada, ben, second, cai]) expect(await tab.texts()).toEqual(expected);
    await ben.page.close();
    await second.say('still here without the first');
    await ada.hears('still here without the first');
    ben = second;
  });
});

describe('a second browser', () => {
  it('with password and recovery code has the whole history, and sends', async () => {
    const other = await world.newBrowser();
    await signInByPassword(other, world.origin, 'cai');
    await unlock(other, accounts[2].recoveryCode);
    await seesHistory(other);
    await other.say('from the other desk');
    await Promise.all([ada, ben, cai].map((tab) => tab.hears('from the other desk')));
    await ada.say('to both desks');
    await Promise.all([other, cai].map((tab) => tab.hears('to both desks')));
    expect(await other.texts()).toEqual(await ada.texts());
  });

  it('refuses a recovery code of somebody else', async () => {
    const other = await world.newBrowser();
    await signInByPassword(other, world.origin, 'cai');
    await other.field('Recovery code').fill(accounts[0].recoveryCode);
    await other.button('Unlock').click();
    await other.page.getByText('This recovery code does not open this account.', { exact: false }).waitFor();
    await unlock(other, accounts[2].recoveryCode);
    await seesHistory(other);
  });

  it('opens again by the passkey that made the account, after signing out and forgetting', async () => {
    await ada.button('Settings').click();
    await ada.button('Sign out and forget this device').click();
    await ada.button('Erase everything on this device').click();
    await ada.button('Sign in with a passkey').click();
    await ada.list.waitFor({ state: 'attached' });
    await seesHistory(ada);
    await ada.say('back by PRF');
    await ben.hears('back by PRF');
  });

  // Last of those with a passkey: the copy counts its signatures on its own, and the server refuses a count that falls back.
  it('with a synced passkey has the whole history', async () => {
    const { credentials } = await ada.cdp.send('WebAuthn.getCredentials', { authenticatorId: ada.authenticator });
    const other = await world.newBrowser();
    const authenticatorId = await other.plugAuthenticator();
    for (const credential of credentials) await other.cdp.send('WebAuthn.addCredential', { authenticatorId, credential });
    await other.page.goto(`${world.origin}/signin`);
    await other.button('Sign in with a passkey').click();
    // A copied credential brings its signature key, but the virtual authenticator does not give away what PRF is made of.
    const code = other.field('Recovery code');
    await code.or(other.list.first()).first().waitFor();
    if (await code.isVisible()) await unlock(other, accounts[0].recoveryCode);
    await seesHistory(other);
    await other.say('by the same passkey');
    await Promise.all([ada, ben, cai].map((tab) => tab.hears('by the same passkey')));
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
