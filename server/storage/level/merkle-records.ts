/** Records of a Merkle tree beside each other: leaves, hashes of full subtrees, size and peaks. For the audit log and the key directory. */
import { createHash } from 'node:crypto';
import { uint64 } from '#protocol/envelope.ts';
import { appendLeaf, type CompactRange, emptyRange, leafHash, peaksOf, sameHash } from '#protocol/merkle.ts';
import type { TreeInspection, TreeLeaf } from '../../ports/tree-log.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import { aloneKey } from './access.ts';
import type { Operation } from './group-writer.ts';
import { type Table, under } from './table.ts';

const indexBytes = 8;

export const sha256 = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
export const leafKey = (index: number): Uint8Array<ArrayBuffer> => uint64(index);
export const nodeKey = (level: number, index: number): Uint8Array<ArrayBuffer> =>
  joinBytes(Uint8Array.of(level), uint64(index));

interface StoredTree {
  readonly size: number;
  readonly peaks: Uint8Array<ArrayBuffer>[];
}

/** `leaves`: by index 8; `nodes`: by level 1 · index 8; `tree`: one record. */
export interface TreeTables {
  readonly leaves: Table<Uint8Array<ArrayBuffer>>;
  readonly nodes: Table<Uint8Array<ArrayBuffer>>;
  readonly tree: Table<StoredTree>;
}

/** The tree on disk, null when none was ever stored; its peaks are checked against its size only. */
export async function storedTree({ leaves, tree }: TreeTables): Promise<CompactRange | null> {
  const state = await tree.get(aloneKey);
  if (state !== null && state.peaks.length !== peaksOf(state.size))
    throw new CorruptionError(leaves.sealed.family, 'the tree does not fit its size');
  return state;
}

/** Nothing is appended to a log whose end is not what the tree says: verification must find it as it is. */
export async function checkedTree(tables: TreeTables): Promise<CompactRange> {
  const { leaves, nodes } = tables;
  const { family } = leaves.sealed;
  const tree = (await storedTree(tables)) ?? emptyRange;
  const [last] = await leaves.list({ ...under(new Uint8Array(0)), reverse: true, limit: 1 });
  if ((last === undefined ? -1 : readUint64(last.key, 0)) !== tree.size - 1)
    throw new CorruptionError(family, 'the log does not end where its tree does');
  if (last === undefined) return tree;
  const hash = await nodes.get(nodeKey(0, tree.size - 1));
  if (hash === null || !sameHash(hash, leafHash(sha256, last.value)))
    throw new CorruptionError(family, 'the last entry is not the one in the tree');
  return tree;
}

/** The tree with more leaves, each made for the index that it gets, and what stores it. */
export function grownTree(
  { leaves, nodes, tree }: TreeTables,
  from: CompactRange,
  made: readonly ((index: number) => Uint8Array<ArrayBuffer>)[],
): { readonly tree: CompactRange; readonly operations: readonly Operation[] } {
  const operations: Operation[] = [];
  let grown = from;
  for (const make of made) {
    const bytes = make(grown.size);
    operations.push(leaves.put(leafKey(grown.size), bytes));
    const appended = appendLeaf(sha256, grown, leafHash(sha256, bytes));
    for (const { level, index, hash } of appended.made) operations.push(nodes.put(nodeKey(level, index), hash));
    grown = appended.range;
  }
  operations.push(tree.put(aloneKey, { size: grown.size, peaks: [...grown.peaks] }));
  return { tree: grown, operations };
}

export async function storedSubtree({ nodes }: TreeTables, level: number, index: number): Promise<Uint8Array> {
  const hash = await nodes.get(nodeKey(level, index));
  if (hash === null) throw new CorruptionError(nodes.sealed.family, 'a subtree is missing');
  return hash;
}

/** Leaves as they stand from `from` on. `whole`: null for a record that does not open, or holds another entry than its place says. */
export async function inspectedLeaves(
  tables: TreeTables,
  from: number,
  limit: number,
  whole: (index: number) => Promise<(TreeLeaf & { readonly trims?: number }) | null>,
): Promise<TreeInspection> {
  // Whatever lies between the last leaf that was looked at and the next one is looked at too.
  const gte = from === 0 ? new Uint8Array(0) : joinBytes(leafKey(from - 1), new Uint8Array(1));
  const keys = await tables.leaves.keys({ gte, lte: under(new Uint8Array(0)).lte, limit });
  const leaves: TreeInspection['leaves'][number][] = [];
  for (const key of keys) {
    const index = from + leaves.length;
    const place = key.length === indexBytes ? readUint64(key, 0) : null;
    if (place !== index) return { leaves, bad: place === null ? 'foreign' : 'missing', end: false };
    const leaf = await whole(index);
    if (leaf === null) return { leaves, bad: 'damaged', end: false };
    leaves.push({ ...leaf, hash: await orNull(() => tables.nodes.get(nodeKey(0, index))) });
  }
  return { leaves, bad: null, end: keys.length < limit };
}

/** Null for damage. */
export async function orNull<T>(read: () => Promise<T | null>): Promise<T | null> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof CorruptionError) return null;
    throw cause;
  }
}
