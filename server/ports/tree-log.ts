/** An append-only log whose leaves make one Merkle tree (#protocol/merkle.ts): what its heads and its verification need. */
import type { CompactRange } from '#protocol/merkle.ts';

/** An entry as the Merkle tree has it. */
export interface TreeLeaf {
  readonly index: number;
  /** What the leaf hash covers. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One look at what is stored, for verification: never throws for damage. */
export interface TreeInspection {
  /** Ascending and without gaps from where the look began (or from the trimmed part's end, see `trims`); `hash` is the stored leaf hash, null when that is missing or damaged. */
  readonly leaves: readonly (TreeLeaf & {
    readonly hash: Uint8Array | null;
    /** The entry says that everything below this index was trimmed. */
    readonly trims?: number;
  })[];
  /** Why the record behind the last of `leaves` is not a whole leaf at its place. */
  readonly bad: 'missing' | 'damaged' | 'foreign' | null;
  /** There is nothing behind. */
  readonly end: boolean;
}

export interface TreeLog {
  /** The tree of all entries that are on disk. */
  tree(): Promise<CompactRange>;
  /** Hash of a full subtree (merkle.ts). CorruptionError when there is none. */
  subtree(level: number, index: number): Promise<Uint8Array>;
  /** At most `limit` leaves from index `from`. */
  inspect(from: number, limit: number): Promise<TreeInspection>;
  /** First index whose leaf is still there; below it only the hashes of the tree are. */
  floor(): Promise<number>;
  /** Name of the log; `name` when it has none yet, which is its name from then on if `keep`. */
  logName(name: string, keep: boolean): Promise<string>;
  /** Seed of the key that signs tree heads, 32 bytes; made once. */
  signingSeed(): Promise<Uint8Array<ArrayBuffer>>;
}
