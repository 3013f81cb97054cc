/**
 * One conversation in memory. Two views of it: the accepted one, which decides (whatever was handed to the store, on
 * disk or not), and the published one, which is shown (everything on disk and told to the bus, in order).
 */
import { chainInput, chainStart, type Entry } from '#protocol/envelope.ts';
import type { ConversationId } from '#protocol/ids.ts';
import type { EventBus, Happening } from '../ports/event-bus.ts';
import type { Floor } from '#protocol/floor.ts';
import type { LogFloor } from '../ports/retention-store.ts';
import type { ConversationRecord, ConversationStore, Roster, RosterChange } from '../ports/store.ts';
import { sha256 } from './digests.ts';
import { RecentEntries } from './recent-entries.ts';

export type NewEntry = Omit<Entry, 'sequence' | 'sentAt' | 'hash'>;
type Head = Pick<ConversationRecord, 'generation' | 'headSequence' | 'headHash' | 'headSentAt'>;

/** Entries read at once to lower the floor of what is remembered. */
const backfillEntries = 200;
const backfillBytes = 1024 * 1024;

/** Gives an entry its place ([L1], [L6]): sent times never decrease, whatever the clock does. */
export function chained(conversationId: ConversationId, head: Head, entry: NewEntry, now: number): Entry {
  const placed = { ...entry, sequence: head.headSequence + 1, sentAt: Math.max(now, head.headSentAt) };
  const hash = sha256(chainInput(head.headHash, conversationId, placed, sha256(entry.body)));
  return { ...placed, hash };
}

export function advanced(record: ConversationRecord, entry: Entry): ConversationRecord {
  return {
    ...record,
    headSequence: entry.sequence,
    headHash: entry.hash,
    headSentAt: entry.sentAt,
    metaSequence: entry.kind === 'meta' ? entry.sequence : record.metaSequence,
  };
}

const floored = (record: ConversationRecord, floor: LogFloor | null): ConversationRecord => ({
  ...record,
  metaSequence: record.metaSequence > (floor?.sequence ?? 0) ? record.metaSequence : 0,
  floor,
});

export interface ConversationParts {
  readonly store: ConversationStore;
  readonly bus: EventBus;
  /** The store refused or failed: this copy may be ahead of it and must be forgotten. */
  readonly onFailure: () => void;
}

export class Conversation {
  readonly #parts: ConversationParts;
  #accepted: ConversationRecord;
  #published: ConversationRecord;
  #durable: Promise<unknown> = Promise.resolve();
  #lowering: Promise<void> | null = null;
  #floor: Floor | null;
  readonly recent: RecentEntries;

  /** `floor`: that of the record, signed. */
  constructor(parts: ConversationParts, record: ConversationRecord, floor: Floor | null) {
    this.#parts = parts;
    this.#floor = floor;
    this.#accepted = record;
    this.#published = record;
    this.recent = new RecentEntries(record.conversationId, record.headSequence, record.headHash);
  }

  get id(): ConversationId {
    return this.#accepted.conversationId;
  }
  get accepted(): ConversationRecord {
    return this.#accepted;
  }
  get published(): ConversationRecord {
    return this.#published;
  }

  /** Everything up to here was purged; null: nothing was. */
  get floor(): Floor | null {
    return this.#floor;
  }

  /** From now on nothing at or below it is read ([R1]); what is above goes on. */
  raiseFloor(floor: LogFloor, signed: Floor): void {
    this.#accepted = floored(this.#accepted, floor);
    this.#published = floored(this.#published, floor);
    this.#floor = signed;
  }

  /** Resolves when everything accepted so far is on disk and published; rejects with StoreFailure. */
  settled(): Promise<unknown> {
    return this.#durable;
  }

  /** The entries that would come next; nothing changes. */
  chain(entries: readonly NewEntry[], now: number): readonly Entry[] {
    let record = this.#accepted;
    return entries.map((entry) => {
      const placed = chained(this.id, record, entry, now);
      record = advanced(record, placed);
      return placed;
    });
  }

  /**
   * Accepts entries made by `chain` in the same step, with the roster behind them. Resolves when they are on disk and
   * published in order ([L5], [L10]); `happenings` go out before the entries, so that whom a commit cuts off hears
   * nothing of it ([C7]).
   */
  accept(entries: readonly Entry[], change: RosterChange | null, happenings: readonly Happening[]): Promise<unknown> {
    const { store, bus, onFailure } = this.#parts;
    const expected = this.#accepted.headSequence;
    let record: ConversationRecord = change === null ? this.#accepted : { ...this.#accepted, roster: change.roster };
    for (const entry of entries) {
      record = advanced(record, entry);
      this.recent.append(entry);
    }
    this.recent.trim();
    this.#accepted = record;
    const publish = (): void => {
      this.#published = floored(record, this.#accepted.floor);
      for (const happening of happenings) bus.publish(happening);
      bus.publish({ kind: 'appended', conversationId: this.id, generation: record.generation, entries });
    };
    const stored = store.append(this.id, expected, entries, change);
    this.#durable = Promise.all([this.#durable, stored]).then(publish, (cause: unknown) => {
      onFailure();
      throw cause;
    });
    return this.#durable;
  }

  get roster(): Roster {
    return this.#accepted.roster;
  }

  /** Running hash at a sequence of the published log; null ahead of it. */
  async hashAt(sequence: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const known = this.recent.hashAt(sequence);
    if (known !== undefined) return new Uint8Array(known);
    if (sequence === this.#floor?.sequence) return this.#floor.hash;
    if (sequence === 0) return sha256(chainStart(this.id, this.#accepted.generation));
    const [entry] = await this.#parts.store.readAfter(this.id, sequence - 1, 1, 1);
    return entry?.sequence === sequence ? entry.hash : null;
  }

  /** Reads the log back until everything behind `sequence`, or behind the purged part, is remembered. Several callers share one read. */
  async remember(sequence: number): Promise<void> {
    while (this.recent.floor > Math.max(sequence, this.#floor?.sequence ?? 0)) {
      this.#lowering ??= this.#lower().finally(() => {
        this.#lowering = null;
      });
      await this.#lowering;
    }
  }

  async #lower(): Promise<void> {
    const { floor } = this.recent;
    const entries = await this.#parts.store.readBefore(this.id, floor + 1, backfillEntries, backfillBytes);
    const [first] = entries;
    if (first === undefined) {
      // Purged while it was read.
      if ((this.#floor?.sequence ?? 0) >= floor) return;
      throw new Error('the log has a gap');
    }
    const hash = await this.hashAt(first.sequence - 1);
    if (hash === null) {
      if ((this.#floor?.sequence ?? 0) >= first.sequence) return;
      throw new Error('the log has a gap');
    }
    // A trim meanwhile moved the floor: what was read does not join on any more.
    if (this.recent.floor === floor) this.recent.prepend(hash, entries);
  }
}
