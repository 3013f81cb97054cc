import { describe, expect, it } from 'vitest';
import { deviceIdleMs } from '#protocol/limits.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { leavingLeaves } from '../../../server/domain/roster.ts';
import { revocation } from './device-scenarios.ts';
import { codeOf, externalCommit, headOf, okay, type Peer, reasonOf, talk, World } from './world.ts';

/** The owner and ben, ben with a second device that is in the conversation too. */
async function place() {
  const world = new World();
  const owner = await world.owner();
  const ben = await world.invited(owner, 'ben');
  const { conversationId } = await talk(world, owner, [ben]);
  const second = await world.secondDevice(ben);
  const info = okay(await second.call('conversation.groupInfo', { conversationId }));
  okay(
    await second.call('conversation.commit', {
      conversationId,
      commit: await externalCommit(second, info.groupInfo, info.epoch),
    }),
  );
  return { world, owner, ben, second, conversationId };
}
const remove = (by: Peer, gone: Peer, bytes = revocation(gone)) =>
  by.call('device.remove', { deviceId: gone.deviceId, revocation: bytes });

describe('[D4] removing a device', () => {
  it('ends its sessions, takes it off the directory with its packages and mail, and publishes the revocation', async () => {
    const { world, owner, ben, second } = await place();
    await talk(world, owner, [ben]);
    expect(okay(await ben.call('device.own', {})).devices.map(({ deviceId }) => deviceId)).toEqual([
      ben.deviceId,
      second.deviceId,
    ]);
    const word = revocation(second);
    okay(await remove(ben, second, word));
    expect(await world.services.sessions.byId(second.sessionId)).toBeNull();
    expect(world.happenings).toContainEqual({ kind: 'sessionEnded', sessionId: second.sessionId, reason: 'revoked' });
    expect(okay(await ben.call('device.own', {})).devices.map(({ deviceId }) => deviceId)).toEqual([ben.deviceId]);
    const listed = okay(await owner.call('device.list', { userIds: [ben.userId] }));
    expect([listed.devices.map(({ deviceId }) => deviceId), listed.revocations]).toEqual([[ben.deviceId], [word]]);
    expect(await world.store.devices.welcomes(second.deviceId, 10)).toEqual([]);
    expect(await world.store.devices.counts(second.deviceId)).toEqual(new Map());
    // Nor does it come back, under its id.
    const again = await ben.call('device.register', { device: second.newDevice, keyPackages: [] });
    expect([codeOf(again), reasonOf(again)]).toEqual(['device.refused', 'exists']);
    expect(codeOf(await remove(ben, second))).toBe('device.unknown');
  });

  it('asks for the word of the identity, about this device, of now', async () => {
    const { owner, ben, second } = await place();
    const reasons = await Promise.all([
      remove(ben, second, revocation(second, { by: owner })),
      remove(ben, second, revocation(second, { deviceId: ben.deviceId })),
      remove(ben, second, revocation(second, { at: second.world.runtime.now() - 600_000 })),
      owner.call('device.remove', { deviceId: second.deviceId, revocation: revocation(second) }),
    ]);
    expect(reasons.map(reasonOf)).toEqual(['signature', 'device', 'time', 'device']);
    expect(okay(await ben.call('device.own', {})).devices).toHaveLength(2);
  });

  it('[D5] demands a commit without its leaf before anything more is said, and lets any member make it', async () => {
    const { owner, ben, second, conversationId } = await place();
    const leavingOf = async (peer: Peer) =>
      okay(await peer.call('conversation.get', { conversationId })).conversation.leavingDevices;
    okay(await remove(ben, second));
    expect(await leavingOf(owner)).toEqual([second.deviceId]);
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    const said = await owner.call('conversation.send', {
      conversationId,
      kind: 'message',
      message: owner.message(conversation.epoch, await headOf(owner, conversationId)),
    });
    expect([codeOf(said), reasonOf(said)]).toEqual(['epoch.stale', 'leaving']);
  });

  it('[D5] leaves the last leaf of a person where it is: they stay in', async () => {
    const world = new World();
    const owner = await world.owner();
    const ben = await world.invited(owner, 'ben');
    const { conversationId } = await talk(world, owner, [ben]);
    const second = await world.secondDevice(ben);
    okay(await remove(second, ben));
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    expect([conversation.leavingDevices, conversation.members.length]).toEqual([[], 2]);
    const info = okay(await second.call('conversation.groupInfo', { conversationId }));
    okay(
      await second.call('conversation.commit', {
        conversationId,
        commit: await externalCommit(second, info.groupInfo, info.epoch),
      }),
    );
    expect(okay(await owner.call('conversation.get', { conversationId })).conversation.leavingDevices).toEqual([
      ben.deviceId,
    ]);
  });
});

it('[D4] a device gets another name, only from its own person', async () => {
  const { owner, ben, second } = await place();
  okay(await ben.call('device.rename', { deviceId: second.deviceId, label: 'the old laptop' }));
  expect(okay(await ben.call('device.own', {})).devices.map(({ label }) => label)).toEqual(['Test', 'the old laptop']);
  expect(codeOf(await owner.call('device.rename', { deviceId: second.deviceId, label: 'mine' }))).toBe(
    'device.unknown',
  );
});

/** Sessions are over by then. */
async function leavingIn(world: World, conversationId: ConversationId): Promise<readonly string[]> {
  const conversation = await world.services.conversations.load(conversationId);
  return conversation === null ? [] : leavingLeaves(conversation.roster).map(({ deviceId }) => deviceId);
}

describe('[D6] a device that nobody uses', () => {
  it('loses its leaf after 30 days, unless it is used again before a commit took it', async () => {
    const { world, ben, second, conversationId } = await place();
    const leaving = () => leavingIn(world, conversationId);
    world.runtime.advance(deviceIdleMs - 86_400_000);
    await world.services.ownDevices.tidy();
    expect(await leaving()).toEqual([]);
    world.runtime.advance(2 * 86_400_000);
    await world.store.devices.used(ben.deviceId, world.runtime.now());
    expect(await world.services.ownDevices.tidy()).toBeGreaterThan(0);
    expect(await leaving()).toEqual([second.deviceId]);
    world.services.ownDevices.noteUse(second.userId, second.deviceId);
    await expect.poll(leaving).toEqual([]);
  });

  it('and keeps the last one of a person', async () => {
    const { world, conversationId } = await place();
    world.runtime.advance(deviceIdleMs + 86_400_000);
    expect(await world.services.ownDevices.tidy()).toBe(3);
    expect(await leavingIn(world, conversationId)).toEqual([]);
  });
});
