/**
 * The append-only log of administrative and security acts. A store method that changes what such an act changes takes
 * the acts along and stores both in one synced batch ([U1]); when it changes nothing (a refusal, a repetition) it
 * records nothing. The same promises as in store.ts hold.
 */
import type { Pause, Why } from './retention-store.ts';
import type { Actor, ActName, AuditEntry, AuditObject, Facts, PersonalFields } from '#protocol/audit.ts';
import type { TreeLeaf, TreeLog } from './tree-log.ts';

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

export interface AuditStore extends TreeLog {
  /** Acts that change nothing else. */
  append(acts: Acts): Promise<void>;
  /** As the tree has it: personal fields are in it in their sealed form. */
  leaf(index: number): Promise<TreeLeaf | null>;
  /** At most `limit` entries in ascending order from index `from`. */
  readFrom(from: number, limit: number): Promise<readonly AuditEntry[]>;
  /** The last `limit` entries below index `before`, descending. */
  readBefore(before: number, limit: number): Promise<readonly AuditEntry[]>;
  /** Shreds the key of a subject for good, together with the entry that says so. Its personal fields read as erased from then on. */
  shred(subject: string, acts: Acts): Promise<void>;
  /** How many of the oldest leaves that are there have a time before `before`, at most `limit`. */
  olderThan(before: number, limit: number): Promise<number>;
  /**
   * Raises the floor, and stores the acts, of which one must say so (`audit.trimmed`, `after.floor`), in one batch: from
   * then on nothing below is read. Nothing when it is not above the floor that is.
   */
  trim(floor: number, acts: Acts): Promise<void>;
  /** Deletes in small synced batches what lies below the floor, and shreds the keys of strangers' months that end before it. The next receipt tells of it. */
  eraseTrimmed(why: Why, pause: Pause): Promise<void>;
}

/** A place outside of this process that keeps signed tree heads. */
export interface HeadSink {
  /** A fixed word, for the log. */
  readonly name: string;
  /** Resolves when it was taken. Giving the same one twice is harmless. */
  deliver(checkpoint: string): Promise<void>;
}
