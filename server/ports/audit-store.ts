/**
 * The append-only log of administrative and security acts. A store method that changes what such an act changes takes
 * the acts along and stores both in one synced batch ([U1]); when it changes nothing (a refusal, a repetition) it
 * records nothing. The same promises as in store.ts hold.
 */
import type { Pause, Why } from './retention-store.ts';
import type { Actor, ActName, AuditEntry, AuditObject, Facts, PersonalFields } from '#protocol/audit.ts';
import type { CompactRange } from '#protocol/merkle.ts';

export interface Act {
  readonly act: ActName;
  readonly time: number;
  readonly actor: Actor;
  readonly object: AuditObject | null;
  readonly reason: string | null;
  readonly before: Facts | null;
  readonly after: Facts | null;
  readonly requestId: string;
  /** Sealed under the key of its subject (a user id, or `strangers-YYYY-MM`); left out for subjects that were shredded. */
  readonly personal: readonly { readonly subject: string; readonly fields: PersonalFields }[];
}

/** At least one: an administrative change without an act does not compile. */
export type Acts = readonly [Act, ...Act[]];

/** An entry as the Merkle tree has it. */
export interface AuditLeaf {
  readonly index: number;
  /** What the leaf hash covers: personal fields are in it in their sealed form. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One look at what is stored, for verification: never throws for damage. */
export interface AuditInspection {
  /** Ascending and without gaps from where the look began (or from the trimmed part's end, see `trimmed`); `hash` is the stored leaf hash, null when that is missing or damaged. */
  readonly leaves: readonly (AuditLeaf & {
    readonly hash: Uint8Array | null;
    /** The entry says that everything below this index was trimmed. */
    readonly trims?: number;
  })[];
  /** Why the record behind the last of `leaves` is not a whole leaf at its place. */
  readonly bad: 'missing' | 'damaged' | 'foreign' | null;
  /** There is nothing behind. */
  readonly end: boolean;
}

export interface AuditStore {
  /** Acts that change nothing else. */
  append(acts: Acts): Promise<void>;
  /** The tree of all entries that are on disk. */
  tree(): Promise<CompactRange>;
  /** Hash of a full subtree (merkle.ts). CorruptionError when there is none. */
  subtree(level: number, index: number): Promise<Uint8Array>;
  leaf(index: number): Promise<AuditLeaf | null>;
  /** At most `limit` entries in ascending order from index `from`. */
  readFrom(from: number, limit: number): Promise<readonly AuditEntry[]>;
  /** The last `limit` entries below index `before`, descending. */
  readBefore(before: number, limit: number): Promise<readonly AuditEntry[]>;
  /** At most `limit` leaves from index `from`. */
  inspect(from: number, limit: number): Promise<AuditInspection>;
  /** Shreds the key of a subject for good, together with the entry that says so. Its personal fields read as erased from then on. */
  shred(subject: string, acts: Acts): Promise<void>;
  /** First index whose leaf is still there; below it only the hashes of the tree are ([U11]). */
  floor(): Promise<number>;
  /** How many of the oldest leaves that are there have a time before `before`, at most `limit`. */
  olderThan(before: number, limit: number): Promise<number>;
  /**
   * Raises the floor, and stores the acts, of which one must say so (`audit.trimmed`, `after.floor`), in one batch: from
   * then on nothing below is read. Nothing when it is not above the floor that is.
   */
  trim(floor: number, acts: Acts): Promise<void>;
  /** Deletes in small synced batches what lies below the floor, and shreds the keys of strangers' months that end before it. The next receipt tells of it. */
  eraseTrimmed(why: Why, pause: Pause): Promise<void>;
  /** Name of the log; `name` when it has none yet, which is its name from then on if `keep` ([U12]). */
  logName(name: string, keep: boolean): Promise<string>;
  /** Seed of the key that signs tree heads, 32 bytes; made once. */
  signingSeed(): Promise<Uint8Array<ArrayBuffer>>;
}

/** A place outside of this process that keeps signed tree heads. */
export interface HeadSink {
  /** A fixed word, for the log. */
  readonly name: string;
  /** Resolves when it was taken. Giving the same one twice is harmless. */
  deliver(checkpoint: string): Promise<void>;
}
