/** How this device comes into conversations: makes one, is welcomed, or joins as one more device of a member. */
import { bytesOfId, type ConversationId, fromBase64Url, idBytes, idFromBytes, type MessageId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { claimUsersMax } from '#protocol/limits.ts';
import type { Conversation as Summary, Welcome } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { startHash } from '../content/chain.ts';
import { encodeContent } from '../content/content.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import {
  createGroup, epoch, groupId, groupInfo, type GroupState, inspectKeyPackage, joinByExternalCommit, joinByWelcome, members, MlsError, serialize, suiteForMembers, type WriteContext, welcomeRecipients,
} from '../mls/index.ts';
import { type ConversationState, conversations, keyPackages } from '../store/records.ts';
import { Conversation } from './conversation.ts';
import { epochOf, EpochKeys } from './epochs.ts';
import { ownCommit } from './own-commit.ts';
import type { Parts } from './parts.ts';
import { sameDevice, userOf, usersOf } from './policy.ts';

const joinAttemptsMax = 8;

function context(parts: Parts): WriteContext {
  const nowSeconds = Math.floor(parts.runtime.now() / 1_000);
  return { checkCredential: parts.directory.checkCredential, sameDevice, signer: parts.store.keys, nowSeconds };
}

/** One key package for each device of these people that is not in the group. */
export async function claim(parts: Parts, userIds: readonly UserId[], suite: ConversationState['suite'], except: readonly ConversationState['members'][number][] = []): Promise<readonly Uint8Array[]> {
  const wanted = userIds.filter((userId) => !except.includes(userId));
  if (wanted.length === 0) return [];
  await parts.directory.need(wanted);
  const changed = wanted.find((userId) => parts.directory.changed(userId));
  if (changed !== undefined) throw new LanyingError('identity.changed', { field: changed });
  const claimed: Uint8Array[] = [];
  for (let from = 0; from < wanted.length; from += claimUsersMax) {
    const asked = wanted.slice(from, from + claimUsersMax);
    const { keyPackages: more } = await parts.connection.call('keyPackage.claim', { userIds: asked, suite, except: [parts.me.deviceId] });
    for (const { userId, bytes } of more) {
      if (!asked.includes(userId) || !(await vouched(parts, userId, bytes))) throw new LanyingError('identity.mismatch', { field: userId });
      claimed.push(bytes);
    }
    const without = asked.find((userId) => userId !== parts.me.userId && !more.some((row) => row.userId === userId));
    if (without !== undefined) throw new LanyingError('key_package.exhausted', { field: without });
  }
  return claimed;
}

/** The server hands out key packages, so whose they are is for the pinned identity to say: one of somebody else would let them in ([E1], [E6]). */
async function vouched(parts: Parts, userId: UserId, bytes: Uint8Array): Promise<boolean> {
  const refuse = (reason: string): false => {
    parts.listener.onNotice({ kind: 'device_refused', at: parts.runtime.now(), userId, conversationId: null, reason });
    return false;
  };
  try {
    const { credential, signatureKey } = await inspectKeyPackage(bytes);
    if (userOf(credential) !== userId) return refuse('wrong_person');
    return await parts.directory.checkCredential(credential, signatureKey);
  } catch (cause) {
    if (cause instanceof MlsError) return refuse(cause.code);
    throw cause;
  }
}

function blank(summary: Summary, group: GroupState, at: ConversationState['cursor'], parts: Parts): ConversationState {
  return {
    conversationId: summary.conversationId,
    generation: summary.generation,
    suite: summary.suite,
    cursor: at,
    low: at,
    joinedSequence: summary.joinedSequence,
    group: new Uint8Array(serialize(group)),
    pending: null,
    active: true,
    title: null,
    titleSequence: 0,
    owner: summary.owner,
    members: [...usersOf(members(group))],
    left: [],
    readSequence: summary.readSequence,
    unread: 0,
    last: null,
    epochSequence: at.sequence,
    epochStartedAt: parts.runtime.now(),
    archiveFrom: epoch(group),
    createdAt: summary.createdAt,
  };
}

async function keep(parts: Parts, state: ConversationState, group: GroupState): Promise<Conversation> {
  const keys = new EpochKeys(parts, state.conversationId);
  await parts.store.write([
    await parts.store.put(conversations, state.conversationId, state),
    await keys.keep(epoch(group), await epochOf(state.conversationId, group)),
  ]);
  return new Conversation(parts, state, group);
}

