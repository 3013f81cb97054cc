/** Two people compare safety numbers; then an older copy of the server goes another way, and the key directory contradicts itself. */
import { cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register } from '../../web/sdk/index.ts';
import { type Account, makeAccount, passwordOf, type Tab, World } from '../harness/browser.ts';

const title = 'Two of us';
let world: World;
let ada: Tab;
let ben: Tab;
let accounts: readonly [Account, Account];
const invites: string[] = [];
let copy: string;

beforeAll(async () => {
  world = await World.start();
  copy = `${world.appliance.folder}-older`;
  [ada, ben] = [await world.newBrowser(), await world.newBrowser()];
  const owner = await makeAccount(ada, world.setupLink, 'ada', 'passkey');
  accounts = [owner, await makeAccount(ben, await ada.invite(), 'ben', 'passkey')];
  for (let more = 0; more < 2; more += 1) invites.push(await ada.invite());
  await ada.beginConversation(title, [accounts[1].name]);
  await ben.openConversation(title);
  await ada.say('hello');
  await ben.hears('hello');
});
afterAll(async () => {
  await world.stop();
  await rm(copy, { recursive: true, force: true });
});

/** Opens the safety number that this tab has of somebody, and reads it. */
async function digitsOf(tab: Tab, name: string): Promise<string> {
  await (await tab.openMembers()).getByRole('button', { name: `Safety number with ${name}` }).click();
  const groups = tab.page.getByRole('dialog').getByRole('list', { name: `Safety number with ${name}` }).getByRole('listitem');
  await groups.first().waitFor();
  return (await groups.allTextContents()).join(' ');
}
const newcomer = async (handle: string): Promise<void> => {
  const person = await register({ origin: world.origin, invite: invites.pop() ?? '', handle, displayName: handle, password: passwordOf(handle) });
  await person.close();
};

describe('a safety number', () => {
  it('is the same on both screens, and verified by its digits on one', async () => {
    const [one, other] = [await digitsOf(ada, accounts[1].name), await digitsOf(ben, accounts[0].name)];
    expect(one).toMatch(/^\d{5}( \d{5}){11}$/);
    expect(other).toBe(one);
    const field = ben.field(`Digits on ${accounts[0].name}’s screen`);
    await field.fill(`${one.slice(0, -1)}${(Number(one.at(-1)) + 1) % 10}`);
    await ben.page.getByText('These are other digits.', { exact: false }).waitFor();
    expect(await ben.button('I compared them: they are equal').isDisabled()).toBe(true);
    await field.fill(one);
    expect(await ben.axe()).toEqual([]);
    await ben.button('Mark as verified').click();
    await ben.page.getByText(`You compared this number with ${accounts[0].name}.`, { exact: false }).waitFor();
    await ben.page.keyboard.press('Escape');
    await ben.page.getByRole('complementary', { name: 'Members' }).getByText('Verified').waitFor();
    // Nobody said so on the other side.
    await ada.button('I compared them: they are equal').waitFor();
    await ada.page.keyboard.press('Escape');
  });

  it('stays verified on a fresh page', async () => {
    await ben.page.reload();
    await (await ben.openMembers()).getByText('Verified').waitFor();
  });
});

describe('a key directory that contradicts itself', () => {
  it('is told aloud, stops sending, and goes on when somebody looked into it', async () => {
    expect(await world.appliance.terminate()).toBe(0);
    await cp(world.appliance.folder, copy, { recursive: true });
    await world.appliance.boot();
    await newcomer('dan');
    await ada.button('People').click();
    await ada.page.getByRole('dialog').getByText('@dan').waitFor();
    await ada.page.goto('about:blank');
    // The older copy goes another way: the same number of leaves, and others.
    expect(await world.appliance.terminate()).toBe(0);
    await rm(world.appliance.folder, { recursive: true });
    await cp(copy, world.appliance.folder, { recursive: true });
    await world.appliance.boot();
    await newcomer('eve');
    await ada.page.goto(world.origin);
    const alarm = ada.page.getByRole('alert').filter({ hasText: 'The server’s list of keys does not add up' });
    await alarm.getByText('Sending is paused until you decide.', { exact: false }).waitFor();
    await ada.openConversation(title);
    await ada.write('does this go?');
    await ada.page.getByText('The server contradicts itself about people’s keys', { exact: false }).waitFor();
    expect(await ada.field('Message').inputValue()).toBe('does this go?');
    expect(await ada.axe()).toEqual([]);
    await ada.page.reload();
    await alarm.getByRole('button', { name: 'I have looked into it' }).click();
    await ada.button('Believe the list as it is now').click();
    await alarm.getByText('does not add up').waitFor({ state: 'detached' });
    await ada.say('looked into it');
    await ben.hears('looked into it');
    expect(await ben.texts()).not.toContain('does this go?');
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
