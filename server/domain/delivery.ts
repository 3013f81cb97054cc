/** The delivery service: appending to conversations ([C2], [C6]–[C8], [L1]–[L6]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { chainStart, type EntryKind, parseSeen, type Seen } from '#protocol/envelope.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import { bytesOfId, type DeviceId, type Generation, idFromBytes, type MessageId, type UserId, type WelcomeId } from '#protocol/ids.ts';
import { conversationsPerUserMax, membersMax, seenLagMax } from '#protocol/limits.ts';
import type { NewCommit, NewMessage, Receipt, Suite } from '#protocol/model.ts';
import type { EventBus, Happening } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { ConversationRecord, ConversationStore, Roster, RosterChange } from '../ports/store.ts';
import { advanced, chained, type Conversation, type NewEntry } from './conversation.ts';
import type { Conversations } from './conversations.ts';
import { type CommitReader, groupInfoFault } from './commit-reader.ts';
import { sameBytes, sha256 } from './digests.ts';
import { afterCommit, afterDeparture, isActive, leafOf, memberOf, type RosterCommit, someoneLeaves } from './roster.ts';

export interface Sender {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

export interface DeliveryParts {
  readonly conversations: Conversations;
  readonly store: ConversationStore;
  readonly commits: CommitReader;
  readonly bus: EventBus;
  readonly runtime: Runtime;
}

type SentKind = Extract<EntryKind, 'message' | 'meta' | 'leave'>;
type Committed = Output<'conversation.commit'>;

const noBytes = new Uint8Array(0);
const noHash = new Uint8Array(32);

const commitRefused = (reason: string): Refusal => refuse('commit.refused', { reason });
const stale = (epoch: number, reason?: string): Refusal => refuse('epoch.stale', reason === undefined ? { epoch } : { epoch, reason });

const entryOf = (by: Sender, kind: EntryKind, { id, epoch, body }: NewMessage): NewEntry => ({
  kind, epoch, user: by.userId, device: by.deviceId, id, body,
});

/** [L4] What has been seen must be there, and not too far back. */
function lagRefusal(conversation: Conversation, seenSequence: number): Refusal | null {
  const { headSequence } = conversation.accepted;
  if (seenSequence > headSequence) return refuse('message.seen_refused', { reason: 'ahead' });
  if (headSequence - seenSequence > seenLagMax) return refuse('message.seen_refused', { reason: 'lag' });
  return seenSequence < (conversation.floor?.sequence ?? 0) ? refuse('message.seen_refused', { reason: 'purged' }) : null;
}

/** [L4] Against the accepted log; the caller made sure that it is remembered down to there. */
function seenRefusal(conversation: Conversation, header: Seen): Refusal | null {
  const lagging = lagRefusal(conversation, header.seenSequence);
  if (lagging !== null) return lagging;
  const hash = conversation.recent.hashAt(header.seenSequence);
  // Whoever has seen nothing may not know the start of the chain yet.
  const blank = header.seenSequence === 0 && sameBytes(header.seenHash, noHash);
  return blank || (hash !== undefined && sameBytes(hash, header.seenHash)) ? null : refuse('message.seen_refused', { reason: 'hash' });
}

