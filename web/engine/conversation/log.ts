/**
 * Follows a conversation's log on this device: chain, kind, keys, replays, then one local transaction for a page of
 * entries, then news of them ([E3], [E4], [E5], [E8]).
 */
import type { Entry } from '#protocol/envelope.ts';
import type { UserId } from '#protocol/ids.ts';
import type { SecurityNotice } from '../api.ts';
import type { ToldHead } from '../content/content.ts';
import { hashEntry } from '../content/chain.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import { deserialize, epoch as epochOfGroup, type GroupState, type Member, members, MlsError, serialize } from '../mls/reading.ts';
import { late } from '../late.ts';
import type { StoreWrite } from '../ports.ts';
import { type ConversationState, conversations, messageIds, messages, type MessageState, padded, type Shown } from '../store/records.ts';
import { pageEntries } from '../store/pages.ts';
import { epochOf, type EpochKeys } from './epochs.ts';
import type { Parts } from './parts.ts';
import { commitPolicy, sameDevice, shownCommit, userOf, usersOf } from './policy.ts';
import { readEntry } from './reader.ts';

/** Following a commit of somebody else, who can only be heard of over a connection. */
const mls = late(() => import('../mls/index.ts'));
const folding = late(() => import('../store/folding.ts'));

/** What a page of entries makes of the conversation; nothing is in force until its writes are stored. */
interface Draft {
  state: ConversationState;
  group: GroupState;
  readonly writes: StoreWrite[];
  readonly seen: MessageState[];
  readonly notices: SecurityNotice[];
  readonly heads: { readonly from: UserId; readonly head: ToldHead }[];
  readonly hashes: Map<number, Uint8Array>;
  readonly ids: Map<string, number>;
  halted: Halt | null;
}

/**
 * Why nothing behind the cursor is taken: the log cannot be what members saw, or its next entry is a commit that does
 * not check out here ([E1], [E6]); the conversation then stays at the epoch before it. `replaced`: it was entered anew,
 * and the log goes on in the one that stands for it now.
 */
export type Halt = 'forked' | 'commit_refused' | 'replaced';

export interface Advance {
  readonly state: ConversationState;
  readonly group: GroupState;
  readonly halted: Halt | null;
}

export class LogReader {
  constructor(
    readonly parts: Parts,
    readonly epochs: EpochKeys,
  ) {}

  /** Takes entries that follow the cursor; entries at or below it are passed over. Rejects only when the store or network fails. */
  async advance(state: ConversationState, group: GroupState, entries: readonly Entry[]): Promise<Advance> {
    const draft: Draft = { state, group, writes: [], seen: [], notices: [], heads: [], hashes: new Map(), ids: new Map(), halted: null };
    for (const entry of entries) {
      if (entry.sequence <= draft.state.cursor.sequence) continue;
      await this.#take(draft, entry);
      // Out of the tree: what follows is not for this state; in again, it is read as history.
      if (draft.halted !== null || !draft.state.active) break;
    }
    if (draft.seen.length > 0) {
      draft.state = { ...draft.state, group: new Uint8Array(serialize(draft.group)) };
      draft.writes.push(...(await this.#kept(draft)), await this.parts.store.put(conversations, state.conversationId, draft.state));
      await this.parts.store.write(draft.writes);
    }
    for (const { from, head } of draft.heads) this.parts.listener.onHead(from, head);
    for (const notice of draft.notices) this.parts.listener.onNotice(notice);
    for (const message of draft.seen) this.parts.listener.onEntry(state.conversationId, message);
    return { state: draft.state, group: draft.group, halted: draft.halted };
  }

  /** Few are records of their own; many go into pages at once. */
  async #kept({ seen, state }: Draft): Promise<readonly StoreWrite[]> {
    const { store } = this.parts;
    if (seen.length >= pageEntries / 2) return (await folding()).putMany(store, state.conversationId, seen, state.cursor.sequence);
    return Promise.all(seen.map((message) => store.put(messages, `${state.conversationId}/${padded(message.entry.sequence)}`, message)));
  }

  async #take(draft: Draft, entry: Entry): Promise<void> {
    const { cursor, conversationId } = draft.state;
    const hash = hashEntry(cursor.hash, conversationId, entry);
    if (entry.sequence !== cursor.sequence + 1 || !sameBytes(hash, entry.hash)) {
      draft.halted = 'forked';
      draft.notices.push({ kind: 'log_forked', at: this.parts.runtime.now(), conversationId, sequence: entry.sequence });
      return;
    }
    const shown = await this.#judge(draft, entry);
    if (shown === null) return;
    const { body: _body, ...outer } = entry;
    const message: MessageState = { entry: outer, shown };
    draft.hashes.set(entry.sequence, entry.hash);
    if (!draft.ids.has(entry.id)) draft.ids.set(entry.id, entry.sequence);
    draft.writes.push(await this.parts.store.put(messageIds, `${conversationId}/${entry.id}`, { sequence: draft.ids.get(entry.id) ?? entry.sequence }));
    draft.seen.push(message);
    draft.state = absorbed({ ...draft.state, cursor: { sequence: entry.sequence, hash: entry.hash } }, message, this.parts.me.userId);
  }

