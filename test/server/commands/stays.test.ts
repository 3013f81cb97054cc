/** Somebody who is taken out and brought back reads what was theirs, and nothing of what was between ([C10]). */
import { describe, expect, it } from 'vitest';
import { type GroupState, ownLeaf } from '../../../web/engine/mls/index.ts';
import { hashEntry } from '../../../web/engine/content/chain.ts';
import { codeOf, headOf, joined, okay, type Peer, suite, talk, value, World } from './world.ts';

async function pair() {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId, state } = await talk(world, owner, [guest]);
  return { world, owner, guest, conversationId, state };
}
type Pair = Awaited<ReturnType<typeof pair>>;

const guestLeaf = async ({ guest, conversationId }: Pair) => ownLeaf(await joined(guest, conversationId));
const say = async ({ conversationId }: Pair, by: Peer, epoch: number) =>
  okay(await by.call('conversation.send', { conversationId, kind: 'message', message: by.message(epoch, await headOf(by, conversationId)) })).receipt.sequence;

async function commit({ owner, conversationId }: Pair, state: GroupState, epoch: number, changes: { add?: readonly Uint8Array[]; remove?: readonly number[] }) {
  const { next, sent } = await owner.commit(state, epoch, changes);
  okay(await owner.call('conversation.commit', { conversationId, commit: sent }));
  return next;
}

const packagesOf = async ({ owner, guest }: Pair) =>
  okay(await owner.call('keyPackage.claim', { userIds: [guest.userId], suite, except: [] })).keyPackages.map(({ bytes }) => bytes);

/** 1 created, 2 guest in, 3 and 4 said, 5 guest out, 6 said without them, 7 guest in, 8 said. */
async function twice() {
  const room = await pair();
  const leaf = await guestLeaf(room);
  await say(room, room.owner, 1);
  await say(room, room.guest, 1);
  const without = await commit(room, room.state, 1, { remove: [leaf] });
  await say(room, room.owner, 2);
  const state = await commit(room, without, 2, { add: await packagesOf(room) });
  await say(room, room.owner, 3);
  return { ...room, state };
}

const read = async (peer: Peer, input: object) => okay(await peer.call('log.read', input)).page;
const sequences = (page: { readonly entries: readonly { readonly sequence: number }[] }) => page.entries.map(({ sequence }) => sequence);

describe('[C10] earlier stays', () => {
  it('[C10] are served one at a time, each with the hash of its beginning and a mark where the one before it ended', async () => {
    const { owner, guest, conversationId } = await twice();
    const whole = await read(owner, { conversationId, after: 0 });
    const hashOf = (sequence: number) => value(whole.entries[sequence - 1]).hash;
    const now = await read(guest, { conversationId });
    expect(sequences(now)).toEqual([7, 8]);
    expect(now.previousHash).toEqual(hashOf(6));
    expect(now.earlier).toEqual({ from: 2, to: 4, hash: hashOf(4) });
    const before = await read(guest, { conversationId, before: 7 });
    expect(sequences(before)).toEqual([2, 3, 4]);
    expect([before.previousHash, before.earlier]).toEqual([hashOf(1), null]);
    let hash = before.previousHash;
    for (const entry of before.entries) hash = hashEntry(hash, conversationId, entry);
    expect(hash).toEqual(now.earlier?.hash);
    // Only the page that begins a stay names the one before it.
    expect((await read(guest, { conversationId, before: 9, limit: 1 })).earlier).toBeNull();
  });

  it('[C10] never show what lies between, whichever end a page is asked from', async () => {
    const { guest, conversationId } = await twice();
    for (let at = 0; at <= 10; at += 1) {
      for (const limit of [1, 2, 100]) {
        const ahead = sequences(await read(guest, { conversationId, after: at, limit }));
        const back = sequences(await read(guest, { conversationId, before: at, limit }));
        const expected = [2, 3, 4, 7, 8];
        const next = expected.filter((sequence) => sequence > at);
        expect(ahead).toEqual(next.filter((sequence) => (sequence <= 4) === (value(next[0] ?? 8) <= 4)).slice(0, limit));
        const last = expected.filter((sequence) => sequence < at);
        expect(back).toEqual(last.filter((sequence) => (sequence >= 7) === (value(last.at(-1) ?? 2) >= 7)).slice(-limit));
      }
    }
  });

  it('[C10] [L7] the live tail begins where they came back', async () => {
    const { guest, conversationId } = await twice();
    const { conversation } = okay(await guest.call('conversation.get', { conversationId }));
    const { results } = okay(await guest.call('log.tail', { cursors: [{ conversationId, generation: conversation.generation, sequence: 0 }] }));
    const page = value(results[0]);
    expect(page.state === 'page' ? sequences(page.page) : page.state).toEqual([7, 8]);
  });

  it('[C10] stay readable to whoever is out, and nothing behind them', async () => {
    const room = await pair();
    const { owner, guest, conversationId } = room;
    await say(room, guest, 1);
    await commit(room, room.state, 1, { remove: [await guestLeaf(room)] });
    await say(room, owner, 2);
    const page = await read(guest, { conversationId });
    expect([sequences(page), page.headSequence]).toEqual([[2, 3], 3]);
    expect(sequences(await read(guest, { conversationId, after: 3 }))).toEqual([]);
    expect(sequences(await read(guest, { conversationId, before: 100 }))).toEqual([2, 3]);
    expect(codeOf(await guest.call('conversation.get', { conversationId }))).toBe('conversation.unknown');
    const stranger = await room.world.invited(owner, 'stranger');
    expect(codeOf(await stranger.call('log.read', { conversationId }))).toBe('conversation.unknown');
  });

  it('[C10] end with the farewell of whoever left', async () => {
    const room = await pair();
    const { owner, guest, conversationId } = room;
    const leaf = await guestLeaf(room);
    okay(await guest.call('conversation.leave', { conversationId, message: guest.message(1, await headOf(guest, conversationId)) }));
    expect(sequences(await read(guest, { conversationId }))).toEqual([2, 3]);
    const without = await commit(room, room.state, 1, { remove: [leaf] });
    await commit(room, without, 2, { add: await packagesOf(room) });
    expect(sequences(await read(guest, { conversationId, before: 5 }))).toEqual([2, 3]);
    expect(sequences(await read(owner, { conversationId, after: 0 }))).toEqual([1, 2, 3, 4, 5]);
  });
});
