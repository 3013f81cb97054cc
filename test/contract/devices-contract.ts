import { acts } from './acts.ts';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  change,
  conversationOf,
  device,
  deviceOf,
  invite,
  keyPackage,
  LogWriter,
  newAccount,
  roster,
  session,
  startMs,
  userOf,
  welcome,
  welcomeOf,
} from './people.ts';
import { type Store, StoreFailure } from '../../server/ports/store.ts';
import type { Bench } from './store-contract.ts';

/** Devices belong to accounts: the owner's first, the others by invites; each with its device of the person's name. */
async function people(store: Store, ...names: readonly string[]): Promise<void> {
  for (const [at, name] of names.entries()) {
    if (at > 0) await store.invites.create(invite(name), acts());
    const outcome = await store.accounts.create(newAccount(name, at === 0 ? null : name, { keyPackages: [] }), acts());
    if (outcome !== 'created') throw new Error(`no account for ${name}: ${outcome}`);
  }
}

function deviceRules(bench: Bench): void {
  it('[D2] registers an id once and at most so many for a person', async () => {
    const { devices } = bench.store();
    await people(bench.store(), 'ann', 'bob');
    const outcomes = await Promise.all(
      ['a1', 'a2', 'a3'].map((name) => devices.register(device('ann', name), [], 3, acts())),
    );
    expect(outcomes.toSorted()).toEqual(['registered', 'registered', 'too_many']);
    expect(await devices.register(device('bob', 'a1'), [], 2, acts())).toBe('exists');
    const store = await bench.reopened();
    expect(await store.devices.register(device('bob', 'a1'), [], 2, acts())).toBe('exists');
    expect(await store.devices.register(device('ann', 'a4'), [], 3, acts())).toBe('too_many');
    expect(await store.devices.byId(deviceOf('a1'))).toEqual(device('ann', 'a1'));
    expect(await store.devices.byId(deviceOf('none'))).toBeNull();
  });

  it('[D2] registers nothing for a person who is not stored', async () => {
    const { devices } = bench.store();
    expect(await devices.register(device('nobody'), [keyPackage('n')], 10, acts())).toBe('unknown_account');
    const store = await bench.reopened();
    expect(await store.devices.byId(deviceOf('nobody'))).toBeNull();
    expect(await store.devices.counts(deviceOf('nobody'))).toEqual(new Map());
  });

  it('lists the devices of several people, each once', async () => {
    const { devices } = bench.store();
    await people(bench.store(), 'ann', 'bob', 'cem');
    for (const [person, name] of [
      ['ann', 'a1'],
      ['bob', 'b1'],
      ['ann', 'a2'],
      ['cem', 'c1'],
    ] as const) {
      await devices.register(device(person, name), [], 10, acts());
    }
    const store = await bench.reopened();
    const found = await store.devices.ofUsers([userOf('bob'), userOf('ann'), userOf('nobody'), userOf('ann')]);
    expect(found).toEqual([
      device('bob'),
      device('bob', 'b1'),
      device('ann'),
      device('ann', 'a1'),
      device('ann', 'a2'),
    ]);
    expect(await store.devices.ofUsers([])).toEqual([]);
  });
}

