/** Answers fit a frame, however much there is: whoever asks again gets the rest. */
import { expect, it } from 'vitest';
import { encodeAnswer } from '#protocol/codec.ts';
import { type ConversationId, type Generation, idFromBytes, type UserId, type WelcomeId } from '#protocol/ids.ts';
import { archiveItemBytesMax, archiveItemsMax, claimUsersMax, devicesPerUserMax, frameBytesMax, keyPackageBytesMax, membersMax, welcomeBytesMax } from '#protocol/limits.ts';
import type { Welcome } from '#protocol/model.ts';
import { headOf, okay, type Peer, suite, talk, value, World } from './world.ts';

/** As the store has it after commits that this test does not make for real. */
async function fillMailbox(world: World, owner: Peer, guest: Peer, count: number): Promise<void> {
  const { conversationId } = await talk(world, owner, [guest]);
  const record = value(await world.store.conversations.load(conversationId));
  const { sequence, hash } = await headOf(owner, conversationId);
  const welcomes = Array.from({ length: count }, () => {
    const welcomeId = idFromBytes<WelcomeId>(world.runtime.random(16));
    const welcome: Welcome = { welcomeId, conversationId, generation: record.generation, suite, epoch: 1, sequence, hash, bytes: new Uint8Array(welcomeBytesMax) };
    return { deviceId: guest.deviceId, welcome };
  });
  await world.store.conversations.append(conversationId, sequence, [], { roster: record.roster, groupInfo: null, welcomes });
}

it('[M1] a mailbox of large welcomes comes in pages that fit a frame, whole and in order', async () => {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  await fillMailbox(world, owner, guest, 5);
  const waiting = (await world.store.devices.welcomes(guest.deviceId, 100)).map(({ welcomeId }) => welcomeId);
  const taken: WelcomeId[] = [];
  for (let more = true; more; ) {
    const page = okay(await guest.call('welcome.list', {}));
    expect(encodeAnswer(1, page).length).toBeLessThanOrEqual(frameBytesMax);
    expect(page.welcomes.length).toBeGreaterThan(0);
    const welcomeIds = page.welcomes.map(({ welcomeId }) => welcomeId);
    okay(await guest.call('welcome.acknowledge', { welcomeIds }));
    taken.push(...welcomeIds);
    ({ more } = page);
  }
  expect(taken).toHaveLength(6);
  expect(taken).toEqual(waiting);
});

it('[V1] an archive of large items comes in pages that fit a frame, newest first', async () => {
  const world = new World();
  const owner = await world.owner();
  const { conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]);
  const items = Array.from({ length: archiveItemsMax }, (_, epoch) => ({ conversationId, epoch, sealed: new Uint8Array(archiveItemBytesMax).fill(epoch) }));
  await world.store.vaults.archive(owner.userId, items);
  const epochs: number[] = [];
  for (let more = true; more; ) {
    const page = okay(await owner.call('archive.get', { conversationId, before: epochs.at(-1) }));
    expect(encodeAnswer(1, page).length).toBeLessThanOrEqual(frameBytesMax);
    epochs.push(...page.items.map(({ epoch }) => epoch));
    ({ more } = page);
  }
  expect(epochs).toEqual(items.map(({ epoch }) => epoch).toReversed());
});

it('lists of large conversations come in pages that fit a frame', async () => {
  const world = new World();
  const owner = await world.owner();
  const others = Array.from({ length: membersMax - 1 }, () => ({ userId: world.id<UserId>(), joinedSequence: 1, leaving: false }));
  const members = [{ userId: owner.userId, joinedSequence: 1, leaving: false }, ...others];
  const hash = new Uint8Array(32);
  const ids = Array.from({ length: 150 }, () => world.id<ConversationId>()).toSorted();
  for (const conversationId of ids) {
    const roster = { epoch: 1, epochSequence: 0, epochHash: hash, owner: owner.userId, leaves: [], members };
    const generation = idFromBytes<Generation>(world.runtime.random(16));
    const record = { conversationId, generation, suite, createdAt: 1, creator: owner.userId, roster, headSequence: 0, headHash: hash, headSentAt: 1, metaSequence: 0, floor: null };
    await world.store.conversations.create(record, [], { roster, groupInfo: new Uint8Array(1), welcomes: [] });
  }
  const listed: ConversationId[] = [];
  for (let more = true; more; ) {
    const page = okay(await owner.call('conversation.list', { after: listed.at(-1) }));
    expect(encodeAnswer(1, page).length).toBeLessThanOrEqual(frameBytesMax);
    listed.push(...page.conversations.map(({ conversationId }) => conversationId));
    ({ more } = page);
  }
  expect(listed).toEqual(ids);
});

it('[K3] the largest claim fits a frame', async () => {
  const world = new World();
  const one = { userId: world.id<UserId>(), deviceId: (await world.stranger('one')).deviceId, bytes: new Uint8Array(keyPackageBytesMax), lastResort: false };
  const keyPackages = Array.from({ length: claimUsersMax * devicesPerUserMax }, () => one);
  expect(encodeAnswer(1, { keyPackages }).length).toBeLessThanOrEqual(frameBytesMax);
});
