/** Walks a whole log (audit, key directory) and says where it stops being what it was ([U6], [X4]). Needs nothing but the store and, to notice what a thief of the master key did, heads from elsewhere. */
import { type Checkpoint, keyIdOf, signedBytesOf } from '#protocol/checkpoint.ts';
import { appendLeaf, type CompactRange, emptyRange, leafHash, rootOf, sameHash } from '#protocol/merkle.ts';
import type { TreeInspection, TreeLog } from '../../ports/tree-log.ts';
import { CorruptionError } from '../../ports/store.ts';
import { sha256, verifyEd25519 } from '../digests.ts';

export type Fault =
  /** The record is not there, although later ones are or the tree says that it was. */
  | 'missing'
  /** The record does not open, or holds an entry of another place. */
  | 'damaged'
  /** A record that this log never wrote stands before it. */
  | 'foreign'
  /** It opens, but is not the entry that was hashed. */
  | 'altered'
  /** Its hashes in the tree are missing, damaged or not those of the entries. */
  | 'tree'
  /** It stands behind the end that the tree knows. */
  | 'beyond'
  /** A given head is of other entries: the first bad one is one of `index` … `until` - 1. */
  | 'head'
  /** The log ends before a given head does. */
  | 'cut'
  /** A given head is not signed by this log's key. */
  | 'signature'
  /** Somebody who is stored is not in the key directory, or not at the place kept for them. */
  | 'unlisted';

export interface Finding {
  /** The first bad index. */
  readonly index: number;
  /** Exclusive; index + 1 where the first bad entry is known exactly. */
  readonly until: number;
  readonly fault: Fault;
}

export interface Verdict {
  /** Entries that were read and are whole, from index 0 on. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Null: all is well. */
  readonly first: Finding | null;
}

type Walked = Pick<TreeLog, 'tree' | 'subtree' | 'inspect' | 'floor'>;

const stepLeaves = 256;

const found = (index: number, fault: Fault, until = index + 1): Finding => ({ index, until, fault });
const earliest = (findings: readonly Finding[]): Finding | null =>
  findings.toSorted((one, other) => one.index - other.index || one.until - other.until)[0] ?? null;

class Walk {
  readonly #store: Walked;
  readonly #heads: readonly Checkpoint[];
  range: CompactRange = emptyRange;
  /** Up to here a given head vouched for the entries. */
  #vouched = 0;
  #next = 0;
  /** What the last entry about it says was trimmed. */
  #trims = 0;
  #floor = 0;

  constructor(store: Walked, heads: readonly Checkpoint[]) {
    this.#store = store;
    this.#heads = heads.toSorted((one, other) => one.size - other.size);
  }

  async run(): Promise<Finding | null> {
    const trimmed = await this.#trimmed();
    if (trimmed !== null) return trimmed;
    for (;;) {
      const atHead = this.#atHeads();
      if (atHead !== null) return atHead;
      const { leaves, bad, end } = await this.#store.inspect(this.range.size, stepLeaves);
      for (const leaf of leaves) {
        const finding = (await this.#take(leaf)) ?? this.#atHeads();
        if (finding !== null) return finding;
      }
      if (bad !== null) return found(this.range.size, bad);
      if (end) return null;
    }
  }

  /** [U11] Of trimmed entries the hashes are there, and they have to make the tree that the heads are of. */
  async #trimmed(): Promise<Finding | null> {
    this.#floor = await this.#store.floor();
    while (this.range.size < this.#floor) {
      const atHead = this.#atHeads();
      if (atHead !== null) return atHead;
      const index = this.range.size;
      const leaf = await this.#hashAt(index);
      if (leaf === null || !(await this.#grow(leaf))) return found(index, 'tree');
    }
    return null;
  }

  async #hashAt(index: number): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      return new Uint8Array(await this.#store.subtree(0, index));
    } catch (cause) {
      if (cause instanceof CorruptionError) return null;
      throw cause;
    }
  }

  /** What only the end tells. */
  async atEnd(): Promise<Finding | null> {
    const { size } = this.range;
    try {
      const tree = await this.#store.tree();
      if (tree.size > size) return found(size, 'missing', tree.size);
      if (tree.size < size) return found(tree.size, 'beyond', size);
      if (!sameHash(rootOf(sha256, tree), rootOf(sha256, this.range))) return found(size, 'tree');
    } catch (cause) {
      if (!(cause instanceof CorruptionError)) throw cause;
      return found(size, 'tree');
    }
    // Whoever takes entries away and not with an entry that says so took them for themself.
    if (this.#trims < this.#floor) return found(this.#trims, 'missing', this.#floor);
    const longest = this.#heads.at(-1);
    return longest !== undefined && longest.size > size ? found(size, 'cut', longest.size) : null;
  }

  async #take({ index, bytes, hash, trims }: TreeInspection['leaves'][number]): Promise<Finding | null> {
    const leaf = leafHash(sha256, bytes);
    if (hash === null) return found(index, 'tree');
    if (!sameHash(hash, leaf)) return found(index, 'altered');
    this.#trims = trims ?? this.#trims;
    return (await this.#grow(leaf)) ? null : found(index, 'tree');
  }

  /** False when a hash that the leaf completes is not the stored one. */
  async #grow(leaf: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { range, made } = appendLeaf(sha256, this.range, leaf);
    for (const subtree of made.slice(1))
      if (!(await this.#isStored(subtree.level, subtree.index, subtree.hash))) return false;
    this.range = range;
    return true;
  }

  async #isStored(level: number, index: number, hash: Uint8Array): Promise<boolean> {
    try {
      return sameHash(await this.#store.subtree(level, index), hash);
    } catch (cause) {
      if (cause instanceof CorruptionError) return false;
      throw cause;
    }
  }

  #atHeads(): Finding | null {
    for (
      let head = this.#heads[this.#next];
      head !== undefined && head.size <= this.range.size;
      head = this.#heads[this.#next]
    ) {
      this.#next += 1;
      if (!sameHash(head.root, rootOf(sha256, this.range)))
        return found(Math.min(this.#vouched, Math.max(0, head.size - 1)), 'head', Math.max(1, head.size));
      this.#vouched = head.size;
    }
    return null;
  }
}

/** `heads`: signed tree heads that were kept elsewhere; `publicKey`: Ed25519, 32 bytes, with which they must be signed. */
export async function verifyLog(store: Walked, heads: readonly Checkpoint[], publicKey: Uint8Array): Promise<Verdict> {
  const forged = heads.find((head) => !isSigned(head, publicKey));
  const walk = new Walk(
    store,
    heads.filter((head) => head !== forged),
  );
  const inside = await walk.run();
  const findings = [inside, inside === null || inside.fault !== 'head' ? await walk.atEnd() : null].filter(
    (finding) => finding !== null,
  );
  const first = earliest(findings) ?? (forged === undefined ? null : found(forged.size, 'signature'));
  return { size: walk.range.size, root: rootOf(sha256, walk.range), first };
}

function isSigned(head: Checkpoint, publicKey: Uint8Array): boolean {
  return (
    sameHash(head.keyId, keyIdOf(sha256, head.origin, publicKey)) &&
    verifyEd25519(publicKey, signedBytesOf(head), head.signature)
  );
}
