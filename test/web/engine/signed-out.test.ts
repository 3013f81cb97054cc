/** What a device had under way when its person signed out ends there. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TimelineView } from '../../../web/engine/api.ts';
import type { LocalStore } from '../../../web/engine/ports.ts';
import { conversations } from '../../../web/engine/store/records.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, refusal, until } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** A disk on which somebody's read of many records can be held up. */
class SlowDisk {
  #held: Promise<void> | null = null;
  #reached: () => void = () => undefined;

  over(store: LocalStore): LocalStore {
    const range: LocalStore['range'] = async (from, to, options) => {
      const held = this.#held;
      if (held !== null && options.limit === 1_000) {
        this.#held = null;
        this.#reached();
        await held;
      }
      return store.range(from, to, options);
    };
    return {
      range,
      get: (key) => store.get(key),
      batch: (writes) => store.batch(writes),
      deviceKeys: () => store.deviceKeys(),
      erase: () => store.erase(),
      close: () => store.close(),
    };
  }

  /** Holds the next count of unread messages; `reached` resolves when it is waiting. */
  hold(): { readonly reached: Promise<void>; readonly release: () => void } {
    let release: () => void = () => undefined;
    this.#held = new Promise((resolve) => (release = resolve));
    return { reached: new Promise((reached) => (this.#reached = reached)), release };
  }
}

it('leaves the next device of the same person its own records and its own screens', async () => {
  const disk = new SlowDisk();
  const profile = new MemoryProfile();
  const ada = await engineOver(nodeNetwork(server.origin), openMemoryStore(new MemoryProfile()));
  const bob = await engineOver(nodeNetwork(server.origin), disk.over(openMemoryStore(profile)));
  engines.push(ada, bob);
  await join(ada, 'ada', (await owner.createInvite()).link);
  const code = await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: 'readers', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  await bob.openTimeline(id);
  for (const text of ['one', 'two']) {
    const heard = hears(bob, text);
    await ada.delivered(id, await ada.send(id, text));
    await heard;
  }

  const { reached, release } = disk.hold();
  const marking = refusal(bob.markRead(id, 3));
  await reached;
  await bob.signOut(true);
  await bob.signInWithPassword('bob', passwordOf('bob'), 'again');
  await until(bob, ({ account: { state } }) => state === 'vault-locked');
  await bob.unlockWithRecoveryCode(code);
  await bob.synced();
  await bob.openTimeline(id);
  await bob.delivered(id, await bob.send(id, 'back'));
  const record = async (): Promise<unknown> => (await accountOn(profile)).store.get(conversations, id);
  const before = await record();
  const shown: TimelineView[] = [];
  bob.onTimeline((view) => shown.push(view));
  release();

  expect(await marking).toBe('engine.closed');
  expect(await record()).toEqual(before);
  const last = shown.at(-1);
  if (last !== undefined) expect(last.items.some((item) => item.kind === 'text' && item.text === 'back')).toBe(true);
  expect(before).toMatchObject({ last: { text: 'back' } });
});
