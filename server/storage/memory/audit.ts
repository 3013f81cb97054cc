import { createHash } from 'node:crypto';
import type { AuditEntry } from '#protocol/audit.ts';
import { appendLeaf, type CompactRange, emptyRange, leafHash } from '#protocol/merkle.ts';
import type { Acts, AuditInspection, AuditLeaf, AuditStore } from '../../ports/audit-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { type CipherOf, decodeLeaf, encodeLeaf, entryOf } from '../audit-leaf.ts';
import { copy } from './shelf.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
const open = {
  seal: (_place: Uint8Array, plain: Uint8Array) => new Uint8Array(plain),
  open: (_place: Uint8Array, sealed: Uint8Array) => new Uint8Array(sealed),
};

/** Nothing is sealed here: a subject that was shredded is only not read any more. */
export class MemoryAudit implements AuditStore {
  readonly #writing: () => void;
  readonly #leaves: AuditLeaf[] = [];
  readonly #nodes = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #shredded = new Set<string>();
  readonly #cipherOf: CipherOf = (subject) => (this.#shredded.has(subject) ? null : open);
  #tree: CompactRange = emptyRange;

  constructor(writing: () => void) {
    this.#writing = writing;
  }

  /** In the same step as the change that the acts tell of; all of them or, when it throws, none. */
  add(acts: Acts): void {
    this.#writing();
    let tree = this.#tree;
    const grown = acts.map((act) => {
      const bytes = encodeLeaf(tree.size, act, this.#cipherOf);
      const leaf = { index: tree.size, bytes };
      const { range, made } = appendLeaf(digest, tree, leafHash(digest, bytes));
      tree = range;
      return { leaf, made };
    });
    for (const { leaf, made } of grown) {
      this.#leaves.push(leaf);
      for (const { level, index, hash } of made) this.#nodes.set(`${level} ${index}`, hash);
    }
    this.#tree = tree;
  }

  async append(acts: Acts): Promise<void> {
    this.add(acts);
  }

  async shred(subject: string, acts: Acts): Promise<void> {
    this.#writing();
    const before = this.#shredded.has(subject);
    this.#shredded.add(subject);
    try {
      this.add(acts);
    } catch (cause) {
      if (!before) this.#shredded.delete(subject);
      throw cause;
    }
  }

  async tree(): Promise<CompactRange> {
    return copy(this.#tree);
  }

  async subtree(level: number, index: number): Promise<Uint8Array> {
    const hash = this.#nodes.get(`${level} ${index}`);
    if (hash === undefined) throw new CorruptionError('audit-nodes', 'a subtree is missing');
    return copy(hash);
  }

  async leaf(index: number): Promise<AuditLeaf | null> {
    const leaf = this.#leaves[index];
    return leaf === undefined ? null : copy(leaf);
  }

  async readFrom(from: number, limit: number): Promise<readonly AuditEntry[]> {
    return this.#leaves.slice(from, from + limit).map((leaf) => this.#entry(leaf));
  }

  async readBefore(before: number, limit: number): Promise<readonly AuditEntry[]> {
    const end = Math.min(before, this.#leaves.length);
    if (end <= 0) return [];
    return this.#leaves
      .slice(Math.max(0, end - limit), end)
      .map((leaf) => this.#entry(leaf))
      .toReversed();
  }

  async inspect(from: number, limit: number): Promise<AuditInspection> {
    const leaves = this.#leaves
      .slice(from, from + limit)
      .map((leaf) => ({ ...copy(leaf), hash: copy(this.#nodes.get(`0 ${leaf.index}`) ?? null) }));
    return { leaves, bad: null, end: leaves.length < limit };
  }

  async signingSeed(): Promise<Uint8Array<ArrayBuffer>> {
    // Nothing that it signs outlives the process.
    return new Uint8Array(digest(new TextEncoder().encode('the model adapter signs for nobody')));
  }

  #entry({ index, bytes }: AuditLeaf): AuditEntry {
    return entryOf(decodeLeaf(index, bytes), this.#cipherOf);
  }
}
