/** One conversation on this device: its state, its order of operations, and its commits. */
import type { Output } from '#protocol/commands/index.ts';
import type { Entry } from '#protocol/envelope.ts';
import type { Floor } from '#protocol/floor.ts';
import { type ConversationId, type Generation, idBytes, idFromBytes, type MessageId, type UserId } from '#protocol/ids.ts';
import type { Conversation as Summary, NewCommit } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import { encodeContent } from '../content/content.ts';
import { type Changes, deserialize, epoch, type GroupState, members, serialize, type WriteContext } from '../mls/reading.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import { late } from '../late.ts';
import { Mutex } from '../mutex.ts';
import { type ConversationState, conversations, type EpochState, messageIds } from '../store/records.ts';
import { epochOf, EpochKeys } from './epochs.ts';
import { type Halt, LogReader } from './log.ts';
import type { Parts } from './parts.ts';
import { deviceOf, sameDevice, userOf } from './policy.ts';

const commitAttemptsMax = 8;
const commits = late(() => import('./own-commit.ts'));
const purging = late(() => import('./purging.ts'));
type TailResult = Output<'log.tail'>['results'][number];

/** Key packages to add and leaves to remove, worked out on the group as it stands when the commit is made. */
export type Plan = (group: GroupState, state: ConversationState) => Promise<Changes | null>;

export class Conversation {
  readonly epochs: EpochKeys;
  readonly #reader: LogReader;
  readonly #mutex = new Mutex();
  #state: ConversationState;
  #group: GroupState;
  /** Set: nothing more is taken until the next start, or until a refused commit is looked at again. */
  halted: Halt | null = null;
  /** Caught up and subscribed on the present connection. */
  live = false;

  constructor(
    readonly parts: Parts,
    state: ConversationState,
    group = deserialize(state.group),
  ) {
    this.#state = state;
    this.#group = group;
    this.epochs = new EpochKeys(parts, state.conversationId);
    this.#reader = new LogReader(parts, this.epochs);
  }

