/** A device dies at every point between writing and sending, and comes back from what was on its disk. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { createEngine } from '../../../web/engine/client.ts';
import { type EngineSnapshot, LanyingError } from '../../../web/engine/api.ts';
import { MemoryProfile } from '../../../web/platform/node/memory-store.ts';
import { deserialize, epoch } from '../../../web/engine/mls/index.ts';
import { conversations } from '../../../web/engine/store/records.ts';
import { SealedStore } from '../../../web/engine/store/sealed-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { nodePasskeys } from '../../../web/platform/node/passkeys.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client, Conversation } from '../../../web/sdk/index.ts';
import { CrashingDevice } from '../../harness/crashing-device.ts';
import { reading } from '../../harness/devices.ts';
import { makeOwner, passwordOf, sees, textArrives, texts } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let ada: Client;
const engines: HeadlessEngine[] = [];

const until = (engine: HeadlessEngine, fits: (snapshot: EngineSnapshot) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (snapshot: EngineSnapshot): void => {
      if (!fits(snapshot)) return;
      stop();
      resolve();
    };
    const stop = engine.onSnapshot(look);
    look(engine.snapshot());
  });

async function engineOn(device: CrashingDevice): Promise<HeadlessEngine> {
  const engine = await createEngine({ runtime: systemRuntime, network: device.network, store: device.store, passkeys: nodePasskeys });
  engines.push(engine);
  await until(engine, ({ account }) => account.state !== 'starting');
  return engine;
}

/** Bob's device as it comes to life on a profile: signed in, caught up. */
async function revive(profile: MemoryProfile): Promise<{ readonly device: CrashingDevice; readonly engine: HeadlessEngine }> {
  const device = new CrashingDevice(profile, nodeNetwork(server.origin));
  const engine = await engineOn(device);
  await engine.signInWithPassword('bob', passwordOf('bob'), 'test');
  await engine.synced();
  return { device, engine };
}

/** Whatever a call of a dying engine says. */
const dying = async (call: Promise<unknown>): Promise<'done' | 'failed'> => {
  try {
    await call;
    return 'done';
  } catch (cause) {
    if (cause instanceof LanyingError) return 'failed';
    throw cause;
  }
};

async function makeBob(profile: MemoryProfile): Promise<void> {
  const { link } = await ada.createInvite();
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  const engine = await engineOn(new CrashingDevice(profile, nodeNetwork(server.origin)));
  const factor = { kind: 'password', password: passwordOf('bob') } as const;
  await engine.prepareAccount({ grant: { kind: 'invite', token }, handle: 'bob', displayName: 'Bob', factor, deviceLabel: 'test' });
  await engine.finishAccount();
  await engine.synced();
  await engine.close();
}

const conversationOf = (engine: HeadlessEngine): ConversationId => {
  const first = engine.snapshot().conversations[0];
  if (first === undefined) throw new Error('no conversation');
  return first.conversationId;
};
const idOf = (engine: HeadlessEngine, handle: string): UserId => {
  const found = engine.snapshot().people.find((person) => person.handle === handle);
  if (found === undefined) throw new Error('no such person');
  return found.userId;
};

beforeEach(async () => {
  server = await startServer();
  ada = await makeOwner(server, 'ada');
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  await ada.close();
  await server.remove();
});

