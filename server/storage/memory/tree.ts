/** Leaves and hashes of one Merkle tree, by arrays and maps. */
import { createHash } from 'node:crypto';
import { appendLeaf, type CompactRange, emptyRange, leafHash } from '#protocol/merkle.ts';
import type { TreeLeaf } from '../../ports/tree-log.ts';
import { CorruptionError } from '../../ports/store.ts';
import { copy } from './shelf.ts';

export const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();

export class MemoryTree {
  readonly #family: string;
  readonly #nodes = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly leaves: TreeLeaf[] = [];
  range: CompactRange = emptyRange;

  constructor(family: string) {
    this.#family = family;
  }

  /** All of them or, when `make` throws, none. */
  append(made: readonly ((index: number) => Uint8Array<ArrayBuffer>)[]): void {
    let { range } = this;
    const grown = made.map((make) => {
      const leaf = { index: range.size, bytes: make(range.size) };
      const appended = appendLeaf(digest, range, leafHash(digest, leaf.bytes));
      range = appended.range;
      return { leaf, made: appended.made };
    });
    for (const { leaf, made: subtrees } of grown) {
      this.leaves.push(leaf);
      for (const { level, index, hash } of subtrees) this.#nodes.set(`${level} ${index}`, hash);
    }
    this.range = range;
  }

  subtree(level: number, index: number): Uint8Array {
    const hash = this.#nodes.get(`${level} ${index}`);
    if (hash === undefined) throw new CorruptionError(this.#family, 'a subtree is missing');
    return copy(hash);
  }

  hashOf(index: number): Uint8Array | null {
    return copy(this.#nodes.get(`0 ${index}`) ?? null);
  }
}