export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Refuses conversation.unknown, epoch.stale, message.conflict, message.seen_refused. */
  async send(by: Sender, { conversationId, kind, message }: Input<'conversation.send'>): Promise<Result<{ readonly receipt: Receipt }>> {
    const sent = await this.#parts.conversations.using(conversationId, (conversation) => this.#append(conversation, by, kind, message));
    return sent ?? refuse('conversation.unknown');
  }

  /** [C8] */
  async leave(by: Sender, { conversationId, message }: Input<'conversation.leave'>): Promise<Result<{ readonly receipt: Receipt }>> {
    const left = await this.#parts.conversations.using(conversationId, (conversation) => this.#append(conversation, by, 'leave', message));
    return left ?? refuse('conversation.unknown');
  }

  async #append(conversation: Conversation, by: Sender, kind: SentKind, message: NewMessage): Promise<Result<{ readonly receipt: Receipt }>> {
    const header = parseSeen(message.body);
    if (header === null) return refuse('input.invalid', { field: 'message.body' });
    if (memberOf(conversation.roster, by.userId) === undefined) return refuse('conversation.unknown');
    conversation.recent.stillAt(header.seenSequence);
    // A loop in this very function: behind it nothing waits until `accept`, so what is checked is what is appended to.
    while (conversation.recent.floor > header.seenSequence) {
      const refused = lagRefusal(conversation, header.seenSequence);
      if (refused !== null) return refused;
      await conversation.remember(header.seenSequence);
    }
    const entry = entryOf(by, kind, message);
    const known = conversation.recent.find(message.id);
    const standing = memberOf(conversation.roster, by.userId);
    if (standing === undefined || (standing.leaving && (known === undefined || kind !== 'leave'))) return refuse('conversation.unknown');
    if (known !== undefined) {
      if (!conversation.recent.isSame(known, entry)) return refuse('message.conflict');
      await conversation.settled();
      return ok({ receipt: known.receipt });
    }
    const refused = refuseNew(conversation, by, kind, message) ?? seenRefusal(conversation, header);
    if (refused !== null) return refused;
    return this.#accept(conversation, by, entry);
  }

  async #accept(conversation: Conversation, by: Sender, entry: NewEntry): Promise<Result<{ readonly receipt: Receipt }>> {
    const entries = conversation.chain([entry], this.#parts.runtime.now());
    const leaving = entry.kind === 'leave';
    const change: RosterChange | null = leaving ? { roster: afterDeparture(conversation.roster, by.userId, conversation.accepted.headSequence + 1), groupInfo: null, welcomes: [] } : null;
    const happenings: Happening[] = leaving ? [{ kind: 'membership', conversationId: conversation.id, added: [], removed: [by.userId] }] : [];
    await conversation.accept(entries, change, happenings);
    return ok({ receipt: receiptOf(entries[0]) });
  }

  /** Refuses conversation.unknown, epoch.stale, commit.refused, member.limit, person.unknown, message.conflict. */
  async commit(by: Sender, { conversationId, commit }: Input<'conversation.commit'>): Promise<Result<Committed>> {
    const committed = await this.#parts.conversations.using(conversationId, (conversation) => this.#commit(conversation, by, commit));
    return committed ?? refuse('conversation.unknown');
  }

  async #commit(conversation: Conversation, by: Sender, commit: NewCommit): Promise<Result<Committed>> {
    if (!isActive(conversation.roster, by.userId)) return refuse('conversation.unknown');
    const repeated = await this.#repeated(conversation, by, commit);
    if (repeated !== null) return repeated;
    const { suite, roster } = conversation.accepted;
    if (commit.epoch !== roster.epoch) return stale(roster.epoch);
    // The group info of this epoch may still be on its way to disk.
    await conversation.settled();
    const groupInfo = await this.#parts.store.groupInfo(conversation.id);
    if (groupInfo === null || groupInfoFault(groupInfo, conversation.id, suite, commit.epoch) !== null) return stale(conversation.roster.epoch);
    const read = await this.#parts.commits.read({ conversationId: conversation.id, suite, by, commit, groupInfo });
    if (!read.ok) return read;
    for (const { message } of commit.follow) {
      const header = parseSeen(message.body);
      if (header === null) return commitRefused('follow');
      conversation.recent.stillAt(header.seenSequence);
      if (lagRefusal(conversation, header.seenSequence) !== null) return commitRefused('follow_seen');
    }
    const lowest = Math.min(...commit.follow.map(({ message }) => parseSeen(message.body)?.seenSequence ?? Infinity));
    while (conversation.recent.floor > lowest) {
      if (lagRefusal(conversation, lowest) !== null) return commitRefused('follow_seen');
      await conversation.remember(lowest);
    }
    // From here to `accept` nothing waits.
    if (!isActive(conversation.roster, by.userId)) return refuse('conversation.unknown');
    if (commit.epoch !== conversation.roster.epoch) return stale(conversation.roster.epoch);
    const prepared = this.#prepare(conversation, by, commit, read.value);
    if (!prepared.ok) return prepared;
    const { entries, change, happenings } = prepared.value;
    await conversation.accept(entries, change, happenings);
    return ok({ receipt: receiptOf(entries[0]), follow: entries.slice(1).map(receiptOf) });
  }

  /** The answer of a commit that is in the log already ([L2]); null when it is new. */
  async #repeated(conversation: Conversation, by: Sender, commit: NewCommit): Promise<Result<Committed> | null> {
    const { roster, headSequence } = conversation.accepted;
    const before = roster.epochSequence - 1;
    if (commit.epoch < roster.epoch && before >= 0 && headSequence - before <= seenLagMax) await conversation.remember(before);
    const known = conversation.recent.find(commit.id);
    if (known === undefined) return null;
    const entry = entryOf(by, 'commit', { id: commit.id, epoch: commit.epoch, body: commit.commit });
    if (!conversation.recent.isSame(known, entry)) return refuse('message.conflict');
    const follow: Receipt[] = [];
    for (const [index, { kind, message }] of commit.follow.entries()) {
      const followed = conversation.recent.at(known.receipt.sequence + 1 + index);
      if (followed === undefined || !conversation.recent.isSame(followed, entryOf(by, kind, message))) return refuse('message.conflict');
      follow.push(followed.receipt);
    }
    await conversation.settled();
    return ok({ receipt: known.receipt, follow });
  }

  #prepare(conversation: Conversation, by: Sender, commit: NewCommit, read: RosterCommit): Result<Prepared> {
    const ids = [commit.id, ...commit.follow.map(({ message }) => message.id)];
    if (new Set(ids).size !== ids.length || ids.some((id) => conversation.recent.find(id) !== undefined)) return refuse('message.conflict');
    for (const { message } of commit.follow) {
      const header = parseSeen(message.body);
      if (header === null || seenRefusal(conversation, header) !== null) return commitRefused('follow_seen');
    }
    return prepareCommit(conversation.accepted, by, commit, read, this.#parts.runtime);
  }

  /** Refuses conversation.exists, conversation.too_many, member.limit, commit.refused, person.unknown. */
  async create(by: Sender, input: Input<'conversation.create'>): Promise<Result<null>> {
    const { conversations, store, runtime, commits, bus } = this.#parts;
    const { conversationId, suite, commit } = input;
    if ((await conversations.load(conversationId)) !== null) return refuse('conversation.exists');
    if ((await store.memberships(by.userId)).length >= conversationsPerUserMax) return refuse('conversation.too_many');
    const fault = groupInfoFault(input.groupInfo, conversationId, suite, 0);
    if (fault !== null) return commitRefused(fault);
    if (!(await commits.isSignedBy(by.deviceId, input.groupInfo))) return commitRefused('group_info');
    const read = commit === null ? null : await commits.read({ conversationId, suite, by, commit, groupInfo: input.groupInfo });
    if (read?.ok === false) return read;
    const start = beginning(by, input, runtime);
    let record = start.record;
    const entries = [...start.entries];
    let change: RosterChange = { roster: record.roster, groupInfo: input.groupInfo, welcomes: [] };
    const happenings: Happening[] = [{ kind: 'membership', conversationId, added: record.roster.members.map((member) => member.userId), removed: [] }];
    if (commit !== null && read !== null) {
      if (commit.epoch !== 0) return commitRefused('epoch');
      if (!firstFollowFits(commit)) return commitRefused('follow');
      const prepared = prepareCommit(record, by, commit, read.value, runtime);
      if (!prepared.ok) return prepared.code === 'epoch.stale' ? commitRefused('epoch') : prepared;
      entries.push(...prepared.value.entries);
      change = prepared.value.change;
      happenings.push(...prepared.value.happenings);
      for (const entry of prepared.value.entries) record = advanced(record, entry);
      record = { ...record, roster: change.roster };
    }
    if ((await store.create(record, entries, change)) === 'exists') return refuse('conversation.exists');
    for (const happening of happenings) bus.publish(happening);
    bus.publish({ kind: 'appended', conversationId, generation: record.generation, entries });
    return ok(null);
  }
}

