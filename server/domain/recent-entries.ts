/** What a conversation remembers of its last entries: enough to know a message again and to check a running hash. */
import { type Entry, entryKinds } from '#protocol/envelope.ts';
import { bytesOfId, type MessageId } from '#protocol/ids.ts';
import type { Receipt } from '#protocol/model.ts';
import { sameBytes, sha256 } from './digests.ts';

export interface Known {
  readonly receipt: Receipt;
  readonly epoch: number;
  readonly fingerprint: Uint8Array;
}

/** Of what must be the same for a message to be the same ([L2]). */
export const fingerprintOf = (entry: Pick<Entry, 'kind' | 'epoch' | 'user' | 'device' | 'body'>): Uint8Array =>
  sha256(Uint8Array.of(entryKinds.indexOf(entry.kind)), Buffer.from(`${entry.epoch}`), bytesOfId(entry.user), bytesOfId(entry.device), entry.body);

export const isSame = (known: Known, fingerprint: Uint8Array): boolean => sameBytes(known.fingerprint, fingerprint);

/** Entries kept when nobody lags. */
export const recentEntriesMax = 1_000;

export class RecentEntries {
  readonly #byId = new Map<MessageId, Known>();
  /** Ascending: the entry with sequence floor + 1 + n is at n. */
  #inOrder: Known[] = [];
  #floor: number;
  #floorHash: Uint8Array;

  /** Knows everything behind `floor`, and the running hash there. */
  constructor(floor: number, floorHash: Uint8Array) {
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

  append(entry: Entry): void {
    this.#inOrder.push(this.#learn(entry));
  }

  /** Lowers the floor. `entries` are the ones behind the new floor up to the old one, without a gap. */
  prepend(floorHash: Uint8Array, entries: readonly Entry[]): void {
    this.#inOrder = [...entries.map((entry) => this.#learn(entry)), ...this.#inOrder];
    this.#floor -= entries.length;
    this.#floorHash = floorHash;
  }

  /** Forgets the oldest, once there are far more than needed. */
  trim(): void {
    if (this.#inOrder.length <= 2 * recentEntriesMax) return;
    const forgotten = this.#inOrder.splice(0, this.#inOrder.length - recentEntriesMax);
    for (const { receipt } of forgotten) {
      this.#byId.delete(receipt.id);
      this.#floorHash = receipt.hash;
    }
    this.#floor += forgotten.length;
  }

  #learn(entry: Entry): Known {
    const { id, sequence, sentAt, hash, epoch } = entry;
    const known = { receipt: { id, sequence, sentAt, hash }, epoch, fingerprint: fingerprintOf(entry) };
    this.#byId.set(id, known);
    return known;
  }
}
