/** What people see of their own sign-ins, and what they can end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, signInByPassword, type Tab, unlock, World } from '../harness/browser.ts';

let world: World;
let first: Tab;
let second: Tab;
let code = '';

beforeAll(async () => {
  world = await World.start();
  [first, second] = [await world.newBrowser(), await world.newBrowser()];
  ({ recoveryCode: code } = await makeAccount(first, world.setupLink, 'ada', 'password'));
  await signInByPassword(second, world.origin, 'ada');
  await unlock(second, code);
});
afterAll(() => world.stop());

const openSecurity = async (tab: Tab): Promise<void> => {
  await tab.button('Settings').click();
  await tab.page.getByRole('tab', { name: 'Security' }).click();
};

describe('the page on security', () => {
  it('shows where one is signed in, and signs out elsewhere at once', async () => {
    await openSecurity(first);
    const sessions = first.page.getByRole('region', { name: 'Where you are signed in' }).getByRole('listitem');
    await sessions.nth(1).waitFor();
    expect(await sessions.first().textContent()).toContain('This browser, now');
    expect(await first.axe()).toEqual([]);
    await sessions.nth(1).getByRole('button', { name: /^Sign out / }).click();
    await second.button('Sign in').waitFor();
    await sessions.nth(1).waitFor({ state: 'detached' });
    expect(await sessions.count()).toBe(1);
    expect(world.complaints()).toEqual([]);
  });
});