describe('a device that dies', () => {
  it('[E12] [E7] loses no message and sends none twice, wherever it dies while sending', async () => {
    const profile = new MemoryProfile();
    await makeBob(profile);
    const talk = await ada.conversations.create({ members: ['bob'] });
    const expected: string[] = [];
    let wholeRun = false;
    let deaths = 0;
    for (let steps = 1; !wholeRun && steps < 20; steps += 1) {
      const { device, engine } = await revive(profile);
      const id = conversationOf(engine);
      const text = `dies after ${steps}`;
      device.arm(steps);
      const sent = engine.send(id, text);
      const arrived = engine.send(id, `${text}, the next`).then((next) => engine.delivered(id, next));
      wholeRun = (await Promise.race([device.died.then(() => false), arrived.then(() => true, () => false)])) && !device.dead;
      // Dead already, so this writes nothing; it only lets go of who waits.
      await engine.close();
      deaths += device.dead ? 1 : 0;
      // What the engine promised to keep must come; what it refused may not be there at all.
      if ((await dying(sent)) === 'done') expected.push(text);
      await dying(arrived);
      const again = await revive(profile);
      const mark = textArrives(ada, `mark ${steps}`);
      await again.engine.delivered(id, await again.engine.send(id, `mark ${steps}`));
      await mark;
      await again.engine.close();
    }
    expect(wholeRun).toBe(true);
    expect(deaths).toBeGreaterThan(4);
    const seen = await allTexts(talk);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((text) => expected.includes(text))).toEqual(expected);
  });

  it('[E8] [E12] stands in the right epoch, wherever it dies while adding somebody', async () => {
    const profile = new MemoryProfile();
    await makeBob(profile);
    let wholeRun = false;
    let deaths = 0;
    for (let steps = 1; !wholeRun && steps < 16; steps += 1) {
      const { device, engine } = await revive(profile);
      const id = await engine.createConversation({ title: `room ${steps}`, members: [] });
      await engine.refreshPeople();
      device.arm(steps);
      const adding = engine.addMembers(id, [idOf(engine, 'ada')]);
      wholeRun = (await Promise.race([device.died.then(() => false), adding.then(() => true, () => false)])) && !device.dead;
      await engine.close();
      deaths += device.dead ? 1 : 0;
      await dying(adding);
      const again = await revive(profile);
      await again.engine.addMembers(id, [idOf(again.engine, 'ada')]);
      const atAda = await sees(ada, id, ({ title }) => title === `room ${steps}`);
      const heard = textArrives(ada, `hello ${steps}`);
      await again.engine.send(id, `hello ${steps}`);
      await heard;
      const back = new Promise<void>((resolve) => {
        again.engine.onText((_id, entry) => entry.text === `back ${steps}` && resolve());
      });
      await atAda.send({ text: `back ${steps}` });
      await back;
      expect(await texts(atAda)).toEqual([`hello ${steps}`, `back ${steps}`]);
      expect(again.engine.snapshot().notices).toEqual([]);
      await again.engine.close();
    }
    expect(wholeRun).toBe(true);
    expect(deaths).toBeGreaterThan(4);
  });

  it('[E8] [E12] makes a conversation once, with its title and its first epoch, wherever it dies while making it', async () => {
    const profile = new MemoryProfile();
    await makeBob(profile);
    let wholeRun = false;
    const made: boolean[] = [];
    for (let steps = 1; !wholeRun && steps < 16; steps += 1) {
      const { device, engine } = await revive(profile);
      await engine.refreshPeople();
      const title = `made ${steps}`;
      device.arm(steps);
      const making = engine.createConversation({ title, members: [idOf(engine, 'ada')] });
      wholeRun = (await Promise.race([device.died.then(() => false), making.then(() => true, () => false)])) && !device.dead;
      await engine.close();
      await dying(making);
      const again = await revive(profile);
      const here = again.engine.snapshot().conversations.filter((view) => view.title === title);
      made.push(here.length === 1);
      // Trying again finds what there is, or makes it: either way there is one.
      const id = here[0]?.conversationId ?? (await again.engine.createConversation({ title, members: [idOf(again.engine, 'ada')] }));
      const atAda = await sees(ada, id, (seen) => seen.title === title);
      const heard = textArrives(ada, `in ${steps}`);
      await again.engine.delivered(id, await again.engine.send(id, `in ${steps}`));
      await heard;
      expect(await texts(atAda)).toEqual([`in ${steps}`]);
      const view = again.engine.snapshot().conversations.filter((each) => each.title === title);
      expect(view.map(({ conversationId }) => conversationId)).toEqual([id]);
      expect((await ada.conversations.list()).filter((each) => each.title === title).map((each) => each.id)).toEqual([id]);
      expect(again.engine.snapshot().notices).toEqual([]);
      await again.engine.close();
      // One commit, the first: it came back as what made the conversation, not as a device that joined it.
      expect(await epochOnDisk(profile, id)).toBe(1);
    }
    expect(wholeRun).toBe(true);
    // It died before anything was decided, and after.
    expect(made.slice(0, -1)).toContain(false);
    expect(made.slice(0, -1).filter((was) => was).length).toBeGreaterThan(2);
  });
});

/** Where the group of a conversation stands on a profile. */
async function epochOnDisk(profile: MemoryProfile, id: ConversationId): Promise<number> {
  const state = await (await SealedStore.open(reading(profile))).get(conversations, id);
  if (state === null) throw new Error('no such conversation on disk');
  return epoch(deserialize(state.group));
}

/** Oldest first. */
async function allTexts(conversation: Conversation): Promise<readonly string[]> {
  const all: string[] = [];
  for (let before: number | undefined; ; ) {
    const page = await conversation.messages(before === undefined ? { limit: 200 } : { limit: 200, before });
    all.push(...page.map(({ text }) => text));
    before = page.at(-1)?.sequence;
    if (page.length === 0) return all.toReversed();
  }
}
