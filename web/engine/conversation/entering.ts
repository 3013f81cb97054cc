/** How this device comes into conversations of others: is welcomed, or joins as one more device of a member. */
import { bytesOfId, fromBase64Url, idBytes, idFromBytes, type MessageId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { claimUsersMax } from '#protocol/limits.ts';
import type { Conversation as Summary, Welcome } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import {
  epoch, groupId, type GroupState, inspectKeyPackage, joinByExternalCommit, joinByWelcome, members, MlsError, serialize, type WriteContext, welcomeRecipients,
} from '../mls/index.ts';
import type { StoreWrite } from '../ports.ts';
import { type ConversationState, conversations, keyPackages } from '../store/records.ts';
import { Conversation } from './conversation.ts';
import { epochOf, EpochKeys } from './epochs.ts';
import type { Parts } from './parts.ts';
import { sameDevice, userOf, usersOf } from './policy.ts';

const joinAttemptsMax = 8;

export function contextOf(parts: Parts): WriteContext {
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

/** A conversation of which nothing is known but the group and where its log begins here. */
export function blank(summary: Summary, group: GroupState, at: ConversationState['cursor'], parts: Parts): ConversationState {
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

/** Stores the conversation and its epoch's keys, with what else must happen in the same step. */
export async function keep(parts: Parts, state: ConversationState, group: GroupState, also: readonly StoreWrite[] = []): Promise<Conversation> {
  const keys = new EpochKeys(parts, state.conversationId);
  await parts.store.write([
    await parts.store.put(conversations, state.conversationId, state),
    await keys.keep(epoch(group), await epochOf(state.conversationId, group)),
    ...also,
  ]);
  return new Conversation(parts, state, group);
}

/** Enters by a welcome; null when none of this device's key packages fits or the welcome does not check out. */
export async function enterByWelcome(parts: Parts, welcome: Welcome, summary: Summary): Promise<Conversation | null> {
  for (const reference of welcomeRecipients(welcome.bytes)) {
    const name = toBase64Url(reference);
    const pair = await parts.store.get(keyPackages, name);
    if (pair === null) continue;
    const group = await joinByWelcome(welcome.bytes, pair, contextOf(parts));
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
    const joined = await joinByExternalCommit(info.groupInfo, { credential: parts.me.certificate }, contextOf(parts));
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
