/** The policy of signing in: set by an administrator, in force at once, mended by the people it meets. */
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, signInByPassword, type Tab, World } from '../harness/browser.ts';

let world: World;
let ada: Tab;
let ben: Tab;
const fresh = 'another long password of ben';

beforeAll(async () => {
  world = await World.start();
  [ada, ben] = [await world.newBrowser(), await world.newBrowser()];
  await makeAccount(ada, world.setupLink, 'ada', 'passkey');
  await makeAccount(ben, await ada.invite(), 'ben', 'password');
  await ada.beginConversation('Front desk', ['Ben Testperson']);
  await ben.openConversation('Front desk');
});
afterAll(() => world.stop());

describe('the policy of signing in', () => {
  it('shows who would not fit before it is saved, and holds at once', async () => {
    const { page } = ada;
    await page.goto(`${world.origin}/admin/sign-in`);
    await page.getByRole('checkbox', { name: 'Second step required: Members' }).check();
    const report = page.getByRole('region', { name: 'Who does not fit' });
    await report.getByText(/no second step/).waitFor();
    expect(await ada.axe()).toEqual([]);
    await page.getByRole('checkbox', { name: 'Passkey: Members' }).uncheck();
    await page.getByRole('checkbox', { name: 'Authenticator app: Members' }).uncheck();
    await page.getByRole('alert').getByText(/neither passkey nor authenticator app/).waitFor();
    expect(await ada.button('Save and apply').isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'Authenticator app: Members' }).check();
    await ada.button('Save and apply').click();
    await report.getByText('By the policy that is in force, and by what is good sense.').waitFor();
    await page.reload();
    expect(await page.getByRole('checkbox', { name: 'Passkey: Members' }).isChecked()).toBe(false);
  });

  it('has groups with stricter rules of their own', async () => {
    const { page } = ada;
    await ada.button('Add a group').click();
    await ada.button('Done').click();
    await page.getByText('Give the group a name.').waitFor();
    await ada.field('Name of the group').fill('Finance');
    await page.getByRole('checkbox', { name: 'Forbid: Password' }).check();
    // Members may not use passkeys, so nothing would be left.
    await page.getByRole('alert').getByText(/would have no way in/).waitFor();
    await page.getByRole('checkbox', { name: 'Forbid: Password' }).uncheck();
    await page.getByRole('checkbox', { name: 'Second step required', exact: true }).check();
    await page.getByRole('checkbox', { name: /Ben Testperson/ }).check();
    expect(await ada.axe()).toEqual([]);
    await ada.button('Done').click();
    await page.getByText('1 person · Second step required').waitFor();
    await ada.button('Save and apply').click();
    await ada.button('Save and apply').and(page.locator(':disabled')).waitFor();
    await page.reload();
    await page.getByText('1 person · Second step required').waitFor();
  });

  it('asks whoever lacks the second step for it at once, signed in or not, and then lets them in', async () => {
    const { page } = ben;
    await page.getByRole('heading', { name: 'Set up a second step first' }).waitFor();
    expect(await ben.axe()).toEqual([]);
    await ben.button('Set up an authenticator app').click();
    const secret = ((await page.locator('.secret').textContent()) ?? '').replaceAll(' ', '');
    await ben.field('Code from the app').fill(new TOTP({ secret }).generate());
    await ben.button('Turn it on').click();
    await ben.button('I have kept it').click();
    await ben.openConversation('Front desk');
    await ben.say('in again');
  });

  it('gives a new password by a link, which skips neither the second step nor the vault', async () => {
    await ada.page.goto(`${world.origin}/`);
    await ada.button('People').click();
    await ada.button('New password link for Ben Testperson').click();
    const link = await ada.field('Link').inputValue();
    const other = await world.newBrowser();
    await other.page.goto(link);
    await other.field('Password').fill('short');
    await other.button('Save password').click();
    await other.page.getByText(/at least 15/i).first().waitFor();
    expect(await other.axe()).toEqual([]);
    await other.field('Password').fill(fresh);
    await other.button('Save password').click();
    await other.page.getByRole('heading', { name: 'Password saved' }).waitFor();
    await ben.button('Sign in').waitFor();
    await signInByPassword(other, world.origin, 'ben');
    await other.page.getByRole('alert').waitFor();
    await other.field('Password').fill(fresh);
    await other.button('Sign in').click();
    await other.page.getByRole('heading', { name: 'One more step' }).waitFor();
    expect(world.complaints()).toEqual([]);
  });
});
