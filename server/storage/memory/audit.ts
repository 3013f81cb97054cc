import type { ErasedOther } from '#protocol/retention.ts';
import type { Why } from '../../ports/retention-store.ts';
import { createHash } from 'node:crypto';
import type { AuditEntry } from '#protocol/audit.ts';
import { appendLeaf, type CompactRange, emptyRange, leafHash } from '#protocol/merkle.ts';
import type { Acts, AuditInspection, AuditLeaf, AuditStore } from '../../ports/audit-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { type CipherOf, decodeLeaf, encodeLeaf, entryOf, trimsOf } from '../audit-leaf.ts';
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
  #floor = 0;
  #erased = 0;
  #name: string | null = null;

  readonly #told: (gone: ErasedOther) => void;

  /** `told`: what the next receipt tells of. */
  constructor(writing: () => void, told: (gone: ErasedOther) => void) {
    this.#writing = writing;
    this.#told = told;
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
    const leaf = index < this.#floor ? undefined : this.#leaves[index];
    return leaf === undefined ? null : copy(leaf);
  }

  async readFrom(from: number, limit: number): Promise<readonly AuditEntry[]> {
    const first = Math.max(from, this.#floor);
    return this.#leaves.slice(first, first + limit).map((leaf) => this.#entry(leaf));
  }

  async readBefore(before: number, limit: number): Promise<readonly AuditEntry[]> {
    const end = Math.min(before, this.#leaves.length);
    if (end <= this.#floor) return [];
    return this.#leaves
      .slice(Math.max(this.#floor, end - limit), end)
      .map((leaf) => this.#entry(leaf))
      .toReversed();
  }

  async inspect(start: number, limit: number): Promise<AuditInspection> {
    const from = Math.max(start, this.#floor);
    const leaves = this.#leaves.slice(from, from + limit).map((leaf) => ({
      ...copy(leaf),
      ...trimsOf(decodeLeaf(leaf.index, leaf.bytes)),
      hash: copy(this.#nodes.get(`0 ${leaf.index}`) ?? null),
    }));
    return { leaves, bad: null, end: leaves.length < limit };
  }

  async floor(): Promise<number> {
    return this.#floor;
  }

  async olderThan(before: number, limit: number): Promise<number> {
    const left = this.#leaves.slice(this.#floor, this.#floor + limit).map((leaf) => this.#entry(leaf));
    const young = left.findIndex(({ time }) => time >= before);
    return young === -1 ? left.length : young;
  }

  async trim(floor: number, acts: Acts): Promise<void> {
    if (floor <= this.#floor) return;
    this.add(acts);
    this.#floor = floor;
  }

  async eraseTrimmed(why: Why): Promise<void> {
    this.#writing();
    const gone = this.#leaves.slice(this.#erased, this.#floor);
    this.#erased = this.#floor;
    const left = this.#leaves[this.#floor];
    const month = left === undefined ? '' : new Date(this.#entry(left).time).toISOString().slice(0, 7);
    for (const { personal } of gone.map((leaf) => this.#entry(leaf)))
      for (const { subject } of personal)
        if (subject.startsWith('strangers-') && subject < `strangers-${month}`) this.#shredded.add(subject);
    const declared = gone.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.#told({ ...why, class: 'audit', conversationId: null, count: gone.length, bytes: declared });
  }

  async logName(name: string, keep: boolean): Promise<string> {
    if (keep) this.#name ??= name;
    return this.#name ?? name;
  }

  async signingSeed(): Promise<Uint8Array<ArrayBuffer>> {
    // Nothing that it signs outlives the process.
    return new Uint8Array(digest(new TextEncoder().encode('the model adapter signs for nobody')));
  }

  #entry({ index, bytes }: AuditLeaf): AuditEntry {
    return entryOf(decodeLeaf(index, bytes), this.#cipherOf);
  }
}