function keyPackageRules(bench: Bench): void {
  it('[K2] hands a one-time package out once, also to racing claims and after a restart', async () => {
    const { devices } = bench.store();
    const ann = device('ann', 'tablet');
    await people(bench.store(), 'ann');
    await devices.register(ann, [keyPackage('last', 1, true), keyPackage('p1'), keyPackage('p2')], 10, acts());
    await devices.publish(ann.deviceId, [keyPackage('p3')]);
    expect(await devices.counts(ann.deviceId)).toEqual(new Map([[1, 3]]));
    const raced = await Promise.all([devices.claim([ann], 1), devices.claim([ann], 1)]);
    const store = await bench.reopened();
    const later = await store.devices.claim([ann], 1);
    const claimed = [...raced, later].map((each) => each?.[0]);
    expect(claimed.map((each) => each?.lastResort)).toEqual([false, false, false]);
    expect(new Set(claimed.map((each) => Buffer.from(each?.bytes ?? []).toString('hex'))).size).toBe(3);
    const rest = await Promise.all([store.devices.claim([ann], 1), store.devices.claim([ann], 1)]);
    const last = { userId: ann.userId, deviceId: ann.deviceId, bytes: keyPackage('last').bytes, lastResort: true };
    expect(rest).toEqual([[last], [last]]);
    expect(await store.devices.counts(ann.deviceId)).toEqual(new Map([[1, 0]]));
  });

  it('[K2] does not hand out again what its device publishes again', async () => {
    const { devices } = bench.store();
    const ann = device('ann', 'tablet');
    await people(bench.store(), 'ann');
    await devices.register(ann, [keyPackage('p1')], 10, acts());
    await devices.publish(ann.deviceId, [keyPackage('p1'), keyPackage('p2'), keyPackage('p2')]);
    expect(await devices.counts(ann.deviceId)).toEqual(new Map([[1, 2]]));
    await devices.claim([ann], 1);
    await devices.claim([ann], 1);
    const store = await bench.reopened();
    await store.devices.publish(ann.deviceId, [keyPackage('p1'), keyPackage('p2')]);
    expect(await store.devices.claim([ann], 1)).toBeNull();
  });

  it('[K3] claims for all devices or uses up nothing', async () => {
    const { devices } = bench.store();
    await people(bench.store(), 'ann', 'bob');
    await devices.publish(deviceOf('ann'), [keyPackage('a')]);
    await devices.publish(deviceOf('bob'), [keyPackage('b', 83)]);
    expect(await devices.claim([device('ann'), device('bob')], 1)).toBeNull();
    const store = await bench.reopened();
    expect(await store.devices.counts(deviceOf('ann'))).toEqual(new Map([[1, 1]]));
    expect(await store.devices.counts(deviceOf('bob'))).toEqual(new Map([[83, 1]]));
    await store.devices.publish(deviceOf('bob'), [keyPackage('b2')]);
    const claimed = await store.devices.claim([device('ann'), device('bob')], 1);
    expect(claimed?.map((each) => [each.deviceId, each.bytes])).toEqual([
      [deviceOf('ann'), keyPackage('a').bytes],
      [deviceOf('bob'), keyPackage('b2').bytes],
    ]);
    expect(await store.devices.counts(deviceOf('ann'))).toEqual(new Map());
    expect(await store.devices.claim([], 1)).toEqual([]);
  });

  it('replaces a last-resort package by the later one of its suite', async () => {
    const { devices } = bench.store();
    await people(bench.store(), 'ann');
    await devices.publish(deviceOf('ann'), [keyPackage('old', 1, true), keyPackage('other', 83, true)]);
    await devices.publish(deviceOf('ann'), [keyPackage('new', 1, true)]);
    const store = await bench.reopened();
    expect((await store.devices.claim([device('ann')], 1))?.[0]?.bytes).toEqual(keyPackage('new').bytes);
    expect((await store.devices.claim([device('ann')], 83))?.[0]?.bytes).toEqual(keyPackage('other').bytes);
  });
}

function mailboxRules(bench: Bench): void {
  it('[M1] keeps a welcome until its device acknowledges it', async () => {
    const { conversations, devices } = bench.store();
    const log = new LogWriter('team');
    const first = log.next('created');
    const shared = bytesOf('shared welcome', 5000);
    const welcomes = ['bob', 'cem'].map((name) => ({
      deviceId: deviceOf(name),
      welcome: welcome(`${name} 1`, 'team', 1, shared),
    }));
    await conversations.create(
      log.record(roster(['ann', 'bob', 'cem']), first),
      [first],
      change(roster(['ann', 'bob', 'cem']), { welcomes }),
    );
    const later = welcome('bob 2', 'team', 2);
    await conversations.append(
      conversationOf('team'),
      1,
      [log.next('commit')],
      change(roster(['ann', 'bob', 'cem'], 1), {
        welcomes: [{ deviceId: deviceOf('bob'), welcome: later }],
      }),
    );
    expect(await devices.welcomes(deviceOf('bob'), 10)).toEqual([welcome('bob 1', 'team', 1, shared), later]);
    expect(await devices.welcomes(deviceOf('bob'), 1)).toEqual([welcome('bob 1', 'team', 1, shared)]);
    await devices.acknowledge(deviceOf('bob'), [welcomeOf('bob 1'), welcomeOf('cem 1')]);
    const store = await bench.reopened();
    expect(await store.devices.welcomes(deviceOf('bob'), 10)).toEqual([later]);
    expect(await store.devices.welcomes(deviceOf('cem'), 10)).toEqual([welcome('cem 1', 'team', 1, shared)]);
    await store.devices.acknowledge(deviceOf('cem'), [welcomeOf('cem 1')]);
    expect(await store.devices.welcomes(deviceOf('cem'), 10)).toEqual([]);
    expect(await store.devices.welcomes(deviceOf('ann'), 10)).toEqual([]);
  });
}

