/** Against the vectors of RFC 6962's reference implementation, and against the recursive definition of RFC 9162 §2.1.1. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  appendLeaf,
  type CompactRange,
  consistencyProof,
  emptyRange,
  inclusionProof,
  leafHash,
  nodeHash,
  peaksOf,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '#protocol/merkle.ts';
import '../../harness/seed.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

const vectorLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(fromHex);
const vectorRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

class Tree {
  readonly ranges: CompactRange[] = [emptyRange];
  readonly hashes: Uint8Array<ArrayBuffer>[];
  readonly #nodes = new Map<string, Uint8Array>();
  made = 0;

  constructor(readonly leaves: readonly Uint8Array[]) {
    this.hashes = leaves.map((leaf) => leafHash(digest, leaf));
    for (const hash of this.hashes) {
      const { range, made } = appendLeaf(digest, this.ranges.at(-1) ?? emptyRange, hash);
      this.ranges.push(range);
      this.made += made.length;
      for (const { level, index, hash: node } of made) this.#nodes.set(`${level} ${index}`, node);
    }
  }
  readonly read = async (level: number, index: number): Promise<Uint8Array> => {
    const hash = this.#nodes.get(`${level} ${index}`);
    if (hash === undefined) throw new Error(`no subtree ${level} ${index}`);
    return hash;
  };
  root(size: number): Uint8Array {
    return rootOf(digest, this.ranges[size] ?? emptyRange);
  }
}

/** MTH as §2.1.1 writes it. */
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return digest(new Uint8Array(0));
  if (leaves.length === 1) return leafHash(digest, leaves[0]!);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(digest, definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

describe('known vectors', () => {
  const tree = new Tree(vectorLeaves);
  const proofs = {
    a: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    b: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    c: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    d: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    e: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    f: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  };
  const fourth = vectorRoots[4]!;

  test('[U2] roots of all sizes', () => {
    expect(vectorRoots.map((_, size) => hex(tree.root(size)))).toEqual(vectorRoots);
  });
  test.each([
    [0, 1, []],
    [0, 8, [proofs.a, proofs.b, proofs.c]],
    [5, 8, [proofs.d, proofs.e, fourth]],
    [2, 3, [vectorRoots[2]!]],
    [1, 5, [vectorRoots[1]!, proofs.b, proofs.d]],
  ])('[U2] inclusion of leaf %i in %i', async (index, size, expected) => {
    const proof = await inclusionProof(digest, tree.read, index, size);
    expect(proof.map(hex)).toEqual(expected);
    expect(
      verifyInclusion(digest, { index, size, leaf: tree.hashes[index]!, root: fromHex(vectorRoots[size]!), proof }),
    ).toBe(true);
  });
  test.each([
    [1, 1, []],
    [1, 8, [proofs.a, proofs.b, proofs.c]],
    [6, 8, [proofs.f, proofs.e, fourth]],
    [2, 5, [proofs.b, proofs.d]],
  ])('[U2] consistency of %i with %i', async (first, second, expected) => {
    const proof = await consistencyProof(digest, tree.read, first, second);
    expect(proof.map(hex)).toEqual(expected);
    const [firstRoot, secondRoot] = [fromHex(vectorRoots[first]!), fromHex(vectorRoots[second]!)];
    expect(verifyConsistency(digest, { first, second, firstRoot, secondRoot, proof })).toBe(true);
  });
});

describe('trees of any size', () => {
  const size = fc.integer({ min: 1, max: 130 });
  const leavesOf = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, at) => new Uint8Array([at, at >> 8, 7]));

  test('the root is that of the definition, and a range has a peak for each bit', () => {
    fc.assert(
      fc.property(size, (count) => {
        const tree = new Tree(leavesOf(count));
        expect(hex(tree.root(count))).toBe(hex(definition(tree.leaves)));
        expect(tree.ranges[count]?.peaks).toHaveLength(peaksOf(count));
        // Amortised: never more subtrees than twice the leaves.
        expect(tree.made).toBeLessThan(2 * count);
      }),
    );
  });

  test('every proof holds, and holds for nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), fc.nat(), async (count, a, b, spoil) => {
        const tree = new Tree(leavesOf(count));
        const index = a % count;
        const proof = await inclusionProof(digest, tree.read, index, count);
        const inclusion = { index, size: count, leaf: tree.hashes[index]!, root: tree.root(count), proof };
        expect(verifyInclusion(digest, inclusion)).toBe(true);
        const other = (index + 1 + (b % count)) % (count + 1);
        if (other !== index) expect(verifyInclusion(digest, { ...inclusion, index: other })).toBe(false);
        if (proof.length > 0) {
          const broken = proof.map((hash, at) =>
            at === spoil % proof.length ? hash.map((byte, place) => (place === spoil % 32 ? byte ^ 1 : byte)) : hash,
          );
          expect(verifyInclusion(digest, { ...inclusion, proof: broken })).toBe(false);
        }
        expect(verifyInclusion(digest, { ...inclusion, proof: [...proof, new Uint8Array(32)] })).toBe(false);

        const first = b % (count + 1);
        const consistent = await consistencyProof(digest, tree.read, first, count);
        const consistency = {
          first,
          second: count,
          firstRoot: tree.root(first),
          secondRoot: tree.root(count),
          proof: consistent,
        };
        expect(verifyConsistency(digest, consistency)).toBe(true);
        expect(verifyConsistency(digest, { ...consistency, firstRoot: tree.root(first).map((byte) => byte ^ 1) })).toBe(
          false,
        );
        if (first > 0)
          expect(verifyConsistency(digest, { ...consistency, secondRoot: new Uint8Array(32) })).toBe(false);
        expect(verifyConsistency(digest, { ...consistency, proof: [...consistent, new Uint8Array(32)] })).toBe(false);
      }),
    );
  });

  test('a tree with an altered leaf is consistent with no tree that has the right one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 90 }), fc.nat(), fc.nat(), async (count, a, b) => {
        const first = 1 + (a % (count - 1));
        const leaves = leavesOf(count);
        leaves[b % first] = new Uint8Array([255, 255, 255]);
        const [honest, forged] = [new Tree(leavesOf(count)), new Tree(leaves)];
        const proof = await consistencyProof(digest, forged.read, first, count);
        expect(
          verifyConsistency(digest, {
            first,
            second: count,
            firstRoot: honest.root(first),
            secondRoot: forged.root(count),
            proof,
          }),
        ).toBe(false);
      }),
    );
  });
});
