/** From an empty folder to a conversation of three, and nothing of it readable on disk, on the wire or in the log. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, type Tab, World } from '../harness/browser.ts';

const title = 'Harbour lights 港口之光';
const said: string[] = [];
let world: World;
let ada: Tab;
let ben: Tab;
let cai: Tab;

beforeAll(async () => {
  world = await World.start();
  [ada, ben, cai] = [await world.newBrowser(), await world.newBrowser(), await world.newBrowser()];
});
afterAll(() => world.stop());

async function talk(from: Tab, to: readonly Tab[], text: string): Promise<void> {
  said.push(text);
  await from.say(text);
  await Promise.all(to.map((tab) => tab.hears(text)));
}

async function filesUnder(folder: string): Promise<readonly Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))));
}

/** The forms in which a text could lie open: as it is, and as the encodings that we use. */
const forms = (text: string): readonly Buffer[] => [Buffer.from(text), Buffer.from(text, 'utf16le'), Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '')), Buffer.from(JSON.stringify(text).slice(1, -1))];
const open = (haystack: Buffer, texts: readonly string[]): readonly string[] => texts.filter((text) => forms(text).some((form) => haystack.includes(form)));

describe('three people', () => {
  it('are set up by link, invited, and talk in all directions', async () => {
    await makeAccount(ada, world.setupLink, 'ada-lighthouse', 'passkey');
    await makeAccount(ben, await ada.invite(), 'ben-breakwater', 'passkey');
    await makeAccount(cai, await ada.invite(), 'cai-quayside', 'password');
    await ada.beginConversation(title, ['Ben-breakwater', 'Cai-quayside']);
    await ben.row(title).waitFor();
    await ben.openConversation(title);
    await cai.openConversation(title);
    await talk(ada, [ben, cai], 'the crane on pier seven is green');
    await talk(ben, [ada, cai], 'seventeen boats are late tonight');
    await talk(cai, [ada, ben], '午夜之前换班，请带手电筒');
  });

  it('see unread counts and who is typing', async () => {
    await cai.beginConversation('Ropes and knots', ['Ada-lighthouse']);
    said.push('a bowline never slips');
    await cai.say('a bowline never slips');
    await ada.row('Ropes and knots').getByText('1 unread message', { exact: true }).waitFor({ state: 'attached' });
    await ada.openConversation('Ropes and knots');
    await ada.hears('a bowline never slips');
    await ada.row('Ropes and knots').getByText('1 unread message', { exact: true }).waitFor({ state: 'detached' });
    await ada.field('Message').fill('half a thought');
    await cai.page.getByText('Ada-lighthouse Testperson is typing…').first().waitFor({ state: 'attached' });
    await ada.field('Message').fill('');
  });

  it('find everything again after a reload', async () => {
    for (const tab of [ada, ben, cai]) {
      await tab.page.goto(world.origin);
      await tab.openConversation(title);
      for (const text of said.slice(0, 3)) await tab.hears(text);
    }
    await talk(cai, [ada, ben], 'the fog has lifted since');
  });

  it('leave nothing readable on disk, on the wire or in the log', async () => {
    const secrets = [...said, title, 'Ropes and knots', 'half a thought'];
    const people = ['ada-lighthouse', 'ben-breakwater', 'cai-quayside', 'Ada-lighthouse', 'Ben-breakwater', 'Cai-quayside'];
    const wire = world.wire.record();
    // The recorder hears, and unmasks: names of people are no secret to their server, nor what is asked of it by socket.
    expect(open(wire, ['ben-breakwater', 'conversation.send'])).toEqual(['ben-breakwater', 'conversation.send']);
    expect(open(wire, secrets)).toEqual([]);
    const running = await filesUnder(world.appliance.folder);
    expect(running.length).toBeGreaterThan(3);
    expect(running.flatMap((file) => open(file, [...secrets, ...people]))).toEqual([]);
    expect(await world.appliance.terminate()).toBe(0);
    const settled = await filesUnder(world.appliance.folder);
    expect(settled.flatMap((file) => open(file, [...secrets, ...people]))).toEqual([]);
    expect(world.appliance.output).toContain('{');
    expect(open(Buffer.from(world.appliance.output), [...secrets, ...people])).toEqual([]);
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
