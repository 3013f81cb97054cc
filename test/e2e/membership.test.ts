/** Somebody is removed, cannot read on, and is added again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, type Tab, World } from '../harness/browser.ts';

const title = 'Kitchen plans';
let world: World;
let ada: Tab;
let ben: Tab;
let cai: Tab;
let third: Account;

beforeAll(async () => {
  world = await World.start();
  const trio = await world.trio(title);
  [ada, ben, cai] = trio.tabs;
  third = trio.accounts[2];
  await ben.openConversation(title);
  await cai.openConversation(title);
});
afterAll(() => world.stop());

describe('a removed member', () => {
  it('is told, keeps the history and hears nothing new', async () => {
    await ada.say('the oven comes on Monday');
    await cai.hears('the oven comes on Monday');
    const members = await ada.openMembers();
    await members.getByRole('button', { name: `Remove ${third.name}` }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await ada.page.getByRole('dialog').waitFor({ state: 'detached' });
    await members.getByRole('button', { name: `Remove ${third.name}` }).waitFor({ state: 'detached' });
    await cai.page.getByText('You are no longer a member. The history stays readable here.').waitFor();
    await ben.hears('Ada Testperson removed Cai Testperson');
    await cai.hears('Ada Testperson removed you');
    await cai.row(title).getByText('You are no longer a member').waitFor();
    await cai.page.locator('.head').getByText('You are no longer a member').waitFor();
    await cai.hears('the oven comes on Monday');
    await ada.say('a surprise for the third of us');
    await ben.hears('a surprise for the third of us');
    await ben.say('agreed, not a word');
    await ada.hears('agreed, not a word');
    // A fresh page asks the server for everything that it would give.
    await cai.page.reload();
    await cai.hears('the oven comes on Monday');
    expect(await cai.texts()).toEqual(['the oven comes on Monday']);
    expect(await cai.field('Message').count()).toBe(0);
  });

  it('reads from then on when added again', async () => {
    const members = ada.page.getByRole('complementary', { name: 'Members' });
    await members.getByRole('button', { name: 'Add people' }).click();
    await ada.page.getByRole('checkbox', { name: third.name }).check();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Add 1 person' }).click();
    await ada.page.getByRole('dialog').waitFor({ state: 'detached' });
    await members.getByRole('button', { name: `Remove ${third.name}` }).waitFor();
    await ada.say('welcome back');
    await cai.hears('welcome back');
    await cai.say('what did I miss?');
    await Promise.all([ada.hears('what did I miss?'), ben.hears('what did I miss?')]);
    await cai.hears('Ada Testperson added you');
    await cai.log.getByText('You were not in this conversation for a while', { exact: false }).waitFor();
    // The title was said again for whoever came; nobody named anything.
    await ben.hears('Ada Testperson added Cai Testperson');
    expect(await Promise.all([ada, ben, cai].map((tab) => tab.log.getByText('named the conversation').count()))).toEqual([1, 0, 0]);
    expect(await ada.log.getByText('New messages').count()).toBe(0);
    const read = await cai.texts();
    expect(read).not.toContain('a surprise for the third of us');
    expect(read).not.toContain('agreed, not a word');
    expect(await ada.texts()).toEqual(['the oven comes on Monday', 'a surprise for the third of us', 'agreed, not a word', 'welcome back', 'what did I miss?']);
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
