/** How this device comes into conversations of others: is welcomed, or joins as one more device of a member. */
import { bytesOfId, fromBase64Url, idBytes, idFromBytes, type MessageId, toBase64Url } from '#protocol/ids.ts';
import type { Conversation as Summary, Welcome } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import {
  epoch, groupId, type GroupState, joinByExternalCommit, joinByWelcome, members, MlsError, serialize, type WriteContext, welcomeRecipients,
} from '../mls/index.ts';
import type { StoreWrite } from '../ports.ts';
import { type ConversationState, conversations, keyPackages } from '../store/records.ts';
import { Conversation } from './conversation.ts';
import { epochOf, EpochKeys } from './epochs.ts';
import type { Parts } from './parts.ts';
import { sameDevice, usersOf } from './policy.ts';

const joinAttemptsMax = 8;

export function contextOf(parts: Parts): WriteContext {
  const nowSeconds = Math.floor(parts.runtime.now() / 1_000);
  return { checkCredential: parts.directory.checkCredential, sameDevice, signer: parts.store.keys, nowSeconds };
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
    // Used once: whoever is welcomed with it again has no key for it, not even after a crash.
    const used = pair.lastResort ? [] : [parts.store.remove(keyPackages, name)];
    return keep(parts, { ...blank(summary, group, at, parts), joinedSequence: summary.joinedSequence }, group, used);
  }
  return null;
}

/**
 * The latest epoch that is proven to have been: kept here, sealed by another device of the person, or named by the
 * server. Group info of an earlier one would bring this device, and what it writes, to people who were removed since.
 */
async function epochProven(parts: Parts, { conversationId, epoch: named }: Summary): Promise<number> {
  const kept = await new EpochKeys(parts, conversationId).latest();
  const { items } = await parts.connection.call('archive.get', { conversationId, limit: 1 });
  const [newest] = items;
  const opened = newest === undefined ? null : await parts.vault.openArchive(conversationId, newest.epoch, newest.sealed);
  return Math.max(named, kept, newest === undefined || opened === null ? 0 : newest.epoch);
}

/**
 * Joins as one more device of a person who is in the group already, or anew after this device lost its state. Rejects
 * with `wrong_group` or `wrong_epoch` when the group info is of another group or of an epoch that is over.
 */
export async function enterByExternalCommit(parts: Parts, summary: Summary): Promise<Conversation> {
  const { conversationId } = summary;
  const proven = await epochProven(parts, summary);
  for (let attempt = 0; attempt < joinAttemptsMax; attempt += 1) {
    const info = await parts.connection.call('conversation.groupInfo', { conversationId });
    const joined = await joinByExternalCommit(info.groupInfo, { credential: parts.me.certificate }, contextOf(parts));
    if (!sameBytes(groupId(joined.next), bytesOfId(conversationId))) throw new MlsError('wrong_group', 'group info');
    if (info.epoch < proven || epoch(joined.next) !== info.epoch + 1) throw new MlsError('wrong_epoch', 'group info');
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
