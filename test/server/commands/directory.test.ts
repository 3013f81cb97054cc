/** The key directory through the router. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keyIdOf, parseCheckpoint, parseVerifierKey, signedBytesOf } from '#protocol/checkpoint.ts';
import { deviceLeaf, directoryLeafBytes, identityLeaf } from '#protocol/directory.ts';
import { directoryLeavesPageMax, directoryProofsMax } from '#protocol/limits.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '#protocol/merkle.ts';
import { verifyEd25519 } from '../../../server/domain/digests.ts';
import { codeOf, okay, type Peer, value, World } from './world.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();

async function checkedHead(by: Peer, since = 0) {
  const { checkpoint, verifierKey, consistency } = okay(await by.call('directory.head', { since }));
  const head = value(parseCheckpoint(checkpoint));
  const key = value(parseVerifierKey(digest, verifierKey));
  expect([head.origin, key.name]).toEqual(['localhost:8080/lanying-directory', 'localhost:8080/lanying-directory']);
  expect(head.keyId).toEqual(keyIdOf(digest, key.name, key.publicKey));
  expect(verifyEd25519(key.publicKey, signedBytesOf(head), head.signature)).toBe(true);
  return { ...head, consistency, verifierKey };
}

describe('[X3] head, leaves and proofs', () => {
  test('are signed, consistent with every earlier size, and include every key and certificate', async () => {
    const world = new World();
    const owner = await world.owner();
    const heads = [await checkedHead(owner)];
    const people = [owner];
    for (const handle of ['ann', 'bob', 'cho', 'dan']) {
      people.push(await world.invited(owner, handle));
      heads.push(await checkedHead(owner));
    }
    const second = await world.secondDevice(value(people[2]));
    const newest = await checkedHead(owner);
    expect(heads.map(({ size }) => size)).toEqual([2, 4, 6, 8, 10]);
    expect(newest.size).toBe(11);
    for (const earlier of heads) {
      const { consistency } = await checkedHead(owner, earlier.size);
      const proof = {
        first: earlier.size,
        second: newest.size,
        firstRoot: earlier.root,
        secondRoot: newest.root,
        proof: consistency,
      };
      expect(verifyConsistency(digest, proof)).toBe(true);
    }
    const leaves = [
      ...people.flatMap((peer) => [
        identityLeaf(digest, peer.userId, peer.identity.publicKey),
        deviceLeaf(digest, peer.userId, peer.certificate()),
      ]),
      deviceLeaf(digest, second.userId, second.certificate()),
    ].map((leaf) => leafHash(digest, leaf));
    const { proofs } = okay(await owner.call('directory.proof', { size: newest.size, leaves }));
    proofs.forEach((proof, at) => {
      const { index, inclusion } = value(proof);
      expect(
        verifyInclusion(digest, {
          index,
          size: newest.size,
          leaf: value(leaves[at]),
          root: newest.root,
          proof: inclusion,
        }),
      ).toBe(true);
    });
    // In an earlier tree it was not.
    expect(okay(await owner.call('directory.proof', { size: 4, leaves: leaves.slice(-1) })).proofs).toEqual([null]);
  });

  test('are for everybody, and bounded', async () => {
    const world = new World();
    const owner = await world.owner();
    const member = await world.invited(owner, 'ann');
    expect((await checkedHead(member)).verifierKey).toBe((await checkedHead(owner)).verifierKey);
    expect(codeOf(await member.call('directory.head', { since: 5 }))).toBe('directory.ahead');
    expect(codeOf(await member.call('directory.proof', { size: 5, leaves: [new Uint8Array(32)] }))).toBe(
      'directory.ahead',
    );
    expect(
      codeOf(
        await member.call('directory.proof', {
          size: 1,
          leaves: Array.from({ length: directoryProofsMax + 1 }, () => new Uint8Array(32)),
        }),
      ),
    ).toBe('input.invalid');
    expect(codeOf(await member.call('directory.leaves', { from: 0, limit: directoryLeavesPageMax + 1 }))).toBe(
      'input.invalid',
    );
    expect(codeOf(await world.call('directory.head', {}))).toBe('session.required');
    const first = okay(await member.call('directory.leaves', { from: 0, limit: 3 }));
    const rest = okay(await member.call('directory.leaves', { from: 3 }));
    expect([first.leaves.length, first.more, rest.leaves.length, rest.more]).toEqual([
      3 * directoryLeafBytes,
      true,
      directoryLeafBytes,
      false,
    ]);
    expect(okay(await member.call('directory.leaves', { from: 99 }))).toEqual({
      leaves: new Uint8Array(0),
      more: false,
    });
  });

  test('[X2] name nobody', async () => {
    const world = new World();
    const owner = await world.owner();
    await world.invited(owner, 'ann');
    const { leaves } = okay(await owner.call('directory.leaves', { from: 0 }));
    const text = Buffer.from(leaves).toString('latin1');
    for (const word of ['ann', 'owner', owner.userId, Buffer.from(owner.identity.publicKey).toString('latin1')])
      expect(text).not.toContain(word);
  });
});
