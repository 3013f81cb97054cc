/** A device that nobody used for a month loses its leaf, and comes back by itself. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deviceIdleMs } from '#protocol/limits.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { deserialize, members } from '../../../web/engine/mls/index.ts';
import { conversations } from '../../../web/engine/store/records.ts';
import { accountOn, engineOver, entered, hears, idOf, join, textsOf, until } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ahead = 0;
const engines: HeadlessEngine[] = [];

async function engine(
  profile: MemoryProfile,
  network = new LyingNetwork(nodeNetwork(server.origin)),
): Promise<HeadlessEngine> {
  const made = await engineOver(network, openMemoryStore(profile));
  engines.push(made);
  return made;
}

beforeEach(async () => {
  ahead = 0;
  server = await startServer({ nowShiftMs: () => ahead });
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** Connected, signed in again where the session is over. */
async function here(each: HeadlessEngine, handle: string): Promise<void> {
  await until(each, ({ account: { state }, connection }) => state === 'signed-out' || connection.state === 'online');
  if (each.snapshot().account.state === 'signed-out')
    await each.signInWithPassword(handle, passwordOf(handle), 'again');
  await each.synced();
}

it('[D6] loses its leaf while its person goes on elsewhere, and reads everything when it is back', async () => {
  const [adaProfile, desk, laptop] = [new MemoryProfile(), new MemoryProfile(), new MemoryProfile()];
  const ada = await engine(adaProfile);
  await join(ada, 'ada', (await owner.createInvite()).link);
  const bob = await engine(desk);
  const code = await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: 'the room', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const second = await engine(laptop, network);
  await second.signInWithPassword('bob', passwordOf('bob'), 'laptop');
  await until(second, ({ account: { state } }) => state === 'vault-locked');
  await second.unlockWithRecoveryCode(code);
  await entered(second, id);
  const early = hears(second, 'early');
  await ada.send(id, 'early');
  await early;
  await second.close();
  const leaves = async (): Promise<number> => {
    const { store } = await accountOn(adaProfile);
    const state = await store.get(conversations, id);
    return state === null ? 0 : members(deserialize(state.group)).length;
  };
  expect(await leaves()).toBe(3);
  // A month passes, by steps that the server takes for time that passes ([T3]); sessions are over before it does.
  for (let step = 0; step < 6; step += 1) {
    ahead += deviceIdleMs / 5;
    await server.restart();
    await here(ada, 'ada');
    await here(bob, 'bob');
  }
  await expect.poll(leaves, { timeout: 20_000 }).toBe(2);
  const late = hears(bob, 'late');
  await ada.send(id, 'late');
  await late;
  const back = await engine(laptop, network);
  await here(back, 'bob');
  await entered(back, id);
  expect(await textsOf(back, id)).toEqual(['early', 'late']);
  await expect.poll(leaves).toBe(3);
  expect(back.snapshot().notices).toEqual([]);
  const heard = hears(ada, 'back again');
  await back.send(id, 'back again');
  await heard;
}, 60_000);
