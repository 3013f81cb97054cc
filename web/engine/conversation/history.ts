/** Older entries than this device has: fetched by page, chained to what is here, opened with archived keys ([E11]). */
import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId, MessageId } from '#protocol/ids.ts';
import { logPageEntriesMax } from '#protocol/limits.ts';
import type { LogPage } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { hashEntry } from '../content/chain.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import { epoch as epochOfGroup, inspectCommit, MlsError } from '../mls/index.ts';
import type { StoreWrite } from '../ports.ts';
import { putMany } from '../store/folding.ts';
import { after, type ConversationState, messageIds, messages, type MessageState, padded, type Shown } from '../store/records.ts';
import type { Conversation } from './conversation.ts';
import type { Parts } from './parts.ts';
import { userOf } from './policy.ts';
import { readEntry } from './reader.ts';

/** Brings the page before what is here; false when there is nothing older that this person may read. Only inside `exclusively`. */
export async function fetchOlder(parts: Parts, conversation: Conversation, limit: number): Promise<boolean> {
  const { low, joinedSequence, conversationId } = conversation.state;
  if (low.sequence < joinedSequence || low.sequence <= (conversation.state.floor ?? 0)) return false;
  const page = await pageBefore(parts, conversation, Math.min(limit, logPageEntriesMax));
  if (page === null) return false;
  const hashes = chainedHashes(conversation, page.previousHash, page.entries);
  if (hashes === null) return forked(parts, conversation, low.sequence);
  const stored: MessageState[] = [];
  for (const { entry, judged } of await inOrder(parts, conversation, page.entries)) {
    const here = await parts.store.get(messages, `${conversationId}/${padded(entry.sequence)}`);
    // Read in an earlier stay on this device.
    if (here !== null && !sameBytes(here.entry.hash, entry.hash)) return forked(parts, conversation, entry.sequence);
    const { body: _body, ...outer } = entry;
    stored.push(here ?? { entry: outer, shown: judged ?? (await shownOf(parts, conversation, entry, hashes)) });
  }
  const writes: StoreWrite[] = await putMany(parts.store, conversationId, stored, conversation.state.cursor.sequence);
  for (const message of stored) {
    const { id, sequence } = message.entry;
    if ((await sequenceOf(parts, conversation, id)) === null && !stored.some(({ entry }) => entry.id === id && entry.sequence < sequence)) {
      writes.push(await parts.store.put(messageIds, `${conversationId}/${id}`, { sequence }));
    }
  }
  await parts.store.write(writes);
  const first = stored[0];
  if (first === undefined) return false;
  const at = { sequence: first.entry.sequence - 1, hash: page.previousHash };
  if (page.earlier !== null) return intoEarlierStay(parts, conversation, page.earlier, first, at);
  await conversation.update({ low: at });
  return at.sequence >= joinedSequence && at.sequence > 0;
}

/** Null: somebody who is out has nothing there to read any more. */
async function pageBefore(parts: Parts, conversation: Conversation, limit: number): Promise<LogPage | null> {
  const { low, conversationId, active } = conversation.state;
  try {
    return (await parts.connection.call('log.read', { conversationId, before: low.sequence + 1, limit })).page;
  } catch (cause) {
    if (active || !(cause instanceof LanyingError) || cause.code !== 'conversation.unknown') throw cause;
    await conversation.update({ joinedSequence: low.sequence + 1 });
    return null;
  }
}

function forked(parts: Parts, { id }: Conversation, sequence: number): false {
  parts.listener.onNotice({ kind: 'log_forked', at: parts.runtime.now(), conversationId: id, sequence });
  return false;
}

/**
 * On to the stay before ([C10]), which begins to be read at its end. Between stays there is no chain to check, so a gap
 * is believed only in front of a commit that brought this person in.
 */
async function intoEarlierStay(
  parts: Parts,
  conversation: Conversation,
  { from, to, hash }: NonNullable<LogPage['earlier']>,
  first: MessageState,
  at: ConversationState['low'],
): Promise<boolean> {
  const { shown, entry } = first;
  const broughtIn = entry.kind === 'commit' && shown.type === 'members' && shown.added.includes(parts.me.userId);
  const { conversationId } = conversation.state;
  const here = await parts.store.get(messages, `${conversationId}/${padded(to)}`);
  if (!broughtIn || from > to || to >= at.sequence || (here !== null && !sameBytes(here.entry.hash, hash))) {
    // Nothing before it is asked for again.
    await conversation.update({ low: at, joinedSequence: entry.sequence });
    return forked(parts, conversation, at.sequence);
  }
  await conversation.update({ low: await beginsHere(parts, conversationId, from, { sequence: to, hash }), joinedSequence: from });
  return true;
}

