/** What commands leave in the audit log. */
import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '#protocol/audit.ts';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import { auditFailuresBurst, auditFailuresRefillMs } from '#protocol/limits.ts';
import type { Handlers } from '../../../server/commands/handler.ts';
import type { InviteStore } from '../../../server/ports/store.ts';
import type { UserId } from '#protocol/ids.ts';
import { codeOf, okay, password, type Peer, World } from './world.ts';

const entries = (world: World): Promise<readonly AuditEntry[]> => world.store.audit.readFrom(0, 1_000);
const last = async (world: World): Promise<AuditEntry> => (await world.store.audit.readBefore(Infinity, 1))[0]!;
const byPerson = ({ userId }: Peer) => ({ kind: 'person', userId });

describe('[U1] an act and its entry', () => {
  test('setting up, inviting, joining, revoking', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const { inviteId } = okay(await owner.call('invite.create', { role: 'admin' }));
    okay(await owner.call('invite.revoke', { inviteId }));
    okay(await owner.call('invite.revoke', { inviteId }));
    const found = await entries(world);
    expect(found.map(({ act }) => act)).toEqual([
      'setup.completed',
      'account.created',
      'invite.created',
      'invite.used',
      'account.created',
      'invite.created',
      'invite.revoked',
    ]);
    expect(found[1]).toMatchObject({
      index: 1,
      time: world.runtime.now(),
      actor: byPerson(owner),
      object: { kind: 'account', id: owner.userId },
      after: { role: 'owner', factor: 'password', device: owner.deviceId },
      personal: [
        {
          subject: owner.userId,
          fields: { handle: 'owner', displayName: 'owner', label: 'Test', address: '192.0.2.1' },
        },
      ],
    });
    expect(found[3]).toMatchObject({
      actor: byPerson(guest),
      object: { kind: 'invite' },
      after: { usedBy: guest.userId },
    });
    expect(found[6]).toMatchObject({
      actor: byPerson(owner),
      object: { kind: 'invite', id: inviteId },
      before: { state: 'open' },
      after: { state: 'revoked' },
    });
  });

  test('signing in and out, new devices, unlockers', async () => {
    const world = new World();
    const owner = await world.owner();
    const before = (await entries(world)).length;
    const second = await world.secondDevice(owner);
    const { version, unlockers, sealed } = okay(await second.call('vault.get', {}));
    const kept = unlockers.map(({ createdAt: _createdAt, ...unlocker }) => unlocker);
    okay(
      await second.call('vault.update', {
        version,
        sealed,
        unlockers: [...kept, { ...kept[0]!, unlockerId: world.id() }],
      }),
    );
    expect(codeOf(await second.call('vault.update', { version, sealed, unlockers: kept }))).toBe('vault.conflict');
    okay(await second.call('session.end', {}));
    const found = (await entries(world)).slice(before);
    expect(found.map(({ act }) => act)).toEqual([
      'sign_in.succeeded',
      'device.registered',
      'device.attached',
      'unlockers.changed',
      'session.ended',
    ]);
    expect(found.map(({ actor }) => actor)).toEqual(found.map(() => byPerson(owner)));
    expect(found[0]).toMatchObject({ object: { kind: 'session', id: second.sessionId }, reason: 'password' });
    expect(found[1]).toMatchObject({
      object: { kind: 'device', id: second.deviceId },
      personal: [{ fields: { label: 'Test', address: '192.0.2.1' } }],
    });
    expect(found[3]).toMatchObject({
      before: { passkeys: 0, recoveryCodes: 2 },
      after: { passkeys: 0, recoveryCodes: 3 },
    });
  });

  test('a refused act leaves no entry, a request id comes along, and no secret is in any entry', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const before = (await entries(world)).length;
    expect(codeOf(await guest.call('invite.create', {}))).toBe('permission.denied');
    expect(codeOf(await owner.call('invite.revoke', { inviteId: world.id() }))).toBe('invite.unknown');
    expect(await entries(world)).toHaveLength(before);
    const made = await world.router.call(
      'invite.create',
      {},
      { session: owner.session, address: '192.0.2.1' },
      'request-7',
    );
    expect(await last(world)).toMatchObject({ act: 'invite.created', requestId: 'request-7' });
    const told = JSON.stringify(await entries(world));
    for (const secret of [okay(made).token, password, 'setup-token']) expect(told).not.toContain(secret);
  });

  test('forgetting it does not compile', () => {
    // Never called: the compiler is what is asked, and an unused expectation fails the type check.
    const storeCall = (invites: InviteStore, invite: Parameters<InviteStore['create']>[0]) => {
      // @ts-expect-error without acts
      void invites.create(invite);
      // @ts-expect-error no acts are no acts
      void invites.create(invite, []);
    };
    const handler: Pick<Handlers<'session.get' | 'invite.create'>, 'session.get'> = {
      'session.get': async (_input, caller) => {
        // @ts-expect-error the row of session.get is not marked as audited
        caller.audit({ act: 'invite.created' });
        throw new Error('never called');
      },
    };
    expect([typeof storeCall, Object.keys(handler)]).toEqual(['function', ['session.get']]);
    const names: CommandName[] = ['invite.create', 'invite.revoke'];
    expect(names.map((name) => commands[name].audited)).toEqual([['invite.created'], ['invite.revoked']]);
  });
});