interface Prepared {
  readonly entries: readonly ReturnType<typeof chained>[];
  readonly change: RosterChange;
  readonly happenings: readonly Happening[];
}

const receiptOf = (entry: Receipt | undefined): Receipt => {
  if (entry === undefined) throw new Error('an accepted entry is missing');
  return { id: entry.id, sequence: entry.sequence, sentAt: entry.sentAt, hash: entry.hash };
};

/** [L3], [C8], and a device that is in the group: nobody else can seal for this epoch. */
function refuseNew(conversation: Conversation, by: Sender, kind: SentKind, message: NewMessage): Refusal | null {
  const { roster } = conversation;
  if (message.epoch !== roster.epoch) return stale(roster.epoch);
  if (kind !== 'leave' && someoneLeaves(roster)) return stale(roster.epoch, 'leaving');
  return leafOf(roster, by.deviceId) === undefined ? stale(roster.epoch, 'not_in_group') : null;
}

/** Before there is a log nothing can have been seen. */
function firstFollowFits(commit: NewCommit): boolean {
  const ids = [commit.id, ...commit.follow.map(({ message }) => message.id)];
  return new Set(ids).size === ids.length && commit.follow.every(({ message }) => parseSeen(message.body)?.seenSequence === 0);
}

function beginning(by: Sender, input: Input<'conversation.create'>, runtime: Runtime): { readonly record: ConversationRecord; readonly entries: readonly ReturnType<typeof chained>[] } {
  const { conversationId, suite } = input;
  const createdAt = runtime.now();
  const generation = idFromBytes<Generation>(runtime.random(16));
  const id = idFromBytes<MessageId>(bytesOfId(conversationId));
  const head = { generation, headSequence: 0, headHash: sha256(chainStart(conversationId, generation)), headSentAt: createdAt };
  const created = chained(conversationId, head, entryOf(by, 'created', { id, epoch: 0, body: noBytes }), createdAt);
  const roster: Roster = {
    epoch: 0,
    epochSequence: created.sequence,
    epochHash: created.hash,
    owner: by.userId,
    leaves: [{ index: 0, ...by }],
    members: [{ userId: by.userId, joinedSequence: created.sequence, leaving: false }],
  };
  const record = { conversationId, suite, createdAt, creator: by.userId, roster, metaSequence: 0, floor: null, ...head };
  return { record: advanced(record, created), entries: [created] };
}