/** A new conversation with these people, its first commit and title in one step on the server. */
export async function create(parts: Parts, title: string | null, others: readonly UserId[]): Promise<Conversation> {
  const { runtime, me, store, connection } = parts;
  const conversationId = idFromBytes<ConversationId>(runtime.random(idBytes));
  const { devices } = await connection.call('device.list', { userIds: [me.userId, ...others] });
  const suite = suiteForMembers(devices.length);
  const group = await createGroup({ groupId: bytesOfId(conversationId), suite, credential: me.certificate, signer: store.keys });
  const add = await claim(parts, [me.userId, ...others], suite);
  const bundle = await ownCommit(group, { add: [...add] }, context(parts));
  const id = idFromBytes<MessageId>(runtime.random(idBytes));
  const titleId = idFromBytes<MessageId>(runtime.random(idBytes));
  const follow = title === null ? [] : [{ kind: 'meta' as const, message: { id: titleId, epoch: 1, body: await firstTitle(parts, conversationId, bundle.next, titleId, title) } }];
  const handed = {
    id, epoch: 0, commit: new Uint8Array(bundle.commit), welcome: bundle.welcome === null ? null : new Uint8Array(bundle.welcome),
    groupInfo: new Uint8Array(bundle.groupInfo), follow,
  };
  const info = new Uint8Array(await groupInfo(group, store.keys));
  const { conversation } = await connection.call('conversation.create', { conversationId, suite, groupInfo: info, commit: handed });
  const summary = { ...conversation, conversationId };
  const start = { sequence: 0, hash: startHash(conversationId, summary.generation) };
  const state = { ...blank(summary, group, start, parts), archiveFrom: 1, pending: { ...handed, next: new Uint8Array(serialize(bundle.next)) } };
  const made = await keep(parts, state, group);
  await made.exclusively(() => made.catchUp());
  return made;
}

/** The title of a conversation that has no log yet: sealed as seen from the empty log, whose hash nobody knows before it exists. */
async function firstTitle(parts: Parts, conversationId: ConversationId, next: GroupState, id: MessageId, title: string): Promise<Uint8Array<ArrayBuffer>> {
  const { contentKey } = await epochOf(conversationId, next);
  const seen = { seenSequence: 0, seenHash: new Uint8Array(32) };
  const sealed = await parts.cipher.seal({ conversation: conversationId, epoch: 1, contentKey }, { device: parts.me.deviceId, id, kind: 'meta' }, seen, encodeContent({ type: 'meta', title }), parts.store.keys);
  if (!sealed.ok) throw new LanyingError('message.too_long');
  return sealed.body;
}

/** Enters by a welcome; null when none of this device's key packages fits or the welcome does not check out. */
export async function enterByWelcome(parts: Parts, welcome: Welcome, summary: Summary): Promise<Conversation | null> {
  for (const reference of welcomeRecipients(welcome.bytes)) {
    const name = toBase64Url(reference);
    const pair = await parts.store.get(keyPackages, name);
    if (pair === null) continue;
    const group = await joinByWelcome(welcome.bytes, pair, context(parts));
    const expected = fromBase64Url(welcome.conversationId);
    if (expected === null || !sameBytes(groupId(group), expected) || epoch(group) !== welcome.epoch) throw new MlsError('wrong_group', 'welcome');
    const at = { sequence: welcome.sequence, hash: welcome.hash };
    const entered = await keep(parts, { ...blank(summary, group, at, parts), joinedSequence: summary.joinedSequence }, group);
    if (!pair.lastResort) await parts.store.write([parts.store.remove(keyPackages, name)]);
    return entered;
  }
  return null;
}

/** Joins as one more device of a person who is in the group already, or anew after this device lost its state. */
export async function enterByExternalCommit(parts: Parts, summary: Summary): Promise<Conversation> {
  const { conversationId } = summary;
  for (let attempt = 0; attempt < joinAttemptsMax; attempt += 1) {
    const info = await parts.connection.call('conversation.groupInfo', { conversationId });
    const joined = await joinByExternalCommit(info.groupInfo, { credential: parts.me.certificate }, context(parts));
    if (!sameBytes(groupId(joined.next), bytesOfId(conversationId))) throw new MlsError('wrong_group', 'group info');
    const id = idFromBytes<MessageId>(parts.runtime.random(idBytes));
    try {
      const { receipt } = await parts.connection.call('conversation.commit', {
        conversationId,
        commit: { id, epoch: info.epoch, commit: new Uint8Array(joined.commit), welcome: null, groupInfo: new Uint8Array(joined.groupInfo), follow: [] },
      });
      const at = { sequence: receipt.sequence, hash: receipt.hash };
      return await keep(parts, blank({ ...summary, generation: info.generation }, joined.next, at, parts), joined.next);
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code !== 'epoch.stale') throw cause;
    }
  }
  throw new LanyingError('epoch.stale');
}
