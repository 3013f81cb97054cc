import { acts } from './acts.ts';
import { describe, expect, it } from 'vitest';
import { StoreFailure } from '../../server/ports/store.ts';
import {
  account,
  bytesOf,
  ceremonyOf,
  dayMs,
  device,
  deviceOf,
  invite,
  inviteOf,
  newAccount,
  session,
  sessionOf,
  startMs,
  userOf,
  vault,
} from './people.ts';
import type { Bench } from './store-contract.ts';

function newAccountRules(bench: Bench): void {
  it('[A3] stores a new account whole', async () => {
    expect(await bench.store().accounts.create(newAccount('ann', null), acts())).toBe('created');
    const store = await bench.reopened();
    expect(await store.accounts.byId(userOf('ann'))).toEqual(account('ann'));
    expect(await store.accounts.byHandle('ann')).toEqual(account('ann'));
    expect(await store.accounts.byCredential('credential-ann')).toEqual(account('ann'));
    expect(await store.devices.byId(deviceOf('ann'))).toEqual(device('ann'));
    expect(await store.devices.counts(deviceOf('ann'))).toEqual(new Map([[1, 1]]));
    expect(await store.vaults.get(userOf('ann'))).toEqual(vault('ann'));
    expect(await store.sessions.byId(sessionOf('ann'))).toEqual(session('ann'));
  });

  it('answers null for whom it does not know', async () => {
    const { accounts } = bench.store();
    expect(await accounts.byId(userOf('nobody'))).toBeNull();
    expect(await accounts.byHandle('nobody')).toBeNull();
    expect(await accounts.byCredential('nothing')).toBeNull();
    expect(await accounts.count()).toBe(0);
    expect(await accounts.list(null, 10)).toEqual([]);
  });

  it('[A1] makes one owner, also of two that race', async () => {
    const { accounts } = bench.store();
    const outcomes = await Promise.all([
      accounts.create(newAccount('ann', null), acts()),
      accounts.create(newAccount('bob', null), acts()),
    ]);
    expect(outcomes.toSorted()).toEqual(['created', 'setup_done']);
    const again = await bench.reopened();
    expect(await again.accounts.create(newAccount('cem', null), acts())).toBe('setup_done');
    expect(await again.accounts.count()).toBe(1);
  });

  it('[A2] lets two racing uses of an invite make one account', async () => {
    const { accounts, invites } = bench.store();
    await invites.create(invite('one'), acts());
    const outcomes = await Promise.all([
      accounts.create(newAccount('ann', 'one'), acts()),
      accounts.create(newAccount('bob', 'one'), acts()),
    ]);
    expect(outcomes.toSorted()).toEqual(['created', 'invite_used']);
    expect(await accounts.count()).toBe(1);
    const used = await (await bench.reopened()).invites.byTokenHash(bytesOf('token one'));
    expect(used?.state).toBe('used');
    expect([userOf('ann'), userOf('bob')]).toContain(used?.usedBy);
  });

  it('gives a handle to one of two that race for it, and leaves the invite of the other open', async () => {
    const { accounts, invites } = bench.store();
    await Promise.all([invites.create(invite('one'), acts()), invites.create(invite('two'), acts())]);
    const rival = newAccount('bob', 'two', { account: { ...account('bob'), handle: 'ann' } });
    const outcomes = await Promise.all([
      accounts.create(newAccount('ann', 'one'), acts()),
      accounts.create(rival, acts()),
    ]);
    expect(outcomes).toEqual(['created', 'handle_taken']);
    const store = await bench.reopened();
    expect((await store.invites.byTokenHash(bytesOf('token two')))?.state).toBe('open');
    expect(await store.accounts.byId(userOf('bob'))).toBeNull();
    expect(await store.vaults.get(userOf('bob'))).toBeNull();
    expect(await store.devices.byId(deviceOf('bob'))).toBeNull();
  });
}

