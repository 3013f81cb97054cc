import { createHash } from 'node:crypto';
import { acts } from './acts.ts';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  conversationOf,
  device,
  deviceOf,
  invite,
  keyPackage,
  newAccount,
  session,
  startMs,
  userOf,
  vault,
} from './people.ts';
import type { Bench } from './store-contract.ts';

export function vaultsContract(bench: Bench): void {
  describe('vaults', () => {
    it('[V2] updates a vault only from the version that the caller has seen', async () => {
      const { accounts, vaults } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      const ann = userOf('ann');
      const outcomes = await Promise.all([
        vaults.update(ann, 1, bytesOf('first'), vault('first').unlockers, acts()),
        vaults.update(ann, 1, bytesOf('second'), vault('second').unlockers, acts()),
      ]);
      expect(outcomes).toEqual(['updated', 'conflict']);
      const store = await bench.reopened();
      expect(await store.vaults.get(ann)).toEqual({
        version: 2,
        sealed: bytesOf('first'),
        unlockers: vault('first').unlockers,
      });
      expect(await store.vaults.update(ann, 1, bytesOf('third'), [], acts())).toBe('conflict');
      expect(await store.vaults.update(userOf('nobody'), 0, bytesOf('third'), [], acts())).toBe('conflict');
      expect(await store.vaults.get(userOf('nobody'))).toBeNull();
    });

    it('[V4] puts an item sealed anew in the place of exactly the one that it was made from', async () => {
      const { vaults } = bench.store();
      const ann = userOf('ann');
      const place = { conversationId: conversationOf('team'), epoch: 7 };
      const hash = (name: string) => new Uint8Array(createHash('sha256').update(bytesOf(name, 80)).digest());
      await vaults.archive(ann, [{ ...place, sealed: bytesOf('old', 80) }]);
      await vaults.reseal(ann, [{ ...place, was: hash('other'), sealed: bytesOf('wrong', 80) }]);
      await vaults.reseal(ann, [{ ...place, epoch: 8, was: hash('old'), sealed: bytesOf('none', 80) }]);
      await vaults.reseal(userOf('bob'), [{ ...place, was: hash('old'), sealed: bytesOf('foreign', 80) }]);
      await vaults.reseal(ann, [{ ...place, was: hash('old'), sealed: bytesOf('new', 80) }]);
      await vaults.reseal(ann, [{ ...place, was: hash('old'), sealed: bytesOf('late', 80) }]);
      const store = await bench.reopened();
      expect(await store.vaults.archived(ann, conversationOf('team'), null, 10)).toEqual([
        { epoch: 7, sealed: bytesOf('new', 80) },
      ]);
    });

    it('[V5] begins anew: other identity, device and vault in one step, other sessions over, nothing sealed left', async () => {
      const { accounts, sessions, vaults } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      const ann = userOf('ann');
      await sessions.create(session('here', 'ann'), acts());
      await vaults.archive(ann, [{ conversationId: conversationOf('team'), epoch: 1, sealed: bytesOf('old', 80) }]);
      await vaults.putItem(ann, 'pins', 0, bytesOf('pins', 80));
      const anew = {
        identityKey: bytesOf('another identity'),
        device: device('ann', 'fresh'),
        keyPackages: [keyPackage('of fresh')],
        vault: { sealed: bytesOf('fresh vault', 90), unlockers: vault('fresh').unlockers },
        sessionId: session('here').sessionId,
      };
      const started = await accounts.startAnew(ann, anew, acts());
      expect(started?.ended.map(({ sessionId }) => sessionId)).not.toContain(session('here').sessionId);
      const store = await bench.reopened();
      expect(await store.accounts.byId(ann)).toMatchObject({ identityKey: anew.identityKey, leaving: true });
      await store.accounts.left(ann);
      await store.accounts.left(ann);
      expect((await store.accounts.byId(ann))?.leaving).toBeUndefined();
      expect(await store.devices.ofUsers([ann])).toEqual([anew.device]);
      expect(await store.devices.counts(deviceOf('ann'))).toEqual(new Map());
      expect(await store.devices.counts(deviceOf('fresh'))).toEqual(new Map([[1, 1]]));
      expect(await store.vaults.get(ann)).toEqual({ version: 2, ...anew.vault });
      expect(await store.vaults.archived(ann, conversationOf('team'), null, 10)).toEqual([]);
      expect(await store.vaults.item(ann, 'pins')).toBeNull();
      expect((await store.sessions.byId(session('here').sessionId))?.deviceId).toBe(deviceOf('fresh'));
      for (const ended of started?.ended ?? []) expect(await store.sessions.byId(ended.sessionId)).toBeNull();
      expect(await store.accounts.startAnew(ann, anew, acts())).toBeNull();
      expect(await store.devices.register(device('ann'), [], 10, acts())).toBe('exists');
    });

    it('[V5] [S6] beginning anew brings no session back that ends meanwhile', async () => {
      const { accounts, sessions } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      const ann = userOf('ann');
      const alive: string[] = [];
      for (let round = 0; round < 24; round += 1) {
        const [here, away] = [session(`here${round}`, 'ann'), session(`away${round}`, 'ann')];
        for (const one of [here, away]) await sessions.create(one, acts());
        const anew = {
          identityKey: bytesOf(`identity ${round}`),
          device: device('ann', `fresh${round}`),
          keyPackages: [],
          vault: { sealed: bytesOf('fresh vault', 90), unlockers: vault('fresh').unlockers },
          sessionId: here.sessionId,
        };
        const noting = async (): Promise<void> => {
          for (let times = 1; times <= 12; times += 1) await sessions.used(away.sessionId, startMs + times);
        };
        // A moment that differs each round.
        const ending = async (): Promise<void> => {
          for (let turns = 0; turns < round; turns += 1) await sessions.byId(here.sessionId);
          await sessions.end(here.sessionId, acts());
        };
        const [started] = await Promise.all([accounts.startAnew(ann, anew, acts()), noting(), ending()]);
        const left = (await sessions.ofUser(ann)).map(({ sessionId }) => sessionId);
        alive.push(...left.filter((id) => id === here.sessionId || (id === away.sessionId && started !== null)));
      }
      expect(alive).toEqual([]);
    });

    it('[V3] keeps the first archive item of an epoch', async () => {
      const { vaults } = bench.store();
      const item = (epoch: number, name: string, conversation = 'team') => ({
        conversationId: conversationOf(conversation),
        epoch,
        sealed: bytesOf(name, 80),
      });
      const ann = userOf('ann');
      await Promise.all([
        vaults.archive(ann, [item(1, 'one'), item(1, 'not one'), item(2, 'two')]),
        vaults.archive(ann, [item(2, 'not two'), item(300, 'late'), item(9, 'elsewhere', 'other')]),
        vaults.archive(userOf('bob'), [item(4, 'of bob')]),
      ]);
      const store = await bench.reopened();
      await store.vaults.archive(ann, [item(300, 'not late')]);
      const read = async (before: number | null, limit: number): Promise<readonly [number, boolean][]> =>
        (await store.vaults.archived(ann, conversationOf('team'), before, limit)).map(({ epoch, sealed }) => [
          epoch,
          Buffer.from(sealed).equals(bytesOf(epoch === 1 ? 'one' : epoch === 2 ? 'two' : 'late', 80)),
        ]);
      expect(await read(null, 10)).toEqual([
        [300, true],
        [2, true],
        [1, true],
      ]);
      expect(await read(300, 10)).toEqual([
        [2, true],
        [1, true],
      ]);
      expect(await read(null, 1)).toEqual([[300, true]]);
      expect(await read(0, 10)).toEqual([]);
    });

    it('[V2] stores an item only from the version that the caller has seen', async () => {
      const { vaults } = bench.store();
      const ann = userOf('ann');
      expect(await vaults.item(ann, 'settings')).toBeNull();
      expect(await vaults.putItem(ann, 'settings', 1, bytesOf('a'))).toBe('conflict');
      const outcomes = await Promise.all([
        vaults.putItem(ann, 'settings', 0, bytesOf('a')),
        vaults.putItem(ann, 'settings', 0, bytesOf('b')),
      ]);
      expect(outcomes).toEqual(['stored', 'conflict']);
      const store = await bench.reopened();
      expect(await store.vaults.item(ann, 'settings')).toEqual({ version: 1, sealed: bytesOf('a') });
      expect(await store.vaults.putItem(ann, 'settings', 1, bytesOf('c'))).toBe('stored');
      expect(await store.vaults.item(ann, 'settings')).toEqual({ version: 2, sealed: bytesOf('c') });
      expect(await store.vaults.item(userOf('bob'), 'settings')).toBeNull();
    });

    it('[R14] of an erased account nothing is left, and what was under way for it comes too late', async () => {
      const { accounts, invites, vaults, people } = bench.store();
      await accounts.create(newAccount('ann', null), acts());
      await invites.create(invite('for bob'), acts());
      await accounts.create(newAccount('bob', 'for bob'), acts());
      const bob = userOf('bob');
      const item = { conversationId: conversationOf('team'), epoch: 1, sealed: bytesOf('epoch', 80) };
      await vaults.archive(bob, [item]);
      await vaults.putItem(bob, 'settings', 0, bytesOf('settings'));
      const taken = {
        state: 'erasing',
        goneAt: startMs,
        reason: { kind: 'request', by: userOf('ann'), text: 'asked' },
      } as const;
      expect(await people.take(userOf('ann'), taken, acts())).toBe('unknown');
      expect(await people.take(bob, taken, acts())).toBe('taken');
      expect(await people.take(bob, taken, acts())).toBe('unknown');
      await vaults.archive(bob, [{ ...item, epoch: 2 }]);
      expect(await vaults.putItem(bob, 'late', 0, bytesOf('late'))).toBe('conflict');
      expect((await people.erase(bob, async () => undefined)).state).toBe('erasing');
      const store = await bench.reopened();
      const left = [
        await store.accounts.byId(bob),
        await store.vaults.get(bob),
        await store.vaults.item(bob, 'settings'),
        await store.vaults.item(bob, 'late'),
        await store.people.gone(userOf('ann')),
      ];
      expect(left).toEqual([null, null, null, null, null]);
      expect(await store.vaults.archived(bob, conversationOf('team'), null, 10)).toEqual([]);
      expect(await store.people.gone(bob)).toMatchObject({ userId: bob, state: 'erasing' });
      expect(await store.accounts.byId(userOf('ann'))).not.toBeNull();
    });
  });
}
