/** Honest things that happened while a device was away, or just before it came in, are no lies. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { Network } from '../../../web/engine/ports.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, refusal, textsOf, until, viewOf } from '../../harness/devices.ts';
import { Liar } from '../../harness/liar.ts';
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

it('[E8] a new conversation whose answer was lost is there once, however often it is tried', async () => {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const ada = await person('ada', network);
  const bob = await person('bob');
  await ada.refreshPeople();
  const made = { title: 'only one', members: [idOf(ada, 'bob')] };
  network.lie = (frame, command) => {
    if (command !== 'conversation.create') return [frame];
    network.cut();
    return [];
  };
  expect(await refusal(ada.createConversation(made))).toBe('network.unreachable');
  network.lie = (frame) => [frame];
  await until(ada, ({ conversations }) => conversations.some(({ title }) => title === 'only one'));
  const [view] = ada.snapshot().conversations;
  expect(view?.members.toSorted()).toEqual([idOf(ada, 'ada'), idOf(ada, 'bob')].toSorted());
  const id = view?.conversationId;
  expect(id).toBeDefined();
  await until(bob, ({ conversations }) => conversations.length > 0);
  await until(bob, ({ conversations }) => conversations.every(({ conversationId, title }) => conversationId === id && title === 'only one'));
  expect([...ada.snapshot().notices, ...bob.snapshot().notices]).toEqual([]);
});

it('[E8] trying again before the connection told finishes the same conversation', async () => {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const ada = await person('ada', network);
  await person('bob');
  await ada.refreshPeople();
  const made = { title: 'tried twice', members: [idOf(ada, 'bob')] };
  let refused = 0;
  network.lie = (frame, command) => {
    // The server took it, and says that it is not well.
    if (command !== 'conversation.create' || frame.kind === 'event' || refused > 0) return [frame];
    refused += 1;
    return [{ kind: 'refusal', id: frame.id, code: 'server.internal', detail: {} }];
  };
  expect(await refusal(ada.createConversation(made))).toBe('server.internal');
  const id = await ada.createConversation(made);
  expect(ada.snapshot().conversations.map(({ conversationId }) => conversationId)).toEqual([id]);
  expect(viewOf(ada, id).title).toBe('tried twice');
  expect(ada.snapshot().notices).toEqual([]);
});

it('[C10] [E4] somebody who was taken out and brought back while away reads on from there', async () => {
  const network = nodeNetwork(server.origin);
  const profile = new MemoryProfile();
  const [ada, bob] = [await person('ada'), await person('bob')];
  const cem = await person('cem', network, profile);
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: 'the room', members: ['bob', 'cem'].map((handle) => idOf(ada, handle)) });
  await Promise.all([bob, cem].map((engine) => entered(engine, id)));
  const before = hears(cem, 'before');
  await ada.send(id, 'before');
  await before;
  await cem.close();
  await ada.delivered(id, await ada.send(id, 'while still in'));
  await ada.removeMember(id, idOf(ada, 'cem'));
  await ada.delivered(id, await ada.send(id, 'without him'));
  await ada.addMembers(id, [idOf(ada, 'cem')]);
  const back = await engineOver(network, openMemoryStore(profile));
  engines.push(back);
  await back.synced();
  expect(back.snapshot().notices).toEqual([]);
  const heard = hears(back, 'welcome back');
  await ada.send(id, 'welcome back');
  await heard;
  expect(await textsOf(back, id)).toEqual(['before', 'welcome back']);
  const answered = hears(ada, 'thanks');
  await back.send(id, 'thanks');
  await answered;
  expect(back.snapshot().notices).toEqual([]);
});

it('[E1] a commit that was damaged on its way is judged again at the next connection, and nothing behind it is taken before', async () => {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const liar = new Liar(network);
  const [ada, bob] = [await person('ada'), await person('bob', network)];
  const cem = await person('cem');
  await ada.refreshPeople();
  const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  const first = hears(bob, 'the first');
  await ada.send(id, 'the first');
  await first;
  liar.rewrite((entry) => [entry.kind === 'commit' ? { ...entry, body: entry.body.map((byte, at) => (at === entry.body.length - 40 ? byte ^ 1 : byte)) } : entry]);
  await ada.addMembers(id, [idOf(ada, 'cem')]);
  await until(bob, ({ notices }) => notices.some(({ kind }) => kind === 'commit_refused'));
  expect(viewOf(bob, id).members).not.toContain(idOf(bob, 'cem'));
  expect(await refusal(bob.send(id, 'under the old key'))).toBe('identity.mismatch');
  liar.honest();
  network.cut();
  await until(bob, () => viewOf(bob, id).members.includes(idOf(bob, 'cem')));
  const heard = hears(cem, 'and on');
  await bob.send(id, 'and on');
  await heard;
  expect(await textsOf(bob, id)).toEqual(['the first', 'and on']);
  expect(bob.snapshot().notices.map(({ kind }) => kind)).toEqual(['commit_refused']);
});
