/** Talking through the whole server: door, router, LevelDB. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { bytesOfId, type ConversationId } from '#protocol/ids.ts';
import type { Entry } from '#protocol/envelope.ts';
import { events } from '#protocol/events.ts';
import type { TestServer } from '../../harness/server.ts';
import { codeOf, headOf, joined, okay, type Peer, suite, talk, value } from '../commands/world.ts';
import { answerOf, type Served, served } from './served.ts';

let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served()));
afterEach(() => server.remove());

const socketOf = (peer: Peer) => server.socket(world.cookie(peer));

async function pair() {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  return { owner, guest, ...(await talk(world, owner, [guest])) };
}

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const uint64 = (number: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
};
const kinds = ['created', 'message', 'commit', 'meta', 'leave'];

/** The running hash as SPEC and envelope.ts describe it, written out once more. */
function nextHash(previous: Uint8Array, conversationId: ConversationId, entry: Entry): Buffer {
  return sha256(
    previous, bytesOfId(conversationId), uint64(entry.sequence), Uint8Array.of(kinds.indexOf(entry.kind)), uint64(entry.epoch), uint64(entry.sentAt),
    bytesOfId(entry.user), bytesOfId(entry.device), bytesOfId(entry.id), sha256(entry.body),
  );
}

test('[L6] [L10] [L1] [L7] what a live socket and a page show is one chain, in order, with the hashes that a reader computes', async () => {
  const { owner, guest, conversationId } = await pair();
  const [writing, reading] = [await socketOf(owner), await socketOf(guest)];
  const { conversation } = okay(await guest.call('conversation.get', { conversationId }));
  const cursor = { conversationId, generation: conversation.generation, sequence: conversation.headSequence };
  expect(answerOf('log.tail', await reading.call('log.tail', { cursors: [cursor] })).results[0]?.state).toBe('live');
  const seen = { sequence: conversation.headSequence, hash: conversation.headHash };
  const messages = Array.from({ length: 30 }, (_, at) => owner.message(1, seen, `message ${at}`));
  const sent = await Promise.all(messages.map((message) => writing.call('conversation.send', { conversationId, kind: 'message', message })));
  const receipts = sent.map((frame) => answerOf('conversation.send', frame).receipt);
  const live = (await reading.event('entry', 30)).map((payload) => v.parse(events.entry, payload).entry);
  expect(live.map(({ sequence }) => sequence)).toEqual(messages.map((_, at) => seen.sequence + 1 + at));
  expect(live.map(({ id, hash }) => [id, hash])).toEqual(receipts.map(({ id, hash }) => [id, hash]));

  const { page } = okay(await owner.call('log.read', { conversationId, after: 0 }));
  expect(page.entries.slice(-30)).toEqual(live);
  let hash: Uint8Array = sha256(Buffer.from('lanying log 1'), bytesOfId(conversationId), bytesOfId(conversation.generation));
  for (const [at, entry] of page.entries.entries()) {
    expect(entry.sequence).toBe(at + 1);
    hash = nextHash(hash, conversationId, entry);
    expect(Buffer.from(entry.hash).equals(hash)).toBe(true);
  }
});

test('[D3] a new device is announced to those who share a conversation, and to nobody else', async () => {
  const { owner, guest } = await pair();
  const outsider = await world.invited(owner, 'outsider');
  const [near, far] = [await socketOf(guest), await socketOf(outsider)];
  await world.secondDevice(owner);
  expect(await near.event('devices')).toEqual([{ userId: owner.userId }]);
  // The outsider's own news comes after whatever was said before it.
  await world.secondDevice(outsider);
  answerOf('session.ping', await far.call('session.ping', {}));
  expect(far.events('devices').filter((payload) => v.parse(events.devices, payload).userId !== outsider.userId)).toEqual([]);
});

