/** Honest things that happened while a device was away, or just before it came in, are no lies. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { Network } from '../../../web/engine/ports.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];

async function person(handle: string, network: Network = nodeNetwork(server.origin), profile = new MemoryProfile()): Promise<HeadlessEngine> {
  const engine = await engineOver(network, openMemoryStore(profile));
  engines.push(engine);
  await join(engine, handle, (await owner.createInvite()).link);
  return engine;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

it('[C4] [C9] a device that was away follows what a new owner removed', async () => {
  const network = nodeNetwork(server.origin);
  const profile = new MemoryProfile();
  const [ada, bob, dan] = [await person('ada'), await person('bob'), await person('dan')];
  const cem = await person('cem', network, profile);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: null, members: ['bob', 'cem', 'dan'].map((handle) => idOf(ada, handle)) });
  await Promise.all([bob, cem, dan].map((engine) => entered(engine, id)));
  await cem.close();
  await ada.leaveConversation(id);
  await until(bob, () => viewOf(bob, id).mayRemove);
  await bob.removeMember(id, idOf(bob, 'dan'));
  const back = await engineOver(network, openMemoryStore(profile));
  engines.push(back);
  await back.synced();
  expect(viewOf(back, id).members.toSorted()).toEqual([idOf(back, 'bob'), idOf(back, 'cem')].toSorted());
  const heard = hears(back, 'the two of us');
  await bob.send(id, 'the two of us');
  await heard;
  expect(back.snapshot().notices).toEqual([]);
});

it('[C7] somebody who is taken out again before they came in is not told of a lie', async () => {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const ada = await person('ada');
  const bob = await person('bob', network);
  await ada.refreshPeople();
  // The mailbox is empty and the conversation unknown by the time that Bob asks, as after a removal.
  let asked = false;
  network.lie = (frame, command) => {
    if (frame.kind === 'answer' && command === 'welcome.list') return [{ ...frame, output: { welcomes: [], more: false } }];
    if (frame.kind !== 'answer' || command !== 'conversation.groupInfo') return [frame];
    asked = true;
    return [{ kind: 'refusal', id: frame.id, code: 'conversation.unknown', detail: {} }];
  };
  await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
  await bob.refreshPeople();
  network.cut();
  await until(bob, ({ connection }) => connection.state !== 'online');
  await until(bob, ({ connection }) => connection.state === 'online' && asked);
  network.lie = (frame) => [frame];
  const second = await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
  await entered(bob, second);
  expect(bob.snapshot().notices).toEqual([]);
  expect(await textsOf(bob, second)).toEqual([]);
});
