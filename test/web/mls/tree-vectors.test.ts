import { applyUpdatePathSecret } from 'ts-mls/createCommit.js';
import { deriveSecret } from 'ts-mls/crypto/kdf.js';
import { verifyParentHashes } from 'ts-mls/parentHash.js';
import { pathToRoot } from 'ts-mls/pathSecrets.js';
import { decodeProposal, type Proposal } from 'ts-mls/proposal.js';
import {
  addLeafNode,
  decodeRatchetTree,
  encodeRatchetTree,
  type RatchetTree,
  removeLeafNode,
  resolution,
  updateLeafNode,
} from 'ts-mls/ratchetTree.js';
import { treeHash, treeHashRoot } from 'ts-mls/treeHash.js';
import { isLeaf, left, leafWidth, nodeWidth, parent, right, root, sibling, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { applyUpdatePath, decodeUpdatePath } from 'ts-mls/updatePath.js';
import { describe, expect } from 'vitest';

import { hex } from './people.ts';
import { bytes, context, onVectors, runnable, suiteOfVector, whole } from './vectors.ts';

interface Suited {
  cipher_suite: number;
}

interface TreeMath {
  n_leaves: number;
  n_nodes: number;
  root: number;
  left: (number | null)[];
  right: (number | null)[];
  parent: (number | null)[];
  sibling: (number | null)[];
}

function treeMath(vector: TreeMath): void {
  const { n_leaves: leaves } = vector;
  expect(nodeWidth(leaves)).toBe(vector.n_nodes);
  expect(leafWidth(vector.n_nodes)).toBe(leaves);
  expect(root(leaves)).toBe(vector.root);
  for (let index = 0; index < vector.n_nodes; index += 1) {
    const node = toNodeIndex(index);
    const children = isLeaf(node) ? [null, null] : [left(node), right(node)];
    expect(children).toEqual([vector.left[index], vector.right[index]]);
    const above = node === root(leaves) ? [null, null] : [parent(node, leaves), sibling(node, leaves)];
    expect(above).toEqual([vector.parent[index], vector.sibling[index]]);
  }
}

type TreeOperation = Suited &
  Record<'tree_before' | 'tree_after' | 'tree_hash_before' | 'tree_hash_after' | 'proposal', string> & {
    proposal_sender: number;
  };

function applied(tree: RatchetTree, proposal: Proposal, sender: number): RatchetTree {
  if (proposal.proposalType === 'add') return addLeafNode(tree, proposal.add.keyPackage.leafNode)[0];
  if (proposal.proposalType === 'update') return updateLeafNode(tree, proposal.update.leafNode, toLeafIndex(sender));
  if (proposal.proposalType === 'remove') return removeLeafNode(tree, toLeafIndex(proposal.remove.removed));
  throw new Error('not a change of the tree');
}

async function treeOperation(vector: TreeOperation): Promise<void> {
  const { hash } = await suiteOfVector(vector);
  const before = whole(decodeRatchetTree, vector.tree_before);
  expect(hex(await treeHashRoot(before, hash))).toBe(vector.tree_hash_before);
  const after = applied(before, whole(decodeProposal, vector.proposal), vector.proposal_sender);
  expect(hex(encodeRatchetTree(after))).toBe(vector.tree_after);
  expect(hex(await treeHashRoot(after, hash))).toBe(vector.tree_hash_after);
}

type TreeToValidate = Suited & { tree: string; group_id: string; tree_hashes: string[]; resolutions: number[][] };

async function treeValidation(vector: TreeToValidate): Promise<void> {
  const suite = await suiteOfVector(vector);
  const tree = whole(decodeRatchetTree, vector.tree);
  expect(tree.map((_, index) => resolution(tree, toNodeIndex(index)).map(Number))).toEqual(vector.resolutions);
  const hashes = await Promise.all(tree.map((_, index) => treeHash(tree, toNodeIndex(index), suite.hash)));
  expect(hashes.map(hex)).toEqual(vector.tree_hashes);
  expect(await verifyParentHashes(tree, suite.hash)).toBe(true);
}

interface TreeKem extends Suited {
  group_id: string;
  epoch: number;
  confirmed_transcript_hash: string;
  ratchet_tree: string;
  leaves_private: {
    index: number;
    encryption_priv: string;
    signature_priv: string;
    path_secrets: { node: number; path_secret: string }[];
  }[];
  update_paths: {
    sender: number;
    update_path: string;
    path_secrets: (string | null)[];
    commit_secret: string;
    tree_hash_after: string;
  }[];
}

async function treeKem(vector: TreeKem): Promise<void> {
  const suite = await suiteOfVector(vector);
  const before = whole(decodeRatchetTree, vector.ratchet_tree);
  for (const path of vector.update_paths) {
    const update = whole(decodeUpdatePath, path.update_path);
    const after = await applyUpdatePath(before, toLeafIndex(path.sender), update, suite.hash);
    expect(hex(await treeHashRoot(after, suite.hash))).toBe(path.tree_hash_after);
    const gc = context(suite, { ...vector, epoch: vector.epoch, tree_hash: path.tree_hash_after });
    for (const leaf of vector.leaves_private.filter(({ index }) => index !== path.sender)) {
      const privateKeys: Record<number, Uint8Array> = { [leaf.index * 2]: bytes(leaf.encryption_priv) };
      for (const { node, path_secret } of leaf.path_secrets) {
        const pair = await suite.hpke.deriveKeyPair(await deriveSecret(bytes(path_secret), 'node', suite.kdf));
        privateKeys[node] = await suite.hpke.exportPrivateKey(pair.privateKey);
      }
      const opened = await applyUpdatePathSecret(
        after,
        { leafIndex: leaf.index, privateKeys },
        toLeafIndex(path.sender),
        gc,
        update,
        [],
        suite,
      );
      expect(hex(opened.pathSecret)).toBe(path.path_secrets[leaf.index]);
      const secrets = await pathToRoot(after, opened.nodeIndex, opened.pathSecret, suite.kdf);
      const rootIndex = root(leafWidth(after.length));
      const last = secrets[rootIndex];
      if (last === undefined) throw new Error('no secret at the root');
      const commitSecret = after[rootIndex] === undefined ? last : await deriveSecret(last, 'path', suite.kdf);
      expect(hex(commitSecret)).toBe(path.commit_secret);
    }
  }
}

describe('the MLS working group: trees', () => {
  onVectors<TreeMath>('mls/tree-math.json', 'node indices', treeMath);
  onVectors<TreeOperation>('mls/tree-operations.json', 'add, update, remove', treeOperation, runnable);
  onVectors<TreeToValidate>('mls/tree-validation.json', 'hashes, resolutions, parent hashes', treeValidation, runnable);
  onVectors<TreeKem>('mls/treekem.json', 'update paths', treeKem, runnable);
});
