/** What one signed-in socket may ask for at most, however hard it tries. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  claimUsersMax,
  frameBytesMax,
  personInFlightBytesMax,
  requestsInFlightMax,
  socketsPerSessionMax,
  tailCursorsMax,
} from '#protocol/limits.ts';
import { ok } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { deferred, openDoor, randomId, TestSocket } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { okay, type Peer, talk } from '../commands/world.ts';
import { Served } from './served.ts';

let server: TestServer;
let world: Served;
let owner: Peer;
beforeEach(async () => {
  server = await startServer();
  world = new Served(server);
  owner = await world.owner();
});
afterEach(() => server.remove());

const socketOf = (peer: Peer): Promise<TestSocket> => server.socket(world.cookie(peer));

test('[Q3] a socket that asks for 10,000 subscriptions gets those of its own conversations, each once', async () => {
  const { conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]);
  const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
  const { generation, headSequence: sequence } = conversation;
  const socket = await socketOf(owner);
  const mine = { conversationId, generation, sequence };
  const foreign = () => ({ conversationId: randomBytes(16).toString('base64url'), generation, sequence: 0 });
  const many = await socket.call('log.tail', { cursors: Array.from({ length: 10_000 }, foreign) });
  expect(many).toMatchObject({ kind: 'refusal', code: 'input.invalid' });
  for (let asked = 0; asked < 10_000; asked += tailCursorsMax) {
    const answer = await socket.call('log.tail', {
      cursors: [mine, ...Array.from({ length: tailCursorsMax - 1 }, foreign)],
    });
    const states =
      answer.kind === 'answer'
        ? Object.values(Object(answer.output).results as { state: string }[]).map(({ state }) => state)
        : [];
    expect(states.filter((state) => state === 'live')).toHaveLength(1);
    expect(states.filter((state) => state === 'refused')).toHaveLength(tailCursorsMax - 1);
  }
  const message = owner.message(conversation.epoch, { sequence, hash: conversation.headHash });
  okay(await owner.call('conversation.send', { conversationId, kind: 'message', message }));
  await socket.event('entry');
  await socket.call('session.ping', {});
  expect(socket.events('entry')).toHaveLength(1);
  socket.close();
});

test('[Q3] frames beyond the bound end their socket, nothing is decompressed, and claims are of a bounded number of people', async () => {
  const url = `${server.origin.replace('http', 'ws')}/api/v1/socket`;
  const headers = { origin: server.origin, cookie: world.cookie(owner) };
  const offering = new WebSocket(url, { headers, perMessageDeflate: true, maxPayload: 2 * frameBytesMax });
  await new Promise((resolve) => offering.once('open', resolve));
  // A compressed bomb needs an extension that the server never agrees to.
  expect(offering.extensions).toBe('');
  offering.terminate();
  const giant = await socketOf(owner);
  giant.ws.send(Buffer.alloc(frameBytesMax + 1));
  expect([1006, 1009]).toContain(await giant.closeCode());
  const socket = await socketOf(owner);
  const userIds = Array.from({ length: claimUsersMax + 1 }, () => randomBytes(16).toString('base64url'));
  expect(await socket.call('keyPackage.claim', { userIds, suite: 1, except: [] })).toMatchObject({
    kind: 'refusal',
    code: 'input.invalid',
  });
  socket.close();
});

test(
  '[Q3] what waits in flight is bounded for a socket and for all sockets of a person; each request is answered',
  { timeout: 60_000 },
  async () => {
    const sockets = await Promise.all(Array.from({ length: socketsPerSessionMax }, () => socketOf(owner)));
    const beyond = await TestSocket.attempt(`${server.origin.replace('http', 'ws')}/api/v1/socket`, {
      origin: server.origin,
      cookie: world.cookie(owner),
    });
    expect(beyond).toMatchObject({ status: 429 });
    const [first] = sockets;
    if (first === undefined) throw new Error('no socket');
    const many = Array.from({ length: 4 * requestsInFlightMax }, () => first.send('session.ping', {}));
    for (const id of many) expect(['answer', 'refusal']).toContain((await first.reply(id)).kind);
    for (const socket of sockets) socket.close();
  },
);

test(
  '[Q3] large inputs in flight are bounded over all sockets of a person; another person is not refused for it',
  { timeout: 60_000 },
  async () => {
    const router = new ScriptedRouter();
    const gate = deferred();
    router.on('archive.put', async () => {
      await gate.opened;
      return { result: ok({}) };
    });
    const door = await openDoor({ router });
    const [ada, ben] = [randomId<UserId>(), randomId<UserId>()];
    const input = { items: new Uint8Array(frameBytesMax - 1_024) };
    const fit = personInFlightBytesMax / frameBytesMax;
    const sockets = await Promise.all(Array.from({ length: fit + 4 }, () => door.socket(door.signIn(ada).cookie)));
    const replies = sockets.map((socket) => socket.reply(socket.send('archive.put', input)));
    let refused = 0;
    // What is beyond the bound is answered while the rest is still under way.
    await new Promise<void>((resolve) => {
      for (const reply of replies)
        void reply.then(({ kind }) => kind === 'refusal' && (refused += 1) === 4 && resolve());
    });
    const other = await door.socket(door.signIn(ben).cookie);
    const theirs = other.send('archive.put', input);
    gate.open();
    const codes = (await Promise.all(replies)).map((reply) => (reply.kind === 'refusal' ? reply.code : 'answered'));
    expect(codes.filter((code) => code === 'command.too_many_in_flight')).toHaveLength(4);
    expect(codes.filter((code) => code === 'answered')).toHaveLength(fit);
    expect((await other.reply(theirs)).kind).toBe('answer');
    await door.stop();
  },
);
