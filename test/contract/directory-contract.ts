import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { deviceLeaf, identityLeaf, parseDirectoryLeaf, revokedLeaf } from '#protocol/directory.ts';
import { appendLeaf, emptyRange, inclusionProof, leafHash, rootOf, verifyInclusion } from '#protocol/merkle.ts';
import type { DirectoryStore } from '../../server/ports/directory-store.ts';
import { acts } from './acts.ts';
import { account, device, deviceOf, invite, newAccount, startMs, userOf } from './people.ts';
import type { Bench } from './store-contract.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
const identity = (name: string) => identityLeaf(digest, userOf(name), account(name).identityKey);
const listed = (person: string, name = person) => deviceLeaf(digest, userOf(person), device(person, name).certificate);
const revoked = (person: string, name = person) => revokedLeaf(digest, userOf(person), deviceOf(name));

async function checked(directory: DirectoryStore): Promise<readonly Uint8Array[]> {
  const leaves = await directory.leaves(0, 1_000);
  const { size, peaks } = await directory.tree();
  const range = leaves.reduce((tree, leaf) => appendLeaf(digest, tree, leafHash(digest, leaf)).range, emptyRange);
  expect([size, peaks.map((peak) => [...peak])]).toEqual([leaves.length, range.peaks.map((peak) => [...peak])]);
  return leaves;
}

function leafRules(bench: Bench): void {
  it('[X1] has a leaf for each identity, device and revocation, and none for what changes nothing', async () => {
    const { accounts, devices, directory, invites, people } = bench.store();
    await accounts.create(newAccount('ann', null), acts('setup.completed'));
    expect(await accounts.create(newAccount('eve', null), acts('account.created'))).toBe('setup_done');
    await invites.create(invite('one'), acts('invite.created'));
    await accounts.create(newAccount('bob', 'one'), acts('account.created'));
    expect(await devices.register(device('ann', 'second'), [], 2, acts('device.registered'))).toBe('registered');
    expect(await devices.register(device('ann', 'third'), [], 2, acts('device.registered'))).toBe('too_many');
    expect(await devices.register(device('bob', 'phone'), [], 2, acts('device.registered'))).toBe('registered');
    expect(await devices.remove(userOf('ann'), deviceOf('second'), new Uint8Array(9), acts('device.removed'))).toEqual([]);
    expect(await devices.remove(userOf('ann'), deviceOf('second'), new Uint8Array(9), acts('device.removed'))).toBeNull();
    const took = await people.take(
      userOf('bob'),
      { state: 'closing', goneAt: startMs, reason: { kind: 'restore' } },
      acts('account.erased'),
    );
    expect(took).toBe('taken');
    const leaves = await checked((await bench.reopened()).directory);
    expect(leaves.slice(0, 7)).toEqual([
      identity('ann'),
      listed('ann'),
      identity('bob'),
      listed('bob'),
      listed('ann', 'second'),
      listed('bob', 'phone'),
      revoked('ann', 'second'),
    ]);
    expect(new Set(leaves.slice(7).map(String))).toEqual(
      new Set([revoked('bob'), revoked('bob', 'phone')].map(String)),
    );
    expect(directory).toBeDefined();
  });

  it('[X1] keeps the leaves in the order of their writing while changes race', async () => {
    const { accounts, devices, directory } = bench.store();
    await accounts.create(newAccount('ann', null), acts('setup.completed'));
    const names = Array.from({ length: 8 }, (_, at) => `race ${at}`);
    await Promise.all(names.map((name) => devices.register(device('ann', name), [], 20, acts('device.registered'))));
    const leaves = await checked(directory);
    expect(new Set(leaves.slice(2).map(String))).toEqual(new Set(names.map((name) => String(listed('ann', name)))));
    expect(leaves).toHaveLength(10);
  });

  it('[X3] knows where a leaf is, and proves it', async () => {
    const { accounts, devices, directory } = bench.store();
    await accounts.create(newAccount('ann', null), acts('setup.completed'));
    for (let at = 0; at < 5; at += 1)
      await devices.register(device('ann', `d${at}`), [], 20, acts('device.registered'));
    const hashes = [listed('ann', 'd3'), identity('nobody'), identity('ann')].map((leaf) => leafHash(digest, leaf));
    expect(await directory.places(hashes)).toEqual([5, null, 0]);
    const tree = await directory.tree();
    const proof = await inclusionProof(digest, (level, index) => directory.subtree(level, index), 5, tree.size);
    expect(
      verifyInclusion(digest, { index: 5, size: tree.size, leaf: hashes[0]!, root: rootOf(digest, tree), proof }),
    ).toBe(true);
    expect((await directory.leaves(5, 1)).map((leaf) => parseDirectoryLeaf(leaf)?.kind)).toEqual(['device']);
  });

}

function namingRules(bench: Bench): void {
  it('[X3] keeps one name and one seed of its own', async () => {
    const { audit, directory } = bench.store();
    expect(await directory.logName('one/lanying-directory', false)).toBe('one/lanying-directory');
    expect(await directory.logName('two/lanying-directory', true)).toBe('two/lanying-directory');
    const seed = await directory.signingSeed();
    expect(seed).toHaveLength(32);
    expect(seed).not.toEqual(await audit.signingSeed());
    const again = (await bench.reopened()).directory;
    expect([await again.logName('one/lanying-directory', true), await again.signingSeed()]).toEqual([
      'two/lanying-directory',
      seed,
    ]);
  });
}

export function directoryContract(bench: Bench): void {
  leafRules(bench);
  namingRules(bench);
}