  /** Null: the draft was halted before this entry. */
  async #judge(draft: Draft, entry: Entry): Promise<Shown | null> {
    if (entry.kind === 'created') return entry.sequence === 1 ? { type: 'created' } : this.#refused(draft, entry, 'created');
    if (entry.kind === 'commit') return this.#follow(draft, entry);
    const { conversationId, low } = draft.state;
    const at = this.parts.runtime.now();
    const first = draft.ids.get(entry.id) ?? (await this.parts.store.get(messageIds, `${conversationId}/${entry.id}`))?.sequence;
    if (first !== undefined) {
      draft.notices.push({ kind: 'replay_refused', at, conversationId, sequence: entry.sequence });
      return { type: 'nothing' };
    }
    // The log is in one epoch at a time: what claims another was put there by somebody who should not.
    if (epochOfGroup(draft.group) !== entry.epoch) return this.#refused(draft, entry, 'epoch');
    if (this.parts.devices.revoked(entry.device, entry.sentAt)) return this.#refused(draft, entry, 'revoked');
    const secrets = await this.epochs.local(entry.epoch);
    const reading = await readEntry(this.parts.cipher, conversationId, { ...entry, kind: entry.kind }, secrets, {
      hashAt: async (sequence) => this.#hashAt(draft, sequence, low),
    });
    if (reading.ok) {
      if (reading.head !== undefined && entry.device !== this.parts.me.deviceId) draft.heads.push({ from: entry.user, head: reading.head });
      return reading.shown;
    }
    if (reading.reason === 'key_missing') return { type: 'unreadable', reason: 'key_missing' };
    if (reading.reason !== 'forked') return this.#refused(draft, entry, reading.why);
    draft.notices.push({ kind: 'log_forked', at, conversationId, sequence: entry.sequence });
    return { type: 'unreadable', reason: 'refused' };
  }

  #refused(draft: Draft, { sequence }: Entry, reason: string): Shown {
    draft.notices.push({ kind: 'message_refused', at: this.parts.runtime.now(), conversationId: draft.state.conversationId, sequence, reason });
    return { type: 'unreadable', reason: 'refused' };
  }

  async #hashAt(draft: Draft, sequence: number, low: ConversationState['low']): Promise<Uint8Array | null> {
    if (sequence === low.sequence) return low.hash;
    const known = draft.hashes.get(sequence);
    if (known !== undefined) return known;
    return (await this.parts.store.get(messages, `${draft.state.conversationId}/${padded(sequence)}`))?.entry.hash ?? null;
  }

  /** Into the next epoch: by this device's own stored state, or by processing what somebody else committed. */
  async #follow(draft: Draft, entry: Entry): Promise<Shown | null> {
    const { state } = draft;
    const before = usersOf(members(draft.group));
    const own = state.pending?.id === entry.id && state.pending.epoch === entry.epoch && sameBytes(state.pending.commit, entry.body);
    try {
      if (own && state.pending !== null) {
        const oldLeaves = new Set(members(draft.group).map(({ leaf }) => leaf));
        draft.group = deserialize(state.pending.next);
        const added = members(draft.group).filter(({ leaf }) => !oldLeaves.has(leaf));
        return await this.#entered(draft, entry, before, added);
      }
      await this.#needPeople(entry.body);
      const { processCommit } = await mls();
      const leaves = members(draft.group);
      const done = await processCommit(draft.group, entry.body, this.#context(), commitPolicy(entry, (device, at) => this.parts.devices.revoked(device, at)));
      draft.group = done.next;
      if (done.selfRemoved) {
        draft.state = { ...state, active: false, pending: null };
        const gone = new Set(done.removed.map(({ leaf }) => leaf));
        return shownCommit(before, usersOf(leaves.filter(({ leaf }) => !gone.has(leaf))), done);
      }
      return await this.#entered(draft, entry, before, done.added);
    } catch (cause) {
      if (!(cause instanceof MlsError)) throw cause;
      draft.notices.push({ kind: 'commit_refused', at: this.parts.runtime.now(), conversationId: state.conversationId, sequence: entry.sequence, reason: cause.code });
      draft.halted = 'commit_refused';
      return null;
    }
  }

  #context() {
    return { checkCredential: this.parts.directory.checkCredential, sameDevice };
  }

  /** Unknown people are asked for before the commit is judged, so that a lost connection is not taken for a bad commit. */
  async #needPeople(commit: Uint8Array): Promise<void> {
    const { inspectCommit } = await mls();
    const { adds, path } = inspectCommit(commit);
    const users = [...adds, ...(path === null ? [] : [path])].map(({ credential }) => userOf(credential)).filter((user) => user !== null);
    await this.parts.directory.seek(users);
  }

  async #entered(draft: Draft, entry: Entry, before: readonly ConversationState['owner'][], added: readonly Member[]): Promise<Shown> {
    const epoch = epochOfGroup(draft.group);
    const after = usersOf(members(draft.group));
    draft.writes.push(await this.epochs.keep(epoch, await epochOf(draft.state.conversationId, draft.group)));
    draft.state = {
      ...draft.state,
      pending: null,
      members: [...after],
      left: draft.state.left.filter((user) => after.includes(user)),
      epochSequence: entry.sequence,
      epochStartedAt: entry.sentAt,
    };
    return shownCommit(before, after, { added });
  }
}

/** List facts that an entry changes. */
function absorbed(state: ConversationState, { entry, shown }: MessageState, me: ConversationState['owner']): ConversationState {
  if (shown.type === 'titled') return { ...state, title: shown.title, titleSequence: entry.sequence };
  if (shown.type === 'left') return { ...state, left: [...new Set([...state.left, entry.user])], ...(entry.user === me ? { active: false } : {}) };
  if (shown.type !== 'text') return state;
  const unread = entry.user !== me && entry.sequence > state.readSequence ? state.unread + 1 : state.unread;
  return { ...state, unread, last: { from: entry.user, text: shown.text.slice(0, 280), at: entry.sentAt } };
}