  get id(): ConversationId {
    return this.#state.conversationId;
  }
  get state(): ConversationState {
    return this.#state;
  }
  get group(): GroupState {
    return this.#group;
  }
  get cursor(): { readonly conversationId: ConversationId; readonly generation: Generation; readonly sequence: number } {
    return { conversationId: this.id, generation: this.#state.generation, sequence: this.#state.cursor.sequence };
  }

  /** Runs with nobody else changing the conversation. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#mutex.run(task);
  }

  /** Stores a change of the state; only inside `exclusively`. */
  async update(change: Partial<ConversationState>): Promise<void> {
    if (this.halted === 'replaced') return;
    this.#state = { ...this.#state, ...change };
    await this.parts.store.write([await this.parts.store.put(conversations, this.id, this.#state)]);
    this.parts.listener.onConversation(this.id);
  }

  /** A live entry; one that does not follow the cursor makes the conversation catch up. */
  async receive(entry: Entry): Promise<void> {
    await this.exclusively(() => this.take(entry));
  }

  /** The next entry, or one further on, which means to catch up. One's own is taken at its receipt, so that whoever sent it finds it. Only inside `exclusively`. */
  async take(entry: Entry): Promise<void> {
    if (this.halted !== null || !this.#state.active || entry.sequence <= this.#state.cursor.sequence) return;
    if (entry.sequence === this.#state.cursor.sequence + 1) await this.#advance([entry]);
    else await this.catchUp();
  }

  /** One result of log.tail; true when there may be more to ask for. */
  async tailed(result: TailResult): Promise<boolean> {
    return this.exclusively(() => this.#tailed(result));
  }

  async #tailed(result: TailResult): Promise<boolean> {
    this.live = result.state === 'live';
    if (result.state === 'refused' && result.code === 'cursor.refused') {
      this.contradicted(this.#state.cursor.sequence);
      return false;
    }
    if (result.state === 'refused') {
      await this.update({ active: false });
      return false;
    }
    if (result.state === 'purged') return (await this.purged(result.floor)) && this.#state.active;
    if (result.state === 'page') {
      if (await this.#beginsWhereBroughtBack(result.page.entries)) return false;
      await this.#advance(result.page.entries);
    }
    return result.state !== 'live' && this.halted === null && this.#state.active;
  }

  /** A floor that the server told of ([R11]); only inside `exclusively`. True when it was new and taken. */
  async purged(floor: Floor): Promise<boolean> {
    if (floor.sequence <= (this.#state.floor ?? 0)) return false;
    return (await purging()).acceptFloor(this, floor);
  }

  /**
   * A page with a gap is a fork, unless this person was taken out and brought back meanwhile: pages begin where they
   * joined ([C10]). Then this state is over, and the conversation is entered anew.
   */
  async #beginsWhereBroughtBack(entries: readonly Entry[]): Promise<boolean> {
    const first = entries[0];
    if (first === undefined || first.sequence <= this.#state.cursor.sequence + 1) return false;
    const { conversation } = await this.parts.connection.call('conversation.get', { conversationId: this.id });
    if (conversation.joinedSequence !== first.sequence) return false;
    await this.update({ active: false, pending: null });
    return true;
  }

  async #advance(entries: readonly Entry[]): Promise<void> {
    const advance = await this.#reader.advance(this.#state, this.#group, entries);
    this.#state = advance.state;
    this.#group = advance.group;
    this.halted = advance.halted;
    this.parts.listener.onConversation(this.id);
  }

  /** Reads the log to its head and goes live; only inside `exclusively`. */
  async catchUp(): Promise<void> {
    for (let more = this.halted === null; more; ) {
      const { results } = await this.parts.connection.call('log.tail', { cursors: [this.cursor] });
      const result = results[0];
      more = result !== undefined && (await this.#tailed(result));
    }
  }

  /** Looks again at a commit that was refused: what it was refused for may have been decided since. */
  async reconsider(): Promise<void> {
    await this.exclusively(async () => {
      if (this.halted !== 'commit_refused') return;
      this.halted = null;
      await this.catchUp();
    });
  }

  /** The server contradicts the log that it gave before ([E4]): nothing more of it is believed. */
  contradicted(sequence: number): void {
    if (this.halted !== null) return;
    this.halted = 'forked';
    this.parts.listener.onNotice({ kind: 'log_forked', at: this.parts.runtime.now(), conversationId: this.id, sequence });
    this.parts.listener.onConversation(this.id);
  }

  /** Taken out and in again behind what was read here: the log goes on where this person came back ([C10]). */
  broughtBack(summary: Summary): boolean {
    return this.halted === null && summary.joinedSequence > this.#state.cursor.sequence + 1;
  }

  /** Another one stands for it now: whoever still holds this one reads, seals and stores nothing more. Only inside `exclusively`. */
  replaced(): void {
    this.halted = 'replaced';
    this.#state = { ...this.#state, active: false, pending: null };
  }

  /** Whether a summary fits the log as it is here; one that names a later head does not when `whole` log was just read. */
  bearsOut(summary: Summary, whole: boolean): boolean {
    const { sequence, hash } = this.#state.cursor;
    if (this.halted !== null || !this.#state.active) return true;
    if (sequence !== summary.headSequence) return sequence > summary.headSequence || !(whole && this.live);
    return sameBytes(hash, summary.headHash) && epoch(this.#group) === summary.epoch;
  }

  /** The server's summary: who owns it, who is leaving. Members are the ratchet tree's alone ([E6]). */
  async summarised(summary: Summary): Promise<void> {
    await this.exclusively(async () => {
      const change: Partial<ConversationState> = {};
      if (summary.owner !== this.#state.owner) Object.assign(change, { owner: summary.owner });
      const leaving = summary.members.filter(({ userId, leaving: goes }) => goes && this.#state.members.includes(userId) && !this.#state.left.includes(userId));
      if (leaving.length > 0) Object.assign(change, { left: [...this.#state.left, ...leaving.map(({ userId }) => userId)] });
      const marked = summary.leavingDevices.filter((deviceId) => deviceId !== this.parts.me.deviceId);
      if (marked.join() !== (this.#state.leftDevices ?? []).join()) Object.assign(change, { leftDevices: marked });
      if (summary.readSequence > this.#state.readSequence) Object.assign(change, { readSequence: summary.readSequence, unread: 0 });
      if (Object.keys(change).length > 0) await this.update(change);
    });
    if (this.leavers().length > 0) this.parts.listener.onLeavers(this.id);
  }

  /** Names the members that only the server knows of; they get no key. */
  strangers(summary: Summary): readonly UserId[] {
    const caughtUp = this.#state.cursor.sequence >= summary.headSequence && epoch(this.#group) === summary.epoch;
    if (!caughtUp) return [];
    return summary.members.map(({ userId }) => userId).filter((userId) => !this.#state.members.includes(userId));
  }

  writeContext(): WriteContext {
    return {
      checkCredential: this.parts.directory.checkCredential,
      sameDevice,
      signer: this.parts.store.keys,
      nowSeconds: Math.floor(this.parts.runtime.now() / 1_000),
    };
  }

  /**
   * The server takes no messages while somebody leaves, and says so ([C8]). Whoever it names goes out of the tree with the
   * next commit, whether this device could read their farewell, refused it, or came only behind it. Only inside
   * `exclusively`.
   */
  async learnLeavers(refusal: LanyingError): Promise<void> {
    if (refusal.code !== 'epoch.stale' || refusal.detail.reason !== 'leaving' || this.halted !== null) return;
    const { conversation } = await this.parts.connection.call('conversation.get', { conversationId: this.id });
    const leaving = conversation.members.filter((member) => member.leaving && this.#state.members.includes(member.userId));
    const leftDevices = conversation.leavingDevices.filter((deviceId) => deviceId !== this.parts.me.deviceId);
    await this.update({ left: [...new Set([...this.#state.left, ...leaving.map(({ userId }) => userId)])], leftDevices });
  }

  /** Leaves that go with the next commit: of people who said farewell, of devices that were removed or are idle ([C8], [D5]). */
  leavers(): readonly number[] {
    const { left, leftDevices = [] } = this.#state;
    const people = this.leavesOf(left.filter((user) => user !== this.parts.me.userId));
    if (leftDevices.length === 0) return people;
    const gone = members(this.#group).filter(({ credential }) => leftDevices.includes(deviceOf(credential) ?? this.parts.me.deviceId));
    return [...new Set([...people, ...gone.map(({ leaf }) => leaf)])];
  }

  leavesOf(users: readonly UserId[]): readonly number[] {
    return members(this.#group)
      .filter(({ credential }) => users.includes(userOf(credential) ?? this.parts.me.userId))
      .map(({ leaf }) => leaf);
  }

  /**
   * Commits what the plan says of the group as it then stands; loses races gracefully. The title goes along when people
   * are added, sealed under the new epoch. Only inside `exclusively`. False when the plan found nothing to do.
   */
  async submit(plan: Plan): Promise<boolean> {
    for (let attempt = 0; attempt < commitAttemptsMax; attempt += 1) {
      await this.settle();
      const changes = await plan(this.#group, this.#state);
      if (changes === null) return false;
      const { ownCommit } = await commits();
      const bundle = await ownCommit(this.#group, this.#withLeavers(changes), this.writeContext());
      const id = idFromBytes<MessageId>(this.parts.runtime.random(idBytes));
      const follow = (changes.add?.length ?? 0) > 0 ? await this.#titleUnder(bundle.next) : [];
      const pending = {
        id,
        epoch: epoch(this.#group),
        commit: new Uint8Array(bundle.commit),
        welcome: bundle.welcome === null ? null : new Uint8Array(bundle.welcome),
        groupInfo: new Uint8Array(bundle.groupInfo),
        follow,
        next: new Uint8Array(serialize(bundle.next)),
      };
      await this.update({ pending });
      if (await this.settle()) return true;
    }
    throw new LanyingError('epoch.stale');
  }

  /** Leavers still in the tree go with any commit: nobody may seal to them again ([C8]). */
  #withLeavers(changes: Changes): Changes {
    return { ...changes, remove: [...new Set([...(changes.remove ?? []), ...this.leavers()])] };
  }

  /**
   * Brings a commit that is on its way to its end: handed in again with the same bytes until the server says taken or
   * stale, then the log decides ([E8]). True when the log took it. Only inside `exclusively`.
   */
  async settle(): Promise<boolean> {
    const { pending } = this.#state;
    this.#requireTrust();
    if (pending === null) return false;
    const { next: _next, ...handed } = pending;
    let refusal: LanyingError | null = null;
    try {
      await this.parts.connection.call('conversation.commit', { conversationId: this.id, commit: { ...handed, follow: [...handed.follow] } satisfies NewCommit });
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code === 'network.unreachable') throw cause;
      refusal = cause;
    }
    await this.catchUp();
    // The log may hold it behind what was refused here: then it is not for this device to forget it.
    this.#requireTrust();
    if (this.#state.pending?.id === pending.id) await this.update({ pending: null });
    const taken = (await this.parts.store.get(messageIds, `${this.id}/${pending.id}`)) !== null;
    if (!taken && refusal !== null && refusal.code !== 'epoch.stale') throw refusal;
    return taken;
  }

  #requireTrust(): void {
    if (this.halted !== null) throw new LanyingError('identity.mismatch', { reason: this.halted });
  }

  async #titleUnder(next: GroupState): Promise<NewCommit['follow']> {
    const { title } = this.#state;
    if (title === null) return [];
    const id = idFromBytes<MessageId>(this.parts.runtime.random(idBytes));
    const body = await this.seal(await epochOf(this.id, next), epoch(next), id, 'meta', encodeContent({ type: 'meta', title }));
    return [{ kind: 'meta', message: { id, epoch: epoch(next), body } }];
  }

  /** Seals for an epoch with this device's present knowledge of the log. */
  async seal(secrets: EpochState, inEpoch: number, id: MessageId, kind: 'message' | 'meta' | 'leave', content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const { cursor } = this.#state;
    const sealed = await this.parts.cipher.seal(
      { conversation: this.id, epoch: inEpoch, contentKey: secrets.contentKey },
      { device: this.parts.me.deviceId, id, kind },
      { seenSequence: cursor.sequence, seenHash: cursor.hash },
      content,
      this.parts.store.keys,
    );
    if (!sealed.ok) throw new LanyingError('message.too_long');
    return sealed.body;
  }

  /** Secrets of the epoch that the group is in. */
  async present(): Promise<{ readonly epoch: number; readonly secrets: EpochState }> {
    const now = epoch(this.#group);
    return { epoch: now, secrets: (await this.epochs.local(now)) ?? (await epochOf(this.id, this.#group)) };
  }
}
