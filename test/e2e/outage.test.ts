/** The server goes away, by the plug and by kill -9: nothing is lost, nothing comes twice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Tab, World } from '../harness/browser.ts';

const title = 'Night shift';
let world: World;
let ada: Tab;
let ben: Tab;
let cai: Tab;
const expected: string[] = [];

beforeAll(async () => {
  world = await World.start();
  ({ tabs: [ada, ben, cai] } = await world.trio(title));
  await ben.openConversation(title);
  await cai.openConversation(title);
});
afterAll(() => world.stop());

const everybody = (): readonly Tab[] => [ada, ben, cai];
async function allHear(text: string): Promise<void> {
  await Promise.all(everybody().map((tab) => tab.hears(text)));
}
const reconnecting = (tab: Tab) => tab.page.getByRole('status').getByText('Reconnecting…');

describe('an outage', () => {
  it('shows itself, keeps what is written, and sends it when the server is back', async () => {
    expected.push('before the outage');
    await ada.say('before the outage');
    await allHear('before the outage');
    expect(await world.appliance.terminate()).toBe(0);
    await Promise.all(everybody().map((tab) => reconnecting(tab).waitFor()));
    await ada.write('written in the dark');
    await ada.page.getByText('1 message waits on this device').waitFor();
    await ada.log.getByText('Sending…').waitFor();
    expected.push('written in the dark');
    await world.appliance.boot();
    await allHear('written in the dark');
    await Promise.all(everybody().map((tab) => reconnecting(tab).waitFor({ state: 'detached' })));
    await ada.log.getByText('Sending…').waitFor({ state: 'detached' });
  });

  it('of one network only leaves a queue that outlives the page', async () => {
    world.wire.cut();
    await reconnecting(ben).waitFor();
    await ben.write('kept in the outbox');
    await ben.page.getByText('1 message waits on this device').waitFor();
    world.wire.lead(world.appliance.port);
    // The engine of the old page ends with it; the next one finds the message in its outbox or acknowledged.
    await ben.page.reload();
    expected.push('kept in the outbox');
    await allHear('kept in the outbox');
  });

  it('by kill -9 in the middle of talking loses and doubles nothing', async () => {
    const burst = (tab: Tab, name: string) => Array.from({ length: 6 }, (_, index) => `${name} counts ${index}`).map((text) => ({ tab, text }));
    const [one, two] = [burst(ada, 'ada'), burst(cai, 'cai')];
    for (const [index, line] of one.entries()) {
      await line.tab.write(line.text);
      const other = two[index];
      if (other !== undefined) await other.tab.write(other.text);
      if (index === 2) await world.appliance.kill();
      if (index === 4) await world.appliance.boot();
    }
    const texts = [...one, ...two].map(({ text }) => text);
    expected.push(...texts);
    for (const text of texts) await allHear(text);
    await Promise.all(everybody().map((tab) => tab.log.getByText('Sending…').waitFor({ state: 'detached' })));
    await ben.say('everything is here');
    expected.push('everything is here');
    await allHear('everything is here');
    const [mine, bens, cais] = await Promise.all(everybody().map((tab) => tab.texts()));
    expect(mine?.toSorted()).toEqual(expected.toSorted());
    // One log: everybody has the same order.
    expect(bens).toEqual(mine);
    expect(cais).toEqual(mine);
  });

  it('leaves the same timeline after a reload', async () => {
    const before = await ada.texts();
    await ada.page.reload();
    await ada.hears('everything is here');
    expect(await ada.texts()).toEqual(before);
  });

  it('leaves whoever was at the end at the end, while a queue flushes and others write', async () => {
    await ada.page.setViewportSize({ width: 1280, height: 640 });
    const end = (): Promise<number> => ada.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
    await ada.say('at the end');
    await expect.poll(end).toBeLessThan(4);
    await world.appliance.kill();
    await reconnecting(ada).waitFor();
    const texts = Array.from({ length: 28 }, (_, at) => `queued by ada ${at}`);
    for (const [at, text] of texts.entries()) {
      await ada.write(text);
      if (at % 4 === 0) await ben.write(`queued by ben ${at}`);
    }
    await world.appliance.boot();
    await Promise.all([ben, cai].map((tab) => tab.hears('queued by ada 27')));
    await ada.log.getByText('Sending…').waitFor({ state: 'detached' });
    expect(await ada.page.locator('.jump').count()).toBe(0);
    await cai.say('and the answer');
    await ada.hears('and the answer');
    await expect.poll(end).toBeLessThan(4);
    expect(await ada.page.locator('.jump').count()).toBe(0);
    expect(await ada.row(title).locator('.badge').count()).toBe(0);
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
