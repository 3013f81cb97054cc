import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../server/ports/credentials.ts';
import { acts } from './acts.ts';
import { account, bytesOf, invite, newAccount, startMs, userOf } from './people.ts';
import type { Bench } from './store-contract.ts';

const erasureReason = { kind: 'request', by: userOf('ann'), text: 'Asked by letter' } as const;

export function credentialsContract(bench: Bench): void {
  describe('credentials', () => {
    it('[A10] lets a counter only grow, also of two uses that race, unless neither side counts', async () => {
      const { accounts } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      const use = (counter: number) =>
        accounts.passkeyUsed(userOf('ann'), 'credential-ann', { counter, backedUp: false, usedAt: startMs });
      expect([await use(0), await use(0)]).toEqual(['used', 'used']);
      expect((await Promise.all([use(5), use(5)])).toSorted()).toEqual(['counter_back', 'used']);
      expect([await use(4), await use(0), await use(6)]).toEqual(['counter_back', 'counter_back', 'used']);
      const found = await (await bench.reopened()).accounts.byId(userOf('ann'));
      expect(found?.passkeys.map(({ counter }) => counter)).toEqual([6]);
    });

    const full = (): Credentials => ({
      passwordHash: 'a hash',
      passwordFacts: { setAt: startMs, earlier: ['an earlier one'], weak: true },
      totp: { secret: bytesOf('secret', 20), createdAt: startMs, lastStep: 7 },
      recoveryCodes: { hashes: [bytesOf('one'), bytesOf('two')], createdAt: startMs },
      passkeys: [
        ...account('ann').passkeys,
        { ...account('second').passkeys[0]!, name: 'Key', backupEligible: true, usedAt: startMs },
      ],
    });

    it('[A9] changes credentials whole, by version, and finds the account by its new passkeys and not by the old ones', async () => {
      const { accounts } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      expect(await accounts.changeCredentials(userOf('ann'), 0, full(), acts('passkey.added'))).toBe('changed');
      expect(await accounts.changeCredentials(userOf('ann'), 0, full(), acts('passkey.added'))).toBe('conflict');
      expect(await accounts.changeCredentials(userOf('bob'), 0, full(), acts('passkey.added'))).toBe('unknown');
      const store = await bench.reopened();
      const { passkeys: _before, passwordHash: _none, ...person } = account('ann');
      const changed = { ...person, ...full(), credentialsVersion: 1 };
      expect(await store.accounts.byCredential('credential-second')).toEqual(changed);
      const left = { passwordHash: null, passkeys: full().passkeys.slice(1) };
      expect(await store.accounts.changeCredentials(userOf('ann'), 1, left, acts('passkey.removed'))).toBe('changed');
      expect(await store.accounts.byCredential('credential-ann')).toBeNull();
      expect(await store.accounts.byId(userOf('ann'))).toEqual({ ...person, ...left, credentialsVersion: 2 });
    });

    it('[A9] records a change once, and nothing for one that did not come to be', async () => {
      const { accounts, audit } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      const before = (await audit.tree()).size;
      const outcomes = await Promise.all([
        accounts.changeCredentials(userOf('ann'), 0, full(), acts('totp.added')),
        accounts.changeCredentials(userOf('ann'), 0, { ...full(), passwordHash: 'other' }, acts('totp.added')),
      ]);
      expect(outcomes.toSorted()).toEqual(['changed', 'conflict']);
      expect((await audit.tree()).size).toBe(before + 1);
      expect(await accounts.changeCredentials(userOf('ann'), 1, full(), null)).toBe('changed');
      expect((await audit.tree()).size).toBe(before + 1);
    });

    it('[A9] a use of a passkey meanwhile makes it another version, and nobody takes a passkey of somebody else', async () => {
      const { accounts, invites } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      await invites.create(invite('one'), acts());
      await accounts.create(newAccount('bob', 'one'), acts());
      await accounts.passkeyUsed(userOf('ann'), 'credential-ann', { counter: 3, backedUp: false, usedAt: startMs });
      expect(await accounts.changeCredentials(userOf('ann'), 0, full(), acts())).toBe('conflict');
      const stolen = { ...full(), passkeys: account('bob').passkeys };
      expect(await accounts.changeCredentials(userOf('ann'), 1, stolen, acts())).toBe('taken');
      expect((await accounts.byCredential('credential-bob'))?.userId).toBe(userOf('bob'));
      expect((await accounts.byId(userOf('ann')))?.passkeys[0]?.counter).toBe(3);
    });

    it('[A9] an account that is taken away while its credentials change stays away', async () => {
      const { accounts, invites, people } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      await invites.create(invite('one'), acts());
      await accounts.create(newAccount('bob', 'one'), acts());
      const use = { counter: 3, backedUp: false, usedAt: startMs };
      await Promise.all([
        people.take(userOf('bob'), { state: 'closing', goneAt: startMs, reason: { ...erasureReason } }, acts()),
        accounts.passkeyUsed(userOf('bob'), 'credential-bob', use),
        accounts.changeCredentials(userOf('bob'), 0, { passwordHash: null, passkeys: [] }, acts()),
      ]);
      expect(await (await bench.reopened()).accounts.byId(userOf('bob'))).toBeNull();
    });
  });
}
