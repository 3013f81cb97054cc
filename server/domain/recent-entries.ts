/** What a conversation remembers of its last entries: enough to know a message again and to check a running hash. */
import { chainInput, type Entry } from '#protocol/envelope.ts';
import type { ConversationId, MessageId } from '#protocol/ids.ts';
import { seenLagMax } from '#protocol/limits.ts';
import type { Receipt } from '#protocol/model.ts';
import { sameBytes, sha256 } from './digests.ts';

export interface Known {
  readonly receipt: Receipt;
}

/** Entries kept when nobody lags. */
export const recentEntriesMax = 1_000;

export class RecentEntries {
  readonly #conversationId: ConversationId;
  readonly #byId = new Map<MessageId, Known>();
  /** Ascending: the entry with sequence floor + 1 + n is at n. */
  #inOrder: Known[] = [];
  #floor: number;
  #floorHash: Uint8Array;
  #lowestSeen = Infinity;
  /** Entries at which the next trim is worth its while. */
  #trimAt = 2 * recentEntriesMax;

  /** Knows everything behind `floor`, and the running hash there. */
  constructor(conversationId: ConversationId, floor: number, floorHash: Uint8Array) {
    this.#conversationId = conversationId;
    this.#floor = floor;
    this.#floorHash = floorHash;
  }

  get floor(): number {
    return this.#floor;
  }

  find(id: MessageId): Known | undefined {
    return this.#byId.get(id);
  }

  at(sequence: number): Known | undefined {
    return this.#inOrder[sequence - this.#floor - 1];
  }

  /** Running hash behind an entry; undefined outside of what is known. */
  hashAt(sequence: number): Uint8Array | undefined {
    return sequence === this.#floor ? this.#floorHash : this.at(sequence)?.receipt.hash;
  }

  /** Whether what is known is this very entry ([L2]): it is if it leads to the same running hash from the same place. */
  isSame({ receipt }: Known, entry: Omit<Entry, 'sequence' | 'sentAt' | 'hash'>): boolean {
    const { sequence, sentAt } = receipt;
    const before = this.hashAt(sequence - 1);
    if (before === undefined) throw new Error('an entry is known, but not the hash before it');
    return sameBytes(
      receipt.hash,
      sha256(chainInput(before, this.#conversationId, { ...entry, sequence, sentAt }, sha256(entry.body))),
    );
  }

  append(entry: Entry): void {
    this.#inOrder.push(this.#learn(entry));
  }

  /** Lowers the floor. `entries` are the ones behind the new floor up to the old one, without a gap. */
  prepend(floorHash: Uint8Array, entries: readonly Entry[]): void {
    this.#inOrder = [...entries.map((entry) => this.#learn(entry)), ...this.#inOrder];
    this.#floor -= entries.length;
    this.#floorHash = floorHash;
  }

  /** Somebody who has seen no more than this still sends: what is behind it is needed again soon. */
  stillAt(seenSequence: number): void {
    this.#lowestSeen = Math.min(this.#lowestSeen, seenSequence);
  }

  /** Forgets the oldest, once there are far more than needed; never what the slowest of the last senders needs. */
  trim(): void {
    if (this.#inOrder.length < this.#trimAt) return;
    const head = this.#floor + this.#inOrder.length;
    const needed = Math.max(Math.min(head - recentEntriesMax, this.#lowestSeen), head - seenLagMax);
    const forgotten = this.#inOrder.splice(0, Math.max(0, needed - this.#floor));
    this.#lowestSeen = Infinity;
    this.#trimAt = this.#inOrder.length + recentEntriesMax;
    for (const { receipt } of forgotten) {
      this.#byId.delete(receipt.id);
      this.#floorHash = receipt.hash;
    }
    this.#floor += forgotten.length;
  }

  #learn(entry: Entry): Known {
    const { id, sequence, sentAt, hash } = entry;
    const known = { receipt: { id, sequence, sentAt, hash } };
    this.#byId.set(id, known);
    return known;
  }
}
