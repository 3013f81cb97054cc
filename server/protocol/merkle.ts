/**
 * Merkle trees by RFC 9162 §2.1 (the hashing of RFC 6962): leaf SHA-256(0x00 · leaf), node SHA-256(0x01 · left · right).
 * Sizes and indices are whole numbers of 0 … 2^53 - 1; every hash has 32 bytes. Both sides bring their own SHA-256.
 */
export type Digest = (input: Uint8Array) => Uint8Array;

/** The full subtree of 2^level leaves that begins at leaf index · 2^level. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** All that appending and the root need: the full subtrees that the tree consists of, largest first, one for each bit of the size. */
export interface CompactRange {
  readonly size: number;
  readonly peaks: readonly Uint8Array<ArrayBuffer>[];
}

/** Hash of a full subtree that was made. */
export type SubtreeReader = (level: number, index: number) => Promise<Uint8Array>;

export const hashBytes = 32;
export const emptyRange: CompactRange = { size: 0, peaks: [] };

const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);

function prefixed(digest: Digest, prefix: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const input = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  input[0] = prefix;
  let at = 1;
  for (const part of parts) {
    input.set(part, at);
    at += part.length;
  }
  return new Uint8Array(digest(input));
}

export const leafHash = (digest: Digest, leaf: Uint8Array): Uint8Array<ArrayBuffer> => prefixed(digest, 0, leaf);
export const nodeHash = (digest: Digest, left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> =>
  prefixed(digest, 1, left, right);

export const sameHash = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/** The tree with one leaf more, and the full subtrees that this made, leaf first: O(log n). */
export function appendLeaf(
  digest: Digest,
  range: CompactRange,
  leaf: Uint8Array<ArrayBuffer>,
): { readonly range: CompactRange; readonly made: readonly Subtree[] } {
  const peaks = [...range.peaks];
  let subtree: Subtree = { level: 0, index: range.size, hash: leaf };
  const made = [subtree];
  while (isOdd(subtree.index)) {
    const left = peaks.pop();
    if (left === undefined) throw new RangeError('a compact range has a peak for each bit of its size');
    subtree = { level: subtree.level + 1, index: half(subtree.index), hash: nodeHash(digest, left, subtree.hash) };
    made.push(subtree);
  }
  return { range: { size: range.size + 1, peaks: [...peaks, subtree.hash] }, made };
}

/** Merkle Tree Hash (§2.1.1). */
export function rootOf(digest: Digest, { peaks }: CompactRange): Uint8Array<ArrayBuffer> {
  const last = peaks.at(-1);
  if (last === undefined) return new Uint8Array(digest(new Uint8Array(0)));
  return peaks.slice(0, -1).reduceRight((right, left) => nodeHash(digest, left, right), last);
}

/** How many peaks a range of that size has. */
export function peaksOf(size: number): number {
  let bits = 0;
  for (let left = size; left > 0; left = half(left)) bits += left % 2;
  return bits;
}

/** Largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

async function treeHash(digest: Digest, read: SubtreeReader, start: number, size: number): Promise<Uint8Array> {
  const level = Math.round(Math.log2(size));
  if (2 ** level === size) return read(level, start / size);
  const left = split(size);
  return nodeHash(
    digest,
    await treeHash(digest, read, start, left),
    await treeHash(digest, read, start + left, size - left),
  );
}

/** PATH(index, D_size) (§2.1.3.1). Throws RangeError unless index < size. */
export async function inclusionProof(
  digest: Digest,
  read: SubtreeReader,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError('no such leaf in a tree of that size');
  const path: Uint8Array[] = [];
  let start = 0;
  let width = size;
  while (width > 1) {
    const left = split(width);
    const inLeft = index - start < left;
    path.push(
      await (inLeft ? treeHash(digest, read, start + left, width - left) : treeHash(digest, read, start, left)),
    );
    if (!inLeft) start += left;
    width = inLeft ? left : width - left;
  }
  return path.toReversed();
}

/** PROOF(first, D_second) (§2.1.4.1); empty for first = 0 and first = second. Throws RangeError when first > second. */
export async function consistencyProof(
  digest: Digest,
  read: SubtreeReader,
  first: number,
  second: number,
): Promise<Uint8Array[]> {
  if (!(first >= 0 && first <= second)) throw new RangeError('a tree is consistent only with later ones');
  if (first === 0 || first === second) return [];
  const path: Uint8Array[] = [];
  let start = 0;
  let width = second;
  let old = first;
  // SUBPROOF: b stays true while the old tree is the left edge of what is looked at.
  while (old !== width) {
    const left = split(width);
    if (old <= left) {
      path.push(await treeHash(digest, read, start + left, width - left));
      width = left;
    } else {
      path.push(await treeHash(digest, read, start, left));
      start += left;
      old -= left;
      width -= left;
    }
  }
  if (start > 0) path.push(await treeHash(digest, read, start, width));
  return path.toReversed();
}

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** §2.1.3.2; `leaf` is the leaf's hash. */
export function verifyInclusion(digest: Digest, { index, size, leaf, root, proof }: Inclusion): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const step of proof) {
    if (sn === 0 || step.length !== hashBytes) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(digest, step, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = nodeHash(digest, hash, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(hash, root);
}

export interface Consistency {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Uint8Array;
  readonly secondRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** §2.1.4.2. The empty tree is consistent with every other (its root must be that of the empty tree). */
export function verifyConsistency(
  digest: Digest,
  { first, second, firstRoot, secondRoot, proof }: Consistency,
): boolean {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 0 || first > second) return false;
  if (first === second) return proof.length === 0 && sameHash(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0 && sameHash(firstRoot, rootOf(digest, emptyRange));
  const isPower = 2 ** Math.round(Math.log2(first)) === first;
  const [start, ...rest] = isPower ? [firstRoot, ...proof] : proof;
  if (start === undefined || start.length !== hashBytes) return false;
  let fn = first - 1;
  let sn = second - 1;
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  let older = start;
  let newer = start;
  for (const step of rest) {
    if (sn === 0 || step.length !== hashBytes) return false;
    if (isOdd(fn) || fn === sn) {
      older = nodeHash(digest, step, older);
      newer = nodeHash(digest, step, newer);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else newer = nodeHash(digest, newer, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(older, firstRoot) && sameHash(newer, secondRoot);
}