/** Everything that an accepted commit stores and tells ([C6], [M1]); nothing changes yet. */
function prepareCommit(record: ConversationRecord, by: Sender, commit: NewCommit, read: RosterCommit, runtime: Runtime): Result<Prepared> {
  const { conversationId, generation, suite } = record;
  const moved = afterCommit(record.roster, read, record.headSequence + 1);
  if (typeof moved === 'string') return commitRefused(moved);
  if (moved.members.length > membersMax) return refuse('member.limit');
  const epoch = record.roster.epoch + 1;
  if (commit.follow.some(({ message }) => message.epoch !== epoch)) return commitRefused('follow_epoch');
  if (commit.follow.length > 0 && someoneLeaves(moved)) return stale(record.roster.epoch, 'leaving');
  const now = runtime.now();
  const news = [
    entryOf(by, 'commit', { id: commit.id, epoch: commit.epoch, body: commit.commit }),
    ...commit.follow.map(({ kind, message }) => entryOf(by, kind, message)),
  ];
  let head = record;
  const entries = news.map((entry) => {
    const placed = chained(conversationId, head, entry, now);
    head = advanced(head, placed);
    return placed;
  });
  const { sequence, hash } = receiptOf(entries[0]);
  const roster: Roster = { ...moved, epoch, epochSequence: sequence, epochHash: hash };
  const devices = read.adds.map((leaf) => leaf.deviceId);
  const welcomes = devices.map((deviceId) => ({ deviceId, welcome: welcomeOf(commit, { conversationId, generation, suite, epoch, sequence, hash }, runtime) }));
  return ok({ entries, change: { roster, groupInfo: commit.groupInfo, welcomes }, happenings: happeningsOf(record, roster, devices) });
}

interface Joined {
  readonly conversationId: ConversationRecord['conversationId'];
  readonly generation: Generation;
  readonly suite: Suite;
  readonly epoch: number;
  readonly sequence: number;
  readonly hash: Uint8Array<ArrayBuffer>;
}

function welcomeOf(commit: NewCommit, joined: Joined, runtime: Runtime) {
  return { welcomeId: idFromBytes<WelcomeId>(runtime.random(16)), ...joined, bytes: commit.welcome ?? noBytes };
}

function happeningsOf({ conversationId, roster: before }: ConversationRecord, roster: Roster, devices: readonly DeviceId[]): Happening[] {
  const added = roster.members.filter(({ userId }) => !isActive(before, userId)).map(({ userId }) => userId);
  const removed = before.members.filter(({ userId }) => !isActive(roster, userId)).map(({ userId }) => userId);
  const happenings: Happening[] = [{ kind: 'membership', conversationId, added, removed }];
  if (devices.length > 0) happenings.push({ kind: 'welcome', conversationId, devices });
  return happenings;
}
