import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { appendLeaf, emptyRange, inclusionProof, leafHash, rootOf, verifyInclusion } from '#protocol/merkle.ts';
import type { AuditStore } from '../../server/ports/audit-store.ts';
import { StoreFailure } from '../../server/ports/store.ts';
import { act, acts } from './acts.ts';
import { device, deviceOf, invite, inviteOf, newAccount, session, sessionOf, userOf, vault } from './people.ts';
import type { Bench } from './store-contract.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
const ann = userOf('ann');

async function actsIn(audit: AuditStore): Promise<readonly string[]> {
  return (await audit.readFrom(0, 1_000)).map((entry) => entry.act);
}

async function rebuilt(audit: AuditStore): Promise<Uint8Array> {
  let range = emptyRange;
  const { leaves, bad, end } = await audit.inspect(0, 10_000);
  expect([bad, end]).toEqual([null, true]);
  for (const { bytes, hash } of leaves) {
    expect(hash).toEqual(leafHash(digest, bytes));
    range = appendLeaf(digest, range, leafHash(digest, bytes)).range;
  }
  return rootOf(digest, range);
}

function togetherRules(bench: Bench): void {
  it('[U1] stores acts together with what they change, and none for what changes nothing', async () => {
    const { accounts, audit, devices, invites, sessions, vaults } = bench.store();
    await accounts.create(newAccount('ann', null), [act('setup.completed'), act('account.created')]);
    expect(await accounts.create(newAccount('bob', null), acts('account.created'))).toBe('setup_done');
    await invites.create(invite('one'), acts('invite.created'));
    expect(await invites.revoke(inviteOf('none'), acts('invite.revoked'))).toBe('unknown');
    expect(await invites.revoke(inviteOf('one'), acts('invite.revoked'))).toBe('revoked');
    expect(await invites.revoke(inviteOf('one'), acts('invite.revoked'))).toBe('revoked');
    expect(await accounts.create(newAccount('bob', 'one'), acts('invite.used'))).toBe('invite_used');
    await sessions.create(session('s', 'ann'), acts('sign_in.succeeded'));
    await sessions.bindDevice(sessionOf('s'), deviceOf('ann'), acts('device.attached'));
    await expect(
      sessions.bindDevice(sessionOf('none'), deviceOf('ann'), acts('device.attached')),
    ).rejects.toBeInstanceOf(StoreFailure);
    await sessions.end(sessionOf('s'), acts('session.ended'));
    await sessions.end(sessionOf('s'), acts('session.ended'));
    expect(await devices.register(device('ann', 'second'), [], 2, acts('device.registered'))).toBe('registered');
    expect(await devices.register(device('ann', 'third'), [], 2, acts('device.registered'))).toBe('too_many');
    expect(await vaults.update(ann, 1, vault('x').sealed, vault('x').unlockers, acts('unlockers.changed'))).toBe(
      'updated',
    );
    expect(await vaults.update(ann, 1, vault('x').sealed, vault('x').unlockers, acts('unlockers.changed'))).toBe(
      'conflict',
    );
    await audit.append([act('backup.made'), act('export.made')]);
    const expected = [
      'setup.completed',
      'account.created',
      'invite.created',
      'invite.revoked',
      'sign_in.succeeded',
      'device.attached',
      'session.ended',
      'device.registered',
      'unlockers.changed',
      'backup.made',
      'export.made',
    ];
    expect(await actsIn(audit)).toEqual(expected);
    expect(await actsIn((await bench.reopened()).audit)).toEqual(expected);
  });

  it('[U1] changes nothing when the entry cannot be stored', async () => {
    const { accounts, invites } = bench.store();
    const tooLong = acts('account.created', { reason: 'x'.repeat(10_000) });
    await expect(accounts.create(newAccount('ann', null), tooLong)).rejects.toBeInstanceOf(RangeError);
    await expect(
      invites.create(invite('one'), acts('invite.created', { requestId: 'x'.repeat(100) })),
    ).rejects.toBeInstanceOf(RangeError);
    const store = await bench.reopened();
    expect(await store.accounts.count()).toBe(0);
    expect(await store.invites.list()).toEqual([]);
    expect((await store.audit.tree()).size).toBe(0);
    // What failed used up no index and no key.
    await store.audit.append(acts('backup.made'));
    expect(await store.audit.readFrom(0, 10)).toMatchObject([
      { index: 0, personal: [{ fields: { address: '192.0.2.1' } }] },
    ]);
  });
}

