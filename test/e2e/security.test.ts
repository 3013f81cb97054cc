/** What people see of their own sign-ins, and what they can end. */
import { TOTP } from 'otpauth';
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
  });

  it('sets up an authenticator app, whose codes are then asked for behind the password', async () => {
    const { page } = first;
    await first.button('Set up an authenticator app').click();
    const setUp = page.getByRole('dialog', { name: 'Set up an authenticator app' });
    const secret = ((await setUp.locator('.secret').textContent()) ?? '').replaceAll(' ', '');
    const app = new TOTP({ secret });
    expect(await first.axe(), 'set-up').toEqual([]);
    await first.field('Code from the app').fill('000000');
    await first.button('Turn it on').click();
    await setUp.getByRole('alert').waitFor();
    await first.field('Code from the app').fill(app.generate());
    await first.button('Turn it on').click();
    const codes = page.getByRole('list', { name: 'Recovery codes for signing in' }).getByRole('listitem');
    await codes.nth(9).waitFor();
    const [spare] = await codes.allTextContents();
    expect(await first.axe(), 'codes').toEqual([]);
    await first.button('I have kept it').click();
    await page.getByText(/^On since /).waitFor();
    await page.getByText('10 recovery codes for signing in are left.').waitFor();

    await signInByPassword(second, world.origin, 'ada');
    await second.page.getByRole('heading', { name: 'One more step' }).waitFor();
    expect(await second.axe(), 'second step').toEqual([]);
    await second.button('Use a recovery code').click();
    await second.field('Recovery code for signing in').fill('WRONG-WRONG-WRON');
    await second.button('Sign in').click();
    await second.page.getByRole('alert').waitFor();
    await second.field('Recovery code for signing in').fill(spare ?? '');
    await second.button('Sign in').click();
    await second.list.waitFor({ state: 'attached' });
    await openSecurity(second);
    await second.page.getByText('9 recovery codes for signing in are left.').waitFor();
    await second.page.keyboard.press('Escape');
  });

  it('adds a passkey and names it', async () => {
    const { page } = first;
    await first.plugAuthenticator();
    await first.button('Add a passkey').click();
    await first.field('Name of the passkey').fill('Desk computer');
    await first.button('Make the passkey').click();
    await page.getByText('Desk computer').waitFor();
    await first.button('Rename Desk computer').click();
    await first.field('Name of the passkey').fill('Front desk computer');
    await first.button('Save name').click();
    await page.getByText('Front desk computer').waitFor();
    expect(await first.axe()).toEqual([]);
    await page.keyboard.press('Escape');
    expect(world.complaints()).toEqual([]);
  });
});