/** Where what this device read of an earlier stay begins: its first entry is read again, what lies behind it is here. */
async function beginsHere(parts: Parts, conversationId: ConversationId, from: number, end: ConversationState['low']): Promise<ConversationState['low']> {
  let low = end;
  for (let to = end.sequence + 1, more = true; more; ) {
    const rows = await parts.store.range(messages, `${conversationId}/${padded(from)}`, `${conversationId}/${padded(to)}`, logPageEntriesMax, true);
    more = rows.length === logPageEntriesMax;
    for (const { value } of rows) {
      if (value.entry.sequence !== to - 1) return low;
      to = value.entry.sequence;
      low = { sequence: to, hash: value.entry.hash };
    }
  }
  return low;
}

async function sequenceOf(parts: Parts, { id: conversationId }: Conversation, id: MessageId): Promise<number | null> {
  return (await parts.store.get(messageIds, `${conversationId}/${id}`))?.sequence ?? null;
}

interface Judged {
  readonly entry: Entry;
  /** What became of it before it was opened: a replay ([E5]), or of an epoch in which the log was not ([E3]). */
  readonly judged: Shown | null;
}

/** Holds a page against what is known of ids, and against the epochs that the log went through, from its end back. */
async function inOrder(parts: Parts, conversation: Conversation, entries: readonly Entry[]): Promise<readonly Judged[]> {
  const { conversationId } = conversation.state;
  const wrong = new Set<Entry>();
  let epoch = await epochAtLow(parts, conversation, entries);
  for (const entry of entries.toReversed()) {
    const begun = entry.kind === 'commit' ? epoch - 1 : epoch;
    if (entry.epoch === begun) epoch = begun;
    else wrong.add(entry);
  }
  const firsts = new Map<MessageId, number>();
  const judged: Judged[] = [];
  for (const entry of entries) {
    const known = firsts.get(entry.id) ?? (await sequenceOf(parts, conversation, entry.id)) ?? entry.sequence;
    firsts.set(entry.id, known);
    if (known !== entry.sequence) {
      parts.listener.onNotice({ kind: 'replay_refused', at: parts.runtime.now(), conversationId, sequence: entry.sequence });
      judged.push({ entry, judged: { type: 'nothing' } });
    } else judged.push({ entry, judged: wrong.has(entry) ? refused(parts, conversation, entry, 'epoch') : null });
  }
  return judged;
}

/** The epoch that the log was in behind the last entry of a page: as what follows it says, which was judged before. */
async function epochAtLow(parts: Parts, { id, group, state }: Conversation, entries: readonly Entry[]): Promise<number> {
  const [next] = await parts.store.range(messages, `${id}/${padded(state.low.sequence + 1)}`, after(`${id}/`), 1);
  if (next === undefined) return epochOfGroup(group);
  const { sequence, epoch } = next.value.entry;
  if (sequence === state.low.sequence + 1) return epoch;
  // The end of an earlier stay: epochs only rise, and this person was brought back from a later one.
  return Math.min(Math.max(...entries.map((entry) => (entry.kind === 'commit' ? entry.epoch + 1 : entry.epoch))), epoch - 1);
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
  const later = users(now.roster);
  if (before === null) return firstRoster(entry, later);
  const earlier = users(before.roster);
  const added = later.filter((user) => !earlier.includes(user));
  const removed = earlier.filter((user) => !later.includes(user));
  return added.length + removed.length === 0 ? { type: 'nothing' } : { type: 'members', added, removed, devices: [] };
}

/** Epoch 0 has one device and is never archived: whoever a commit names beside its sender came with it. */
function firstRoster(entry: Entry, people: readonly Entry['user'][]): Shown {
  try {
    const named = inspectCommit(entry.body).adds.map(({ credential }) => userOf(credential));
    const added = people.filter((user) => named.includes(user) && user !== entry.user);
    return added.length === 0 ? { type: 'nothing' } : { type: 'members', added, removed: [], devices: [] };
  } catch (cause) {
    if (cause instanceof MlsError) return { type: 'nothing' };
    throw cause;
  }
}
