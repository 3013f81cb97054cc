import { leafHash } from '#protocol/merkle.ts';
import type { DirectoryStore } from '../../ports/directory-store.ts';
import type { TreeInspection } from '../../ports/tree-log.ts';
import { sameBytes } from '../bytes.ts';
import { copy } from './shelf.ts';
import { digest, MemoryTree } from './tree.ts';

export class MemoryDirectory implements DirectoryStore {
  readonly #tree = new MemoryTree('directory-nodes');
  #name: string | null = null;

  /** In the same step as the change that they record. */
  add(leaves: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#tree.append(leaves.map((leaf) => () => leaf));
  }

  /** Nothing here was made before. */
  async begin(): Promise<number> {
    return 0;
  }

  async tree() {
    return copy(this.#tree.range);
  }

  async subtree(level: number, index: number): Promise<Uint8Array> {
    return this.#tree.subtree(level, index);
  }

  async floor(): Promise<number> {
    return 0;
  }

  async leaves(from: number, limit: number): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    return this.#tree.leaves.slice(from, from + limit).map(({ bytes }) => copy(bytes));
  }

  async places(hashes: readonly Uint8Array[]): Promise<readonly (number | null)[]> {
    return hashes.map(
      (hash) => this.#tree.leaves.findLast(({ bytes }) => sameBytes(leafHash(digest, bytes), hash))?.index ?? null,
    );
  }

  async inspect(from: number, limit: number): Promise<TreeInspection> {
    const leaves = this.#tree.leaves
      .slice(from, from + limit)
      .map((leaf) => ({ ...copy(leaf), hash: this.#tree.hashOf(leaf.index) }));
    return { leaves, bad: null, end: leaves.length < limit };
  }

  async logName(name: string, keep: boolean): Promise<string> {
    if (keep) this.#name ??= name;
    return this.#name ?? name;
  }

  async signingSeed(): Promise<Uint8Array<ArrayBuffer>> {
    // Nothing that it signs outlives the process.
    return new Uint8Array(
      digest(new TextEncoder().encode('the model adapter signs for nobody, in the directory either')),
    );
  }
}