function accountRules(bench: Bench): void {
  it('refuses a person, a passkey or a device that is there already', async () => {
    const { accounts, invites } = bench.store();
    await accounts.create(newAccount('ann', null), acts());
    await invites.create(invite('one'), acts());
    expect(await accounts.create(newAccount('ann', 'one'), acts())).toBe('account_exists');
    expect(
      await accounts.create(
        newAccount('bob', 'one', { account: { ...account('bob'), passkeys: account('ann').passkeys } }),
        acts(),
      ),
    ).toBe('account_exists');
    expect(await accounts.create(newAccount('bob', 'one', { device: device('bob', 'ann') }), acts())).toBe(
      'account_exists',
    );
    expect(await accounts.create(newAccount('bob', 'one'), acts())).toBe('created');
  });

  it('lists in order of handles, page by page', async () => {
    const names = ['dora', 'ann', 'eve', 'bob', 'cem'];
    const { accounts, invites } = bench.store();
    expect(await accounts.count()).toBe(0);
    for (const name of names) {
      await invites.create(invite(name), acts());
      await accounts.create(newAccount(name, name), acts());
    }
    const read = async (from: typeof accounts): Promise<readonly string[][]> => {
      const first = await from.list(null, 2);
      const second = await from.list(first.at(-1)?.handle ?? null, 2);
      const third = await from.list(second.at(-1)?.handle ?? null, 2);
      return [first, second, third, await from.list('eve', 2)].map((page) => page.map((one) => one.handle));
    };
    const expected = [['ann', 'bob'], ['cem', 'dora'], ['eve'], []];
    expect(await read(accounts)).toEqual(expected);
    expect(await read((await bench.reopened()).accounts)).toEqual(expected);
    expect(await bench.store().accounts.count()).toBe(5);
  });

  it('records the use of a passkey', async () => {
    const { accounts } = bench.store();
    await accounts.create(newAccount('ann', null), acts());
    const use = { counter: 7, backedUp: true, usedAt: startMs + 1 };
    expect(await accounts.passkeyUsed(userOf('ann'), 'credential-ann', use)).toBe('used');
    const found = await (await bench.reopened()).accounts.byId(userOf('ann'));
    expect(found?.passkeys).toEqual(account('ann').passkeys.map((passkey) => ({ ...passkey, ...use })));
    expect(await bench.store().accounts.passkeyUsed(userOf('ann'), 'other', use)).toBe('unknown');
    expect(await bench.store().accounts.passkeyUsed(userOf('bob'), 'credential-ann', use)).toBe('unknown');
  });

  it('keeps nobody from changing what is stored by changing what was handed in or out', async () => {
    const { accounts } = bench.store();
    const given = newAccount('ann', null);
    await accounts.create(given, acts());
    given.account.identityKey.fill(0);
    (await accounts.byHandle('ann'))?.identityKey.fill(1);
    expect(await accounts.byId(userOf('ann'))).toEqual(account('ann'));
  });
}