describe('[U9] failed sign-ins', () => {
  const guess = (world: World, handle: string, address: string, typed = 'a wrong password, long enough') =>
    world.call('signIn.password', { handle, password: typed }, { address });

  test('are told of a known account, and of no typed handle', async () => {
    const world = new World();
    const owner = await world.owner();
    expect(codeOf(await guess(world, 'owner', '192.0.2.9'))).toBe('sign_in.failed');
    const strangers = `strangers-${new Date(world.runtime.now()).toISOString().slice(0, 7)}`;
    expect(await last(world)).toMatchObject({
      act: 'sign_in.failed',
      actor: { kind: 'stranger' },
      object: { kind: 'account', id: owner.userId },
      reason: 'password',
      personal: [{ subject: strangers, fields: { address: '192.0.2.9' } }],
    });
    expect(codeOf(await guess(world, 'hunter2-typed-here', '192.0.2.9'))).toBe('sign_in.failed');
    expect(await last(world)).toMatchObject({ act: 'sign_in.failed', object: null });
    expect(JSON.stringify(await entries(world))).not.toContain('hunter2');
  });

  test('beyond the bound are counted in the next entry', async () => {
    const world = new World();
    await world.owner();
    const before = (await entries(world)).length;
    const { failures } = world.services;
    const audit = (): ReturnType<typeof failures.record> => failures.record(world.scribe, 'passkey', null);
    for (let at = 0; at < auditFailuresBurst + 25; at += 1) await audit();
    expect(await entries(world)).toHaveLength(before + auditFailuresBurst);
    world.runtime.advance(auditFailuresRefillMs);
    await audit();
    expect(await entries(world)).toHaveLength(before + auditFailuresBurst + 1);
    expect(await last(world)).toMatchObject({ after: { unrecorded: 25 } });
    world.runtime.advance(auditFailuresRefillMs);
    await audit();
    expect((await last(world)).after).toBeNull();
  });
});

test('[U3] what is personal of somebody can be erased from entries', async () => {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  await world.store.audit.shred(guest.userId satisfies UserId, [
    world.scribe({ act: 'person.shredded', object: { kind: 'account', id: guest.userId } }),
  ]);
  const found = await entries(world);
  const mentioned = found.flatMap(({ personal }) => personal);
  expect(mentioned.filter(({ subject }) => subject === guest.userId).every(({ fields }) => fields === null)).toBe(true);
  expect(mentioned.filter(({ subject }) => subject === owner.userId).every(({ fields }) => fields !== null)).toBe(true);
  expect(JSON.stringify(found)).not.toContain('"guest"');
});
