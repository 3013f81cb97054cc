/** Older entries than this device has: fetched by page, chained to what is here, opened with archived keys ([E11]). */
import type { Entry } from '#protocol/envelope.ts';
import { logPageEntriesMax } from '#protocol/limits.ts';
import { hashEntry } from '../content/chain.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import { inspectCommit, MlsError } from '../mls/index.ts';
import type { StoreWrite } from '../ports.ts';
import { messageIds, messages, type MessageState, padded, type Shown } from '../store/records.ts';
import type { Conversation } from './conversation.ts';
import type { Parts } from './parts.ts';
import { userOf } from './policy.ts';
import { readEntry } from './reader.ts';

/** Brings the page before what is here; false when there is nothing older that this person may read. Only inside `exclusively`. */
export async function fetchOlder(parts: Parts, conversation: Conversation, limit: number): Promise<boolean> {
  const { low, joinedSequence, conversationId, active } = conversation.state;
  if (!active || low.sequence < joinedSequence || low.sequence <= (conversation.state.floor ?? 0)) return false;
  const { page } = await parts.connection.call('log.read', { conversationId, before: low.sequence + 1, limit: Math.min(limit, logPageEntriesMax) });
  const hashes = chainedHashes(conversation, page.previousHash, page.entries);
  if (hashes === null) {
    parts.listener.onNotice({ kind: 'log_forked', at: parts.runtime.now(), conversationId, sequence: low.sequence });
    return false;
  }
  const writes: StoreWrite[] = [];
  for (const entry of page.entries) {
    const { body: _body, ...outer } = entry;
    const message: MessageState = { entry: outer, shown: await shownOf(parts, conversation, entry, hashes) };
    writes.push(
      await parts.store.put(messages, `${conversationId}/${padded(entry.sequence)}`, message),
      await parts.store.put(messageIds, `${conversationId}/${entry.id}`, { sequence: entry.sequence }),
    );
  }
  await parts.store.write(writes);
  const first = page.entries[0];
  if (first === undefined) return false;
  await conversation.update({ low: { sequence: first.sequence - 1, hash: page.previousHash } });
  return first.sequence > joinedSequence && first.sequence > 1;
}

/** The title in force when it was set before the pages that are here: read on its own, signed and sealed like any entry; null when it does not open. */
export async function fetchTitle(parts: Parts, conversation: Conversation, metaSequence: number): Promise<string | null> {
  const { page } = await parts.connection.call('log.read', { conversationId: conversation.id, before: metaSequence + 1, limit: 1 });
  const entry = page.entries[0];
  if (entry?.sequence !== metaSequence || entry.kind !== 'meta') return null;
  const shown = await shownOf(parts, conversation, entry, new Map([[metaSequence - 1, page.previousHash]]));
  return shown.type === 'titled' ? shown.title : null;
}

/** Running hashes of a page that ends exactly where this device begins; null when it does not fit. */
function chainedHashes(conversation: Conversation, previous: Uint8Array<ArrayBuffer>, entries: readonly Entry[]): ReadonlyMap<number, Uint8Array> | null {
  const { low, conversationId } = conversation.state;
  const hashes = new Map<number, Uint8Array>([[(entries[0]?.sequence ?? 1) - 1, previous]]);
  let hash: Uint8Array<ArrayBuffer> = previous;
  let expected = entries[0]?.sequence ?? low.sequence + 1;
  for (const entry of entries) {
    if (entry.sequence !== expected) return null;
    expected += 1;
    hash = hashEntry(hash, conversationId, entry);
    if (!sameBytes(hash, entry.hash)) return null;
    hashes.set(entry.sequence, hash);
  }
  return expected === low.sequence + 1 && sameBytes(hash, low.hash) ? hashes : null;
}

async function shownOf(parts: Parts, conversation: Conversation, entry: Entry, hashes: ReadonlyMap<number, Uint8Array>): Promise<Shown> {
  if (entry.kind === 'created' && entry.sequence === 1) return { type: 'created' };
  if (entry.kind === 'created') return refused(parts, conversation, entry, 'created');
  if (entry.kind === 'commit') return shownOldCommit(conversation, entry);
  const secrets = await conversation.epochs.find(entry.epoch);
  const reading = await readEntry(parts.cipher, conversation.id, { ...entry, kind: entry.kind }, secrets, {
    hashAt: async (sequence) => hashes.get(sequence) ?? (await parts.store.get(messages, `${conversation.id}/${padded(sequence)}`))?.entry.hash ?? null,
  });
  if (reading.ok) return reading.shown;
  if (reading.reason === 'key_missing') return { type: 'unreadable', reason: 'key_missing' };
  if (reading.reason !== 'forked') return refused(parts, conversation, entry, reading.why);
  parts.listener.onNotice({ kind: 'log_forked', at: parts.runtime.now(), conversationId: conversation.id, sequence: entry.sequence });
  return { type: 'unreadable', reason: 'refused' };
}

function refused(parts: Parts, conversation: Conversation, { sequence }: Entry, reason: string): Shown {
  parts.listener.onNotice({ kind: 'message_refused', at: parts.runtime.now(), conversationId: conversation.id, sequence, reason });
  return { type: 'unreadable', reason: 'refused' };
}

/** What an old commit did, from the rosters on both sides of it; nothing where one of them was never archived. */
async function shownOldCommit(conversation: Conversation, entry: Entry): Promise<Shown> {
  const [before, now] = [await conversation.epochs.find(entry.epoch), await conversation.epochs.find(entry.epoch + 1)];
  if (now === null) return { type: 'nothing' };
  const users = (roster: typeof now.roster) => [...new Set(roster.map(({ certificate }) => userOf(certificate)).filter((user) => user !== null))];
  const after = users(now.roster);
  if (before === null) return firstRoster(entry, after);
  const earlier = users(before.roster);
  const added = after.filter((user) => !earlier.includes(user));
  const removed = earlier.filter((user) => !after.includes(user));
  return added.length + removed.length === 0 ? { type: 'nothing' } : { type: 'members', added, removed, devices: [] };
}

/** Epoch 0 has one device and is never archived: whoever a commit names beside its sender came with it. */
function firstRoster(entry: Entry, after: readonly Entry['user'][]): Shown {
  try {
    const named = inspectCommit(entry.body).adds.map(({ credential }) => userOf(credential));
    const added = after.filter((user) => named.includes(user) && user !== entry.user);
    return added.length === 0 ? { type: 'nothing' } : { type: 'members', added, removed: [], devices: [] };
  } catch (cause) {
    if (cause instanceof MlsError) return { type: 'nothing' };
    throw cause;
  }
}