function removalRules(bench: Bench): void {
  it('[D4] takes a device off for good, with packages, mail, sessions and use, and keeps its revocation', async () => {
    const { conversations, devices, sessions } = bench.store();
    await people(bench.store(), 'ann', 'bob');
    const tablet = device('ann', 'tablet');
    await devices.register(tablet, [keyPackage('p1'), keyPackage('last', 1, true)], 10, acts());
    await sessions.create({ ...session('away', 'ann'), deviceId: tablet.deviceId }, acts());
    const log = new LogWriter('team');
    const first = log.next('created');
    const welcomes = [{ deviceId: tablet.deviceId, welcome: welcome('w', 'team', 1) }];
    await conversations.create(
      log.record(roster(['ann', 'tablet']), first),
      [first],
      change(roster(['ann', 'tablet']), { welcomes }),
    );
    await devices.used(tablet.deviceId, startMs + 5);
    expect(await devices.lastUse([device('ann'), tablet])).toEqual([startMs, startMs + 5]);
    expect(await devices.remove(userOf('bob'), tablet.deviceId, bytesOf('no', 105), acts())).toBeNull();
    const ended = await devices.remove(userOf('ann'), tablet.deviceId, bytesOf('word', 105), acts());
    expect(ended?.map(({ sessionId }) => sessionId)).toEqual([session('away').sessionId]);
    const store = await bench.reopened();
    expect(await store.devices.byId(tablet.deviceId)).toBeNull();
    expect(await store.devices.ofUsers([userOf('ann')])).toEqual([device('ann')]);
    expect(await store.sessions.byId(session('away').sessionId)).toBeNull();
    expect(await store.devices.counts(tablet.deviceId)).toEqual(new Map());
    expect(await store.devices.welcomes(tablet.deviceId, 10)).toEqual([]);
    expect(await store.devices.lastUse([tablet])).toEqual([startMs]);
    expect(await store.devices.revocations([userOf('ann'), userOf('bob'), userOf('ann')])).toEqual([
      bytesOf('word', 105),
    ]);
    expect(await store.devices.register(tablet, [], 10, acts())).toBe('exists');
    expect(await store.devices.remove(userOf('ann'), tablet.deviceId, bytesOf('again', 105), acts())).toBeNull();
  });
}

function removalRaces(bench: Bench): void {
  it('[D4] no session of a removed device outlives its removal, whatever is being written of it just then', async () => {
    const { devices, sessions } = bench.store();
    await people(bench.store(), 'ann');
    const alive: string[] = [];
    for (let round = 0; round < 24; round += 1) {
      const tablet = device('ann', `tablet${round}`);
      await devices.register(tablet, [], 100, acts());
      const [noted, proven, bound] = ['noted', 'proven', 'bound'].map((name) => session(`${name}${round}`, 'ann'));
      for (const one of [noted, proven]) await sessions.create({ ...one!, deviceId: tablet.deviceId }, acts());
      await sessions.create(bound!, acts());
      const writing = async (write: () => Promise<unknown>): Promise<void> => {
        // Over again, so that one of them is under way at whatever moment the removal is stored.
        for (let times = 0; times < 12; times += 1)
          await write().catch((cause: unknown) => expect(cause).toBeInstanceOf(StoreFailure));
      };
      let used = startMs;
      await Promise.all([
        writing(() => sessions.used(noted!.sessionId, (used += 1))),
        writing(() => sessions.settle(proven!.sessionId, { provenAt: startMs }, acts())),
        writing(() => sessions.bindDevice(bound!.sessionId, tablet.deviceId, acts())),
        devices.remove(userOf('ann'), tablet.deviceId, bytesOf('word', 105), acts()),
      ]);
      alive.push(
        ...(await sessions.ofUser(userOf('ann')))
          .filter(({ deviceId }) => deviceId === tablet.deviceId)
          .map(({ sessionId }) => sessionId),
      );
    }
    expect(alive).toEqual([]);
  });

  it('[D4] renames a device of the person, and none of another', async () => {
    const { devices } = bench.store();
    await people(bench.store(), 'ann', 'bob');
    expect(await devices.rename(userOf('ann'), deviceOf('ann'), 'the old one')).toBe(true);
    expect(await devices.rename(userOf('bob'), deviceOf('ann'), 'mine')).toBe(false);
    const store = await bench.reopened();
    expect((await store.devices.byId(deviceOf('ann')))?.label).toBe('the old one');
  });
}

export function devicesContract(bench: Bench): void {
  describe('devices', () => {
    deviceRules(bench);
    removalRules(bench);
    removalRaces(bench);
  });
  describe('key packages', () => {
    keyPackageRules(bench);
  });
  describe('mailboxes', () => {
    mailboxRules(bench);
  });
}
