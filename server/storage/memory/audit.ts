import type { ErasedOther } from '#protocol/retention.ts';
import type { Why } from '../../ports/retention-store.ts';
import type { AuditEntry } from '#protocol/audit.ts';
import type { CompactRange } from '#protocol/merkle.ts';
import type { Acts, AuditStore } from '../../ports/audit-store.ts';
import type { TreeInspection, TreeLeaf } from '../../ports/tree-log.ts';
import { type CipherOf, decodeLeaf, encodeLeaf, entryOf, trimsOf } from '../audit-leaf.ts';
import { copy } from './shelf.ts';
import { digest, MemoryTree } from './tree.ts';

const open = {
  seal: (_place: Uint8Array, plain: Uint8Array) => new Uint8Array(plain),
  open: (_place: Uint8Array, sealed: Uint8Array) => new Uint8Array(sealed),
};

/** Nothing is sealed here: a subject that was shredded is only not read any more. */
export class MemoryAudit implements AuditStore {
  readonly #writing: () => void;
  readonly #tree = new MemoryTree('audit-nodes');
  readonly #shredded = new Set<string>();
  readonly #cipherOf: CipherOf = (subject) => (this.#shredded.has(subject) ? null : open);
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
    this.#tree.append(acts.map((act) => (index: number) => encodeLeaf(index, act, this.#cipherOf)));
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
    return copy(this.#tree.range);
  }

  async subtree(level: number, index: number): Promise<Uint8Array> {
    return this.#tree.subtree(level, index);
  }

  async leaf(index: number): Promise<TreeLeaf | null> {
    const leaf = index < this.#floor ? undefined : this.#tree.leaves[index];
    return leaf === undefined ? null : copy(leaf);
  }

  async readFrom(from: number, limit: number): Promise<readonly AuditEntry[]> {
    const first = Math.max(from, this.#floor);
    return this.#tree.leaves.slice(first, first + limit).map((leaf) => this.#entry(leaf));
  }

  async readBefore(before: number, limit: number): Promise<readonly AuditEntry[]> {
    const end = Math.min(before, this.#tree.leaves.length);
    if (end <= this.#floor) return [];
    return this.#tree.leaves
      .slice(Math.max(this.#floor, end - limit), end)
      .map((leaf) => this.#entry(leaf))
      .toReversed();
  }

  async inspect(start: number, limit: number): Promise<TreeInspection> {
    const from = Math.max(start, this.#floor);
    const leaves = this.#tree.leaves.slice(from, from + limit).map((leaf) => ({
      ...copy(leaf),
      ...trimsOf(decodeLeaf(leaf.index, leaf.bytes)),
      hash: this.#tree.hashOf(leaf.index),
    }));
    return { leaves, bad: null, end: leaves.length < limit };
  }

  async floor(): Promise<number> {
    return this.#floor;
  }

  async olderThan(before: number, limit: number): Promise<number> {
    const left = this.#tree.leaves.slice(this.#floor, this.#floor + limit).map((leaf) => this.#entry(leaf));
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
    const gone = this.#tree.leaves.slice(this.#erased, this.#floor);
    this.#erased = this.#floor;
    const left = this.#tree.leaves[this.#floor];
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

  #entry({ index, bytes }: TreeLeaf): AuditEntry {
    return entryOf(decodeLeaf(index, bytes), this.#cipherOf);
  }
}
