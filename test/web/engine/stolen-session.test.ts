/** Somebody has a copy of a person's cookie, but none of their device's keys. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeRequest } from '#protocol/codec.ts';
import { buildSealed } from '#protocol/envelope.ts';
import { type ConversationId, idBytes, idFromBytes, type MessageId } from '#protocol/ids.ts';
import type { Network } from '../../../web/engine/ports.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, until, viewOf } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let bob: HeadlessEngine;
let carol: HeadlessEngine;
let stolen: LyingNetwork;

async function person(handle: string, network: Network = nodeNetwork(server.origin)): Promise<HeadlessEngine> {
  const engine = await engineOver(network, openMemoryStore());
  await join(engine, handle, (await owner.createInvite()).link);
  return engine;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  stolen = new LyingNetwork(nodeNetwork(server.origin));
  [ada, bob, carol] = [await person('ada'), await person('bob'), await person('carol', stolen)];
  await ada.refreshPeople();
});
afterEach(async () => {
  await Promise.all([ada, bob, carol, owner].map((each) => each.close()));
  await server.remove();
});

async function talk(): Promise<ConversationId> {
  const id = await ada.createConversation({ title: 'the room', members: [idOf(ada, 'bob'), idOf(ada, 'carol')] });
  await Promise.all([entered(bob, id), entered(carol, id)]);
  return id;
}

/** A header that the server accepts, and noise. */
const noise = (): Uint8Array<ArrayBuffer> =>
  buildSealed({ nonce: systemRuntime.random(12), seenSequence: 0, seenHash: new Uint8Array(32), ciphertext: systemRuntime.random(200) });
const messageId = (): MessageId => idFromBytes<MessageId>(systemRuntime.random(idBytes));

it('[C8] [E3] a farewell that nobody can open takes its person out and stops nobody else', async () => {
  const id = await talk();
  const message = { id: messageId(), epoch: 1, body: noise() };
  stolen.ask(encodeRequest(60_000, 'conversation.leave', { conversationId: id, message }));
  await until(ada, ({ notices }) => notices.some(({ kind }) => kind === 'message_refused'));
  expect(viewOf(ada, id).members).toContain(idOf(ada, 'carol'));
  const heard = hears(bob, 'we go on');
  await ada.delivered(id, await ada.send(id, 'we go on'));
  await heard;
  expect(viewOf(ada, id).members).not.toContain(idOf(ada, 'carol'));
  const titled = until(bob, () => viewOf(bob, id).title === 'without her');
  await ada.renameConversation(id, 'without her');
  await titled;
});
