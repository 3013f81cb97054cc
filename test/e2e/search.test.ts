/** Finding things again: in two languages, with filters, in context, live, and nothing of it readable outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, type Tab, World } from '../harness/browser.ts';

const title = 'Harbour office';
let world: World;
let ada: Tab;
let ben: Tab;

const results = (tab: Tab) => tab.page.getByRole('list', { name: 'Search results' }).getByRole('listitem');
const field = (tab: Tab) => tab.page.getByRole('searchbox', { name: 'Search on this device' });

beforeAll(async () => {
  world = await World.start();
  [ada, ben] = [await world.newBrowser({ width: 1280, height: 700 }), await world.newBrowser()];
  await makeAccount(ada, world.setupLink, 'ada', 'passkey');
  await makeAccount(ben, await ada.invite(), 'ben', 'password');
  await ada.beginConversation(title, ['Ben Testperson']);
  await ben.openConversation(title);
  await ada.say('港口的起重机已经修好');
  await ada.say('the CRANE on pier seven: see https://wiki.example.org/crane.');
  for (let at = 0; at < 80; at += 1) await ada.write(`filler number ${at}`);
  await ada.say('that was all for now');
  await ben.hears('that was all for now');
  await ben.say('Résumé of the crane work attached');
  await ada.hears('Résumé of the crane work attached');
});
afterAll(() => world.stop());

describe('search', () => {
  it('opens by its key, finds both languages without case or accents, newest first', async () => {
    await ada.page.keyboard.press('Control+F');
    await field(ada).fill('crane');
    await expect.poll(() => results(ada).allTextContents()).toHaveLength(2);
    expect((await results(ada).allTextContents())[0]).toContain('Résumé of the crane');
    expect(await results(ada).nth(1).locator('mark').allTextContents()).toEqual(['CRANE', 'crane']);
    await field(ada).fill('起重机 修好');
    await results(ada).getByText('港口的').waitFor();
    expect(await results(ada).count()).toBe(1);
    await field(ada).fill('resume');
    await results(ada).getByText('of the crane work attached').waitFor();
    await field(ada).fill('nowhere to be found');
    await ada.page.getByText('Nothing on this device says “nowhere to be found”.').waitFor();
    expect(await ada.axe()).toEqual([]);
  });

  it('takes filters from what is typed, completes names, and shows them as chips', async () => {
    await field(ada).fill('from:be');
    await ada.button('Ben Testperson').waitFor();
    await field(ada).press('Enter');
    await ada.page.getByRole('list', { name: 'Filters' }).getByText('From Ben Testperson').waitFor();
    await field(ada).fill('crane');
    await expect.poll(() => results(ada).count()).toBe(1);
    await ada.button('Remove filter: From Ben Testperson').click();
    await expect.poll(() => results(ada).count()).toBe(2);
    await field(ada).fill('has:link ');
    await results(ada).getByText('pier seven').waitFor();
    expect(await results(ada).count()).toBe(1);
    await field(ada).fill('after:2999-01-01 ');
    await ada.page.getByText('Nothing on this device fits.').waitFor();
    expect(await ada.axe()).toEqual([]);
    await field(ada).press('Escape');
  });

  it('opens a message where it was said, and comes back to the end', async () => {
    await field(ada).fill('起重机');
    await results(ada).first().getByRole('button').click();
    await ada.log.locator('.found').getByText('港口的起重机已经修好').waitFor();
    expect(await ada.message('that was all for now').count()).toBe(0);
    await ada.button('Jump to the latest message').click();
    await ada.message('that was all for now').waitFor();
  });

  it('follows what is said while it is open, and says how far back it reaches', async () => {
    await field(ada).fill('lighthouse');
    await ada.page.getByText('Nothing on this device says “lighthouse”.').waitFor();
    await ben.say('the lighthouse is lit');
    await results(ada).getByText('is lit').waitFor();
    await ada.page.getByText(/messages on this device, back to .* That is everything you may read\./).waitFor();
  });

  it('finds everything again after a reload', async () => {
    await ada.page.reload();
    await ada.openConversation(title);
    await ada.page.keyboard.press('Control+F');
    await field(ada).fill('起重机');
    await expect.poll(() => results(ada).count()).toBe(1);
    await field(ada).press('Escape');
    await field(ada).press('Escape');
  });

  it('lists the links of a conversation, and jumps to a day', async () => {
    await ada.openConversation(title);
    await ada.button('Media, files and links').click();
    const panel = ada.page.getByRole('complementary', { name: 'Media, files and links' });
    await panel.getByRole('link', { name: 'https://wiki.example.org/crane', exact: true }).waitFor();
    expect(await ada.axe()).toEqual([]);
    await panel.getByRole('button', { name: /^Show message of Ada/ }).click();
    await ada.log.locator('.found').getByText('pier seven').waitFor();
    await panel.getByLabel('Jump to a day').fill('2020-01-01');
    await panel.getByRole('button', { name: 'Jump', exact: true }).click();
    await ada.log.getByText('created the conversation').or(ada.message('港口的起重机已经修好')).first().waitFor();
  });

  it('is a screen of its own on a phone', async () => {
    await ben.page.setViewportSize({ width: 390, height: 780 });
    await ben.button('Search this conversation').click();
    await ben.button('Back').waitFor({ state: 'hidden' });
    await field(ben).fill('pier seven');
    await results(ben).first().getByRole('button').click();
    await ben.log.locator('.found').getByText('pier seven').waitFor();
    await ben.button('Back').click();
    await results(ben).first().waitFor();
    expect(await ben.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(await ben.axe()).toEqual([]);
  });

  it('leaves nothing of it readable where the server is, and made no console complain', () => {
    expect(world.wire.record().includes(Buffer.from('lighthouse'))).toBe(false);
    expect(world.complaints()).toEqual([]);
  });
});
