/** The leaves of the key directory on this device: every one of them, in pages, so that whatever is used is looked up here and any earlier root can be worked out. */
import { sha256 } from '@noble/hashes/sha2.js';
import { directoryLeafBytes } from '#protocol/directory.ts';
import { appendLeaf, type CompactRange, emptyRange, leafHash, rootOf } from '#protocol/merkle.ts';
import type { StoreWrite } from '../ports.ts';
import { after, keyTreeLeaves, padded } from '../store/records.ts';
import type { SealedStore } from '../store/sealed-store.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const pageLeaves = 512;
const pagesMax = 100_000;

const nameOf = (leaf: Uint8Array): string => String.fromCharCode(...leaf);

export class TreeLeaves {
  readonly #leaves: Bytes[] = [];
  readonly #known = new Set<string>();
  #range: CompactRange = emptyRange;

  static of(bytes: readonly Bytes[]): TreeLeaves {
    const made = new TreeLeaves();
    for (const page of bytes) made.append(page);
    return made;
  }

  static async load(store: SealedStore): Promise<TreeLeaves> {
    const pages = await store.range(keyTreeLeaves, '', after(''), pagesMax);
    return TreeLeaves.of(pages.map(({ value }) => value.leaves));
  }

  get size(): number {
    return this.#leaves.length;
  }
  get root(): Bytes {
    return rootOf(sha256, this.#range);
  }

  has(leaf: Uint8Array): boolean {
    return this.#known.has(nameOf(leaf));
  }

  from(index: number): readonly Bytes[] {
    return this.#leaves.slice(index);
  }

  /** Whole leaves, one after the other; what is left over at the end is not taken. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at + directoryLeafBytes <= bytes.length; at += directoryLeafBytes) {
      const leaf = new Uint8Array(bytes.subarray(at, at + directoryLeafBytes));
      this.#leaves.push(leaf);
      this.#known.add(nameOf(leaf));
      this.#range = appendLeaf(sha256, this.#range, leafHash(sha256, leaf)).range;
    }
  }

  /** As it would be with these behind it. */
  with(bytes: Uint8Array): TreeLeaves {
    const copy = new TreeLeaves();
    copy.#leaves.push(...this.#leaves);
    for (const name of this.#known) copy.#known.add(name);
    copy.#range = this.#range;
    copy.append(bytes);
    return copy;
  }

  /** Root of the first `size` leaves; null when there are fewer. */
  rootAt(size: number): Bytes | null {
    if (size > this.size) return null;
    if (size === this.size) return this.root;
    let range = emptyRange;
    for (const leaf of this.#leaves.slice(0, size)) range = appendLeaf(sha256, range, leafHash(sha256, leaf)).range;
    return rootOf(sha256, range);
  }

  /** Stores the pages that changed since there were `before` leaves. */
  async writes(store: SealedStore, before: number): Promise<readonly StoreWrite[]> {
    const made: StoreWrite[] = [];
    for (let page = Math.floor(before / pageLeaves); page * pageLeaves < this.size; page += 1) {
      const part = this.#leaves.slice(page * pageLeaves, (page + 1) * pageLeaves);
      const leaves = new Uint8Array(part.length * directoryLeafBytes);
      part.forEach((leaf, at) => leaves.set(leaf, at * directoryLeafBytes));
      made.push(await store.put(keyTreeLeaves, padded(page), { leaves }));
    }
    return made;
  }
}