function sessionRules(bench: Bench): void {
  it('[A14] notes a proof and that it did what it had to, in one batch with the acts', async () => {
    const { sessions, audit } = bench.store();
    await sessions.create({ ...session('one', 'ann'), must: 'change_password' }, acts());
    const before = (await audit.tree()).size;
    await sessions.settle(sessionOf('one'), { provenAt: startMs + 9 }, acts('session.proven'));
    await sessions.settle(sessionOf('none'), { provenAt: startMs + 9 }, acts('session.proven'));
    expect((await audit.tree()).size).toBe(before + 1);
    const proven = { ...session('one', 'ann'), provenAt: startMs + 9 };
    expect(await sessions.byId(sessionOf('one'))).toEqual({ ...proven, must: 'change_password' });
    await sessions.settle(sessionOf('one'), { must: null }, acts('password.changed'));
    expect(await (await bench.reopened()).sessions.byId(sessionOf('one'))).toEqual(proven);
  });

  it('binds a device and ends', async () => {
    const { sessions } = bench.store();
    await sessions.create(session('one', 'ann'), acts());
    await sessions.bindDevice(sessionOf('one'), deviceOf('ann'), acts());
    expect(await (await bench.reopened()).sessions.byId(sessionOf('one'))).toEqual({
      ...session('one', 'ann'),
      deviceId: deviceOf('ann'),
    });
    await bench.store().sessions.end(sessionOf('one'), acts());
    await bench.store().sessions.end(sessionOf('one'), acts());
    expect(await (await bench.reopened()).sessions.byId(sessionOf('one'))).toBeNull();
    await expect(bench.store().sessions.bindDevice(sessionOf('one'), deviceOf('ann'), acts())).rejects.toBeInstanceOf(
      StoreFailure,
    );
  });

  it('sweeps what expired before now, no more than asked', async () => {
    const { sessions } = bench.store();
    for (let at = 0; at < 5; at += 1) await sessions.create(session(`s${at}`, 'ann', startMs + at), acts());
    expect(await sessions.sweep(startMs, 10)).toBe(0);
    expect(await sessions.sweep(startMs + 3, 2)).toBe(2);
    const store = await bench.reopened();
    expect(await store.sessions.sweep(startMs + 3, 10)).toBe(1);
    expect(await store.sessions.sweep(startMs + 3, 10)).toBe(0);
    const left = await Promise.all([0, 1, 2, 3, 4].map((at) => store.sessions.byId(sessionOf(`s${at}`))));
    expect(left.map((each) => each !== null)).toEqual([false, false, false, true, true]);
  });
}

function ownSessionRules(bench: Bench): void {
  it('[S6] keeps from where and how it began, and gives all of a person', async () => {
    const { sessions } = bench.store();
    const told = {
      factor: 'password+totp',
      network: '192.0.2.0/24',
      browser: 'Firefox',
      system: 'Linux',
      provenAt: startMs + 5,
      must: 'change_password',
    } as const;
    await sessions.create({ ...session('one', 'ann'), ...told }, acts());
    await sessions.create(session('two', 'ann'), acts());
    await sessions.create(session('three', 'bob'), acts());
    const found = await (await bench.reopened()).sessions.ofUser(userOf('ann'));
    expect(found.toSorted((one, other) => (one.factor ?? '').localeCompare(other.factor ?? ''))).toEqual([
      session('two', 'ann'),
      { ...session('one', 'ann'), ...told },
    ]);
  });

  it('[S6] ends all of a person but one, and records it only when there was one to end', async () => {
    const { sessions, audit } = bench.store();
    for (const name of ['one', 'two', 'three']) await sessions.create(session(name, 'ann'), acts());
    await sessions.create(session('other', 'bob'), acts());
    const [ended, racing] = await Promise.all([
      sessions.endOf(userOf('ann'), sessionOf('two'), acts('session.ended')),
      sessions.end(sessionOf('three'), acts('session.ended')),
      sessions.used(sessionOf('one'), startMs + dayMs),
    ]);
    expect(racing).toBeUndefined();
    expect(ended.map(({ sessionId }) => sessionId)).toContain(sessionOf('one'));
    const entries = (await audit.tree()).size;
    expect(await sessions.endOf(userOf('ann'), sessionOf('two'), acts('session.ended'))).toEqual([]);
    expect((await audit.tree()).size).toBe(entries);
    const store = await bench.reopened();
    expect((await store.sessions.ofUser(userOf('ann'))).map(({ sessionId }) => sessionId)).toEqual([sessionOf('two')]);
    expect(await store.sessions.byId(sessionOf('other'))).not.toBeNull();
    expect((await store.sessions.endOf(userOf('ann'), null, acts('session.ended'))).length).toBe(1);
  });
}