test('[G1] a signal reaches the other members\' sockets and is kept nowhere', async () => {
  const { owner, guest, conversationId } = await pair();
  const outsider = await world.invited(owner, 'outsider');
  const [own, near, far] = [await socketOf(owner), await socketOf(guest), await socketOf(outsider)];
  for (const [socket, peer] of [[own, owner], [near, guest]] as const) {
    const { conversation } = okay(await peer.call('conversation.get', { conversationId }));
    const cursors = [{ conversationId, generation: conversation.generation, sequence: conversation.headSequence }];
    answerOf('log.tail', await socket.call('log.tail', { cursors }));
  }
  const before = await headOf(guest, conversationId);
  const body = new Uint8Array([1, 2, 3]);
  answerOf('conversation.signal', await own.call('conversation.signal', { conversationId, epoch: 1, body }));
  expect(await near.event('signal')).toEqual([{ conversationId, epoch: 1, user: owner.userId, device: owner.deviceId, body }]);
  for (const socket of [own, far]) {
    answerOf('session.ping', await socket.call('session.ping', {}));
    expect(socket.events('signal')).toEqual([]);
  }
  expect(codeOf(await outsider.call('conversation.signal', { conversationId, epoch: 1, body }))).toBe('conversation.unknown');
  await server.restart();
  expect(await headOf(guest, conversationId)).toEqual(before);
  const later = await socketOf(guest);
  answerOf('session.ping', await later.call('session.ping', {}));
  expect(later.events('signal')).toEqual([]);
});

test('[M1] a welcome waits across a restart until its device acknowledges it', async () => {
  const { owner, guest, conversationId } = await pair();
  const { welcomes } = okay(await guest.call('welcome.list', {}));
  await server.restart();
  expect(okay(await guest.call('welcome.list', {}))).toEqual({ welcomes, more: false });
  expect(okay(await owner.call('welcome.list', {})).welcomes).toEqual([]);
  await joined(guest, conversationId);
  const welcomeIds = welcomes.map(({ welcomeId }) => welcomeId);
  // Somebody else's acknowledgement takes nothing away.
  okay(await owner.call('welcome.acknowledge', { welcomeIds }));
  expect(okay(await guest.call('welcome.list', {})).welcomes).toHaveLength(1);
  okay(await guest.call('welcome.acknowledge', { welcomeIds }));
  await server.restart();
  expect(okay(await guest.call('welcome.list', {})).welcomes).toEqual([]);
});

test('[K2] racing claims and one after a restart get different packages; then there is none', async () => {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const claim = () => owner.call('keyPackage.claim', { userIds: [guest.userId], suite, except: [] });
  const raced = await Promise.all([claim(), claim()]);
  await server.restart();
  const bytes = [...raced, await claim()].map((reply) => Buffer.from(value(okay(reply).keyPackages[0]).bytes).toString('hex'));
  expect(new Set(bytes)).toEqual(new Set(guest.offered.map((offered) => Buffer.from(offered.bytes).toString('hex'))));
  expect(codeOf(await claim())).toBe('key_package.exhausted');
});

test('[C2] of commits that race over sockets and HTTP one wins', async () => {
  const { owner, guest, conversationId, state } = await pair();
  const commits = [(await owner.commit(state, 1, {})).sent, (await owner.commit(state, 1, {})).sent];
  const socket = await socketOf(guest);
  const byGuest = (await guest.commit(await joined(guest, conversationId), 1, {})).sent;
  const [overSocket, ...overHttp] = await Promise.all([
    socket.call('conversation.commit', { conversationId, commit: byGuest }),
    ...commits.map((commit) => owner.call('conversation.commit', { conversationId, commit })),
  ]);
  const codes = [overSocket?.kind === 'refusal' ? overSocket.code : 'ok', ...overHttp.map(codeOf)];
  expect(codes.toSorted()).toEqual(['epoch.stale', 'epoch.stale', 'ok']);
  expect((await headOf(owner, conversationId)).sequence).toBe(3);
});
