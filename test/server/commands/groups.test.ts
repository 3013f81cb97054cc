/** Who may bring in and take out whom, with the bytes of real MLS. */
import { describe, expect, it } from 'vitest';
import { ownLeaf } from '../../../web/engine/mls/index.ts';
import { codeOf, externalCommit, headOf, joined, okay, reasonOf, talk, World } from './world.ts';

async function three() {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const other = await world.invited(owner, 'other');
  return { world, owner, guest, other, ...(await talk(world, owner, [guest, other])) };
}
type Three = Awaited<ReturnType<typeof three>>;

const infoOf = async ({ owner, conversationId }: Three) => okay(await owner.call('conversation.groupInfo', { conversationId })).groupInfo;
const view = async ({ owner, conversationId }: Three) => okay(await owner.call('conversation.get', { conversationId })).conversation;

describe('[C4] removing people', () => {
  it('[C4] [C7] the owner removes a member, who is cut off at once', async () => {
    const room = await three();
    const { owner, guest, conversationId, state } = room;
    const leaf = ownLeaf(await joined(guest, conversationId));
    const { sent } = await owner.commit(state, 1, { remove: [leaf] });
    okay(await owner.call('conversation.commit', { conversationId, commit: sent }));
    const { epoch, members } = await view(room);
    expect([epoch, members.some(({ userId }) => userId === guest.userId)]).toEqual([2, false]);
    expect(okay(await guest.call('log.read', { conversationId })).page.entries.map(({ sequence }) => sequence)).toEqual([2]);
    expect(codeOf(await guest.call('conversation.groupInfo', { conversationId }))).toBe('conversation.unknown');
    const back = await externalCommit(guest, await infoOf(room), 2);
    expect(codeOf(await guest.call('conversation.commit', { conversationId, commit: back }))).toBe('conversation.unknown');
  });

  it('[C4] a member removes neither a member nor the owner, but adds people and removes who is leaving', async () => {
    const room = await three();
    const { world, owner, guest, other, conversationId, state } = room;
    const group = await joined(guest, conversationId);
    const submit = async (commit: unknown) => guest.call('conversation.commit', { conversationId, commit });
    for (const leaf of [ownLeaf(state), ownLeaf(await joined(other, conversationId))]) {
      expect(reasonOf(await submit((await guest.commit(group, 1, { remove: [leaf] })).sent))).toBe('may_not_remove');
    }
    expect((await view(room)).epoch).toBe(1);
    okay(await other.call('conversation.leave', { conversationId, message: other.message(1, await headOf(other, conversationId)) }));
    const newcomer = await world.invited(owner, 'newcomer');
    const { keyPackages } = okay(await guest.call('keyPackage.claim', { userIds: [newcomer.userId], suite: 1, except: [] }));
    const leaf = ownLeaf(await joined(other, conversationId));
    okay(await submit((await guest.commit(group, 1, { remove: [leaf], add: keyPackages.map(({ bytes }) => bytes) })).sent));
    expect((await view(room)).members.map(({ userId }) => userId)).toEqual([owner.userId, guest.userId, newcomer.userId]);
  });

  it('[C2] of racing commits by different members one wins, and the others get the new epoch', async () => {
    const room = await three();
    const { owner, guest, other, conversationId, state } = room;
    const commits = [
      [owner, await owner.commit(state, 1, {})],
      [guest, await guest.commit(await joined(guest, conversationId), 1, {})],
      [other, await other.commit(await joined(other, conversationId), 1, {})],
    ] as const;
    const replies = await Promise.all(commits.map(([peer, { sent }]) => peer.call('conversation.commit', { conversationId, commit: sent })));
    expect(replies.map(codeOf).toSorted()).toEqual(['epoch.stale', 'epoch.stale', 'ok']);
    for (const { result } of replies) if (!result.ok) expect(result.detail?.epoch).toBe(2);
    expect((await view(room)).epoch).toBe(2);
    const { page } = okay(await owner.call('log.read', { conversationId, after: 0 }));
    expect(page.entries.filter(({ kind }) => kind === 'commit')).toHaveLength(2);
  });
});

describe('[C5] coming in alone', () => {
  it('[C5] a second device of a member comes in, and comes back in place of its old leaf', async () => {
    const room = await three();
    const { world, guest, conversationId } = room;
    const second = await world.secondDevice(guest);
    const first = await externalCommit(second, await infoOf(room), 1);
    okay(await second.call('conversation.commit', { conversationId, commit: first }));
    const devices = async () => (await world.store.conversations.load(conversationId))?.roster.leaves.map(({ deviceId }) => deviceId);
    expect(await devices()).toContain(second.deviceId);
    const again = await externalCommit(second, await infoOf(room), 2);
    okay(await second.call('conversation.commit', { conversationId, commit: again }));
    expect((await devices())?.filter((deviceId) => deviceId === second.deviceId)).toHaveLength(1);
    const { epoch, members } = await view(room);
    expect([epoch, members.length]).toEqual([3, 3]);
    okay(await second.call('conversation.send', { conversationId, kind: 'message', message: second.message(3, await headOf(second, conversationId)) }));
  });

  it('[C5] [C1] a stranger does not come in, nor does a member bring in a device that is not theirs', async () => {
    const room = await three();
    const { world, owner, guest, conversationId } = room;
    const stranger = await world.invited(owner, 'stranger');
    const alone = await externalCommit(stranger, await infoOf(room), 1);
    expect(codeOf(await stranger.call('conversation.commit', { conversationId, commit: alone }))).toBe('conversation.unknown');
    expect(reasonOf(await guest.call('conversation.commit', { conversationId, commit: alone }))).toBe('path_leaf');
    const second = await world.secondDevice(guest);
    const forSecond = await externalCommit(second, await infoOf(room), 1);
    expect(reasonOf(await guest.call('conversation.commit', { conversationId, commit: forSecond }))).toBe('path_leaf');
    expect((await view(room)).epoch).toBe(1);
  });

  it('[C5] nobody comes in over the leaf of another device, of somebody else or of their own', async () => {
    const room = await three();
    const { world, guest, other, conversationId } = room;
    const second = await world.secondDevice(guest);
    for (const peer of [other, guest]) {
      const over = await externalCommit(second, await infoOf(room), 1, ownLeaf(await joined(peer, conversationId)));
      const reply = await second.call('conversation.commit', { conversationId, commit: over });
      expect([codeOf(reply), reasonOf(reply)]).toEqual(['commit.refused', 'external']);
    }
    expect((await view(room)).epoch).toBe(1);
  });

  it('[C5] [L3] a device that came in late finds its epoch stale', async () => {
    const room = await three();
    const { world, owner, guest, conversationId, state } = room;
    const second = await world.secondDevice(guest);
    const late = await externalCommit(second, await infoOf(room), 1);
    okay(await owner.call('conversation.commit', { conversationId, commit: (await owner.commit(state, 1, {})).sent }));
    expect((await second.call('conversation.commit', { conversationId, commit: late })).result).toEqual({ ok: false, code: 'epoch.stale', detail: { epoch: 2 } });
  });
});