function treeRules(bench: Bench): void {
  it('answers null or nothing for what is not there', async () => {
    const { audit } = bench.store();
    expect(await audit.tree()).toEqual(emptyRange);
    expect(await audit.leaf(0)).toBeNull();
    expect(await audit.readFrom(0, 10)).toEqual([]);
    expect(await audit.readBefore(10, 10)).toEqual([]);
    expect(await audit.inspect(0, 10)).toEqual({ leaves: [], bad: null, end: true });
    await expect(audit.subtree(0, 0)).rejects.toThrow('audit-nodes');
  });

  it('[U2] gives indices without gaps to acts that race, and proves each of them', async () => {
    const { audit, invites } = bench.store();
    const names = Array.from({ length: 40 }, (_, at) => `i${at}`);
    await Promise.all(
      names.flatMap((name) => [
        invites.create(invite(name), acts('invite.created')),
        audit.append([act('backup.made'), act('export.made')]),
      ]),
    );
    const store = await bench.reopened();
    const tree = await store.audit.tree();
    expect(tree.size).toBe(120);
    const root = rootOf(digest, tree);
    expect(await rebuilt(store.audit)).toEqual(root);
    const read = (level: number, index: number): Promise<Uint8Array> => store.audit.subtree(level, index);
    for (const index of [0, 1, 63, 64, 118, 119]) {
      const leaf = await store.audit.leaf(index);
      if (leaf === null) throw new Error('no leaf');
      const proof = await inclusionProof(digest, read, index, tree.size);
      expect(verifyInclusion(digest, { index, size: tree.size, leaf: leafHash(digest, leaf.bytes), root, proof })).toBe(
        true,
      );
    }
    await store.audit.append(acts());
    expect((await store.audit.tree()).size).toBe(121);
    expect(await rebuilt(store.audit)).toEqual(rootOf(digest, await store.audit.tree()));
  });

  it('reads forwards, backwards and in pages', async () => {
    const { audit } = bench.store();
    for (let at = 0; at < 7; at += 1)
      await audit.append(acts('settings.changed', { after: { at }, before: { at: at - 1 }, reason: 'test' }));
    const at = (entries: Awaited<ReturnType<AuditStore['readFrom']>>) => entries.map((entry) => entry.after?.['at']);
    expect(at(await audit.readFrom(0, 3))).toEqual([0, 1, 2]);
    expect(at(await audit.readFrom(5, 3))).toEqual([5, 6]);
    expect(at(await audit.readBefore(1_000, 3))).toEqual([6, 5, 4]);
    expect(at(await audit.readBefore(4, 10))).toEqual([3, 2, 1, 0]);
    expect((await audit.inspect(2, 3)).leaves.map(({ index }) => index)).toEqual([2, 3, 4]);
    const [entry] = await audit.readFrom(3, 1);
    const { personal: _personal, ...told } = act('settings.changed', {
      after: { at: 3 },
      before: { at: 2 },
      reason: 'test',
    });
    expect(entry).toEqual({ ...told, index: 3, personal: [{ subject: ann, fields: { address: '192.0.2.1' } }] });
  });
}

function shreddingRules(bench: Bench): void {
  const two = {
    personal: [
      { subject: ann, fields: { address: '192.0.2.1', label: 'phone' } },
      { subject: userOf('bob'), fields: { handle: 'bob' } },
    ],
  };

  it('[U3] shreds what is personal of one subject, for good, and changes no leaf', async () => {
    const { audit } = bench.store();
    await audit.append(acts('settings.changed', two));
    await audit.append(acts('settings.changed', two));
    const before = await audit.inspect(0, 2);
    await audit.shred(ann, acts('person.shredded', two));
    const store = await bench.reopened();
    await store.audit.append(acts('settings.changed', two));
    const entries = await store.audit.readFrom(0, 10);
    expect(entries.map(({ personal }) => personal)).toEqual(
      Array.from({ length: 4 }, () => [
        { subject: ann, fields: null },
        { subject: userOf('bob'), fields: { handle: 'bob' } },
      ]),
    );
    expect((await store.audit.inspect(0, 2)).leaves).toEqual(before.leaves);
    expect(await rebuilt(store.audit)).toEqual(rootOf(digest, await store.audit.tree()));
  });

  it('[U3] lets nothing slip between an act and a shredding that race', async () => {
    const { audit } = bench.store();
    await Promise.all([
      audit.append(acts('settings.changed', two)),
      audit.shred(ann, acts('person.shredded', two)),
      audit.append(acts('settings.changed', two)),
    ]);
    const entries = await (await bench.reopened()).audit.readFrom(0, 10);
    expect(entries).toHaveLength(3);
    expect(entries.map(({ personal }) => personal[0]?.fields)).toEqual([null, null, null]);
    expect(entries.map(({ personal }) => personal[1]?.fields)).toEqual([
      { handle: 'bob' },
      { handle: 'bob' },
      { handle: 'bob' },
    ]);
  });

  it('keeps one seed for signing', async () => {
    const seeds = await Promise.all([bench.store().audit.signingSeed(), bench.store().audit.signingSeed()]);
    expect(seeds[0]).toHaveLength(32);
    expect(seeds[1]).toEqual(seeds[0]);
    expect(await (await bench.reopened()).audit.signingSeed()).toEqual(seeds[0]);
  });

  it('bounds an entry', async () => {
    const facts = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, 1]));
    await expect(bench.store().audit.append(acts('settings.changed', { after: facts }))).rejects.toBeInstanceOf(
      RangeError,
    );
  });
}

export function auditContract(bench: Bench): void {
  describe('the audit log', () => {
    togetherRules(bench);
    treeRules(bench);
    shreddingRules(bench);
  });
}