function inviteRules(bench: Bench): void {
  it('finds by token, lists by age and revokes', async () => {
    const { invites } = bench.store();
    await invites.create(invite('late', startMs + dayMs), acts());
    await invites.create(invite('early'), acts());
    expect(await invites.byTokenHash(bytesOf('token early'))).toEqual(invite('early'));
    expect(await invites.byTokenHash(bytesOf('token none'))).toBeNull();
    expect(await invites.revoke(inviteOf('early'), acts())).toBe('revoked');
    expect(await invites.revoke(inviteOf('early'), acts())).toBe('revoked');
    expect(await invites.revoke(inviteOf('none'), acts())).toBe('unknown');
    const store = await bench.reopened();
    expect(await store.invites.list()).toEqual([
      { ...invite('early'), state: 'revoked' },
      invite('late', startMs + dayMs),
    ]);
    expect(await store.accounts.create(newAccount('ann', 'early'), acts())).toBe('invite_used');
    expect(await store.accounts.create(newAccount('ann', 'late'), acts())).toBe('created');
    expect(await store.invites.revoke(inviteOf('late'), acts())).toBe('used');
  });

  it('keeps the note on an invite until it is used or revoked', async () => {
    const { accounts, invites } = bench.store();
    for (const name of ['one', 'two', 'three']) await invites.create({ ...invite(name), label: `for ${name}` }, acts());
    await accounts.create(newAccount('ann', 'one'), acts());
    await invites.revoke(invite('two').inviteId, acts());
    const kept = await (await bench.reopened()).invites.list();
    expect(kept.flatMap(({ label }) => label ?? [])).toEqual(['for three']);
  });

  it('[A2] lets either a use or a racing revocation win, never both', async () => {
    const { accounts, invites } = bench.store();
    await invites.create(invite('one'), acts());
    const [made, revoked] = await Promise.all([
      accounts.create(newAccount('ann', 'one'), acts()),
      invites.revoke(inviteOf('one'), acts()),
    ]);
    expect([
      ['created', 'used'],
      ['invite_used', 'revoked'],
    ]).toContainEqual([made, revoked]);
  });
}

function ceremonyRules(bench: Bench): void {
  it('[S4] gives a value once, also to two that race', async () => {
    const { ceremonies } = bench.store();
    await ceremonies.put(ceremonyOf('one'), bytesOf('value'), startMs + 1000);
    const taken = await Promise.all([
      ceremonies.take(ceremonyOf('one'), startMs),
      ceremonies.take(ceremonyOf('one'), startMs),
    ]);
    expect(taken.filter((value) => value !== null)).toEqual([bytesOf('value')]);
    expect(await (await bench.reopened()).ceremonies.take(ceremonyOf('one'), startMs)).toBeNull();
  });

  it('[A5] gives nothing once it is expired, and survives a restart before', async () => {
    const { ceremonies } = bench.store();
    await ceremonies.put(ceremonyOf('one'), bytesOf('one'), startMs + 1000);
    await ceremonies.put(ceremonyOf('two'), bytesOf('two'), startMs + 1000);
    const store = await bench.reopened();
    expect(await store.ceremonies.take(ceremonyOf('one'), startMs + 999)).toEqual(bytesOf('one'));
    expect(await store.ceremonies.take(ceremonyOf('two'), startMs + 1000)).toBeNull();
    expect(await store.ceremonies.take(ceremonyOf('two'), startMs)).toBeNull();
  });
}

function closingRules(bench: Bench): void {
  it('[L5] refuses writes once closed', async () => {
    const store = bench.store();
    await store.close();
    expect(store.isOpen()).toBe(false);
    await expect(store.sessions.create(session('late'), acts())).rejects.toBeInstanceOf(StoreFailure);
  });
}

export function accountsContract(bench: Bench): void {
  describe('accounts', () => {
    newAccountRules(bench);
    accountRules(bench);
  });
  describe('sessions', () => {
    sessionRules(bench);
    ownSessionRules(bench);
  });
  describe('invites', () => {
    inviteRules(bench);
  });
  describe('ceremonies', () => {
    ceremonyRules(bench);
  });
  describe('closing', () => {
    closingRules(bench);
  });
}
