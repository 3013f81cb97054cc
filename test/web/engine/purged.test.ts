/** What the server purges goes from devices too, and only what it may say so of. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import type { Conversation as Summary } from '#protocol/model.ts';
import type { Network } from '../../../web/engine/ports.ts';
import { after, epochs, messageIds, messages } from '../../../web/engine/store/records.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { summariesIn } from '../../harness/liar.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { MovedClock } from '../../harness/moved-clock.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

const dayMs = 86_400_000;
const clock = new MovedClock();
let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];

async function over(network: Network, profile: MemoryProfile): Promise<HeadlessEngine> {
  const engine = await engineOver(network, openMemoryStore(profile));
  engines.push(engine);
  return engine;
}
async function person(
  handle: string,
  network: Network = nodeNetwork(server.origin),
  profile = new MemoryProfile(),
): Promise<HeadlessEngine> {
  const engine = await over(network, profile);
  await join(engine, handle, (await owner.createInvite()).link);
  return engine;
}

beforeEach(async () => {
  clock.shiftMs = 0;
  server = await startServer({ runtime: clock.runtime });
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** Everything older than two days, by the owner. */
async function purge(): Promise<void> {
  const { cookie } = await server.post('signIn.password', { handle: 'owner', password: passwordOf('owner') });
  expect(
    (await server.post('retention.set', { class: 'messages', conversationId: null, days: 2 }, cookie)).status,
  ).toBe(200);
  const ran = await server.post('retention.run', {}, cookie);
  expect(ran.body).toMatchObject({ receipt: { proof: { found: 0 } } });
}

/** How many records of a conversation a device keeps, by kind. */
async function kept(profile: MemoryProfile, id: ConversationId): Promise<readonly number[]> {
  const { store } = await accountOn(profile);
  const count = async (kind: typeof messages | typeof messageIds | typeof epochs): Promise<number> =>
    (await store.range<unknown>(kind, `${id}/`, after(`${id}/`), 10_000)).length;
  return Promise.all([count(messages), count(messageIds), count(epochs)]);
}

async function saysTo(from: HeadlessEngine, to: HeadlessEngine, id: ConversationId, text: string): Promise<void> {
  const heard = hears(to, text);
  await from.delivered(id, await from.send(id, text));
  await heard;
}

it('[R11] a device that is online erases what is purged, with the keys that opened only that, and goes on', async () => {
  const profile = new MemoryProfile();
  const ada = await person('ada');
  const bob = await person('bob', nodeNetwork(server.origin), profile);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: 'kept title', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  for (const text of ['one', 'two', 'three']) await saysTo(ada, bob, id, text);
  // A commit, so that what comes is in another epoch.
  await person('cem');
  await ada.refreshPeople();
  await ada.addMembers(id, [idOf(ada, 'cem')]);
  await until(bob, () => viewOf(bob, id).members.length === 3);
  const [before, , keysBefore] = await kept(profile, id);
  expect(before).toBeGreaterThan(3);
  expect(keysBefore).toBe(2);
  clock.shiftMs += 5 * dayMs;
  await saysTo(bob, ada, id, 'later');
  await until(bob, () => viewOf(bob, id).last?.text === 'later');
  await purge();
  await until(bob, () => viewOf(bob, id).last?.text === 'later' && viewOf(bob, id).unread === 0);
  await saysTo(ada, bob, id, 'and on');
  expect(await textsOf(bob, id)).toEqual(['later', 'and on']);
  expect(await textsOf(ada, id)).toEqual(['later', 'and on']);
  expect(await kept(profile, id)).toEqual([2, 2, 1]);
  expect(viewOf(bob, id).title).toBe('kept title');
  expect([...ada.snapshot().notices, ...bob.snapshot().notices]).toEqual([]);
});

it('[R11] a device that was away through a purge takes up behind the hole, also when it missed commits', async () => {
  const profile = new MemoryProfile();
  const network = nodeNetwork(server.origin);
  const ada = await person('ada');
  const bob = await person('bob', network, profile);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  await saysTo(ada, bob, id, 'while there');
  await bob.close();
  await ada.delivered(id, await ada.send(id, 'never seen'));
  await person('cem');
  await ada.refreshPeople();
  await ada.addMembers(id, [idOf(ada, 'cem')]);
  clock.shiftMs += 5 * dayMs;
  await ada.delivered(id, await ada.send(id, 'behind the hole'));
  await purge();
  const back = await over(network, profile);
  await back.synced();
  const [after1] = [await textsOf(back, id)];
  expect(after1).not.toContain('while there');
  await saysTo(ada, back, id, 'welcome back');
  await saysTo(back, ada, id, 'thanks');
  expect((await textsOf(back, id)).slice(-2)).toEqual(['welcome back', 'thanks']);
  expect([...ada.snapshot().notices, ...back.snapshot().notices]).toEqual([]);
});

it("[R11] a floor without the server's signature, or with another history below it, erases nothing and is told", async () => {
  for (const lie of ['signature', 'hash'] as const) {
    const profile = new MemoryProfile();
    const network = new LyingNetwork(nodeNetwork(server.origin));
    const ada = await person(`ada-${lie}`);
    const bob = await person(`bob-${lie}`, network, profile);
    await ada.refreshPeople();
    const id = await ada.createConversation({ title: null, members: [idOf(ada, `bob-${lie}`)] });
    await entered(bob, id);
    for (const text of ['one', 'two']) await saysTo(ada, bob, id, text);
    const before = await kept(profile, id);
    const forged = (summary: Summary): Summary => ({
      ...summary,
      floor: {
        sequence: 3,
        hash: lie === 'hash' ? new Uint8Array(32).fill(9) : summary.headHash,
        purgedAt: 1,
        signature: new Uint8Array(64),
      },
    });
    network.lie = (frame, command) => [summariesIn(frame, command, forged)];
    network.cut();
    await until(bob, ({ notices }) => notices.some(({ kind }) => kind === 'log_forked'));
    expect(await kept(profile, id)).toEqual(before);
    expect(await textsOf(bob, id)).toEqual(['one', 'two']);
  }
});
