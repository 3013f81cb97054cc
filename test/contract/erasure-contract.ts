import { expect, it } from 'vitest';
import { idFromBytes } from '#protocol/ids.ts';
import type { HoldId, ReceiptId } from '#protocol/retention.ts';
import type { Entry } from '#protocol/envelope.ts';
import type { Store } from '../../server/ports/store.ts';
import {
  bytesOf,
  change,
  conversationOf,
  dayMs,
  deviceOf,
  LogWriter,
  newAccount,
  roster,
  startMs,
  userOf,
  welcome,
} from './people.ts';
import { acts } from './acts.ts';
import { firstDay, pause, policy } from './erasing.ts';
import type { Bench } from './store-contract.ts';

const much = 10_000_000;
const receiptOf = (name: string, at: number) => ({
  receiptId: idFromBytes<ReceiptId>(bytesOf(`receipt ${name}`, 16)),
  at,
  statement: `{"of":"${name}"}`,
  signature: bytesOf(name, 64),
});

/** Three days of four entries each, the title on the first; bob was welcomed on the first day and has an archive. */
async function talked(
  store: Store,
  name = 'team',
): Promise<{ readonly log: LogWriter; readonly entries: readonly Entry[] }> {
  await store.accounts.create(newAccount('ann', null), acts('setup.completed'));
  const log = new LogWriter(name);
  const entries: Entry[] = [log.next('created'), log.next('meta'), log.next(), log.next()];
  const [first] = entries;
  if (first === undefined) throw new Error('no entry');
  const members = roster(['ann', 'bob']);
  const welcomes = [{ deviceId: deviceOf('bob'), welcome: { ...welcome('bob', name, 1), epoch: 0 } }];
  await store.conversations.create(log.record(members, first), entries, change(members, { welcomes }));
  for (let day = 1; day < 3; day += 1) {
    log.sentAt += dayMs;
    const more = log.many(4).map((entry) => ({ ...entry, epoch: day * 20 }));
    await store.conversations.append(log.conversationId, entries.length, more, null);
    entries.push(...more);
  }
  await store.vaults.archive(
    userOf('bob'),
    [0, 1, 15, 16, 19, 20, 40].map((epoch) => ({
      conversationId: log.conversationId,
      epoch,
      sealed: bytesOf(`${epoch}`),
    })),
  );
  return { log, entries };
}

const sequences = (entries: readonly Entry[]): readonly number[] => entries.map(({ sequence }) => sequence);

export function erasureRules(bench: Bench): void {
  floorRules(bench);
  appendingRules(bench);
  registerRules(bench);
  recordRules(bench);
  leaseRules(bench);
}

function floorRules(bench: Bench): void {
  it('[R1] purges whole days from the beginning, and the log goes on where it was', async () => {
    const { log, entries } = await talked(bench.store());
    const id = log.conversationId;
    const { erasure } = bench.store();
    expect(await erasure.plan(id, firstDay)).toBeNull();
    const plan = await erasure.plan(id, firstDay + 1);
    expect(plan).toEqual({
      conversationId: id,
      fromSequence: 1,
      throughSequence: 4,
      fromDay: firstDay,
      throughDay: firstDay,
    });
    if (plan === null) throw new Error('no plan');
    const floor = await erasure.begin(plan, policy, startMs + 40 * dayMs);
    expect(floor).toEqual({
      sequence: 4,
      hash: entries[3]?.hash,
      sentAt: entries[3]?.sentAt,
      day: firstDay,
      purgedAt: startMs + 40 * dayMs,
    });
    // From the moment it has begun, finished or not, and after a restart.
    for (const restart of [false, true]) {
      const { conversations } = restart ? await bench.reopened() : bench.store();
      expect(await conversations.readAfter(id, 0, 100, much)).toEqual(entries.slice(4));
      expect(await conversations.readBefore(id, 5, 100, much)).toEqual([]);
      expect(sequences(await conversations.readBefore(id, 7, 100, much))).toEqual([5, 6]);
      const record = await conversations.load(id);
      expect([record?.floor, record?.metaSequence, record?.headSequence]).toEqual([floor, 0, 12]);
    }
    const store = bench.store();
    const [range] = await store.erasure.finish(pause);
    expect(range).toMatchObject({
      ...plan,
      reason: policy,
      counts: { entries: 4, dataKeys: 1, welcomes: 1, archiveItems: 3 },
    });
    expect(await store.erasure.prove(pause)).toMatchObject({ found: 0, shredded: true });
    await store.erasure.settle(
      receiptOf('one', startMs),
      { conversations: [id], people: [], others: [] },
      acts('purge.run'),
    );
    expect(await store.erasure.finish(pause)).toEqual([]);
    expect(await store.erasure.prove(pause)).toBeNull();
    const next = { ...log.next(), epoch: 40 };
    await store.conversations.append(id, 12, [next], null);
    const reopened = await bench.reopened();
    expect(await reopened.conversations.readAfter(id, 0, 100, much)).toEqual([...entries.slice(4), next]);
    expect(await reopened.devices.welcomes(deviceOf('bob'), 10)).toEqual([]);
    const archived = await reopened.vaults.archived(userOf('bob'), id, null, 50);
    // Down to the whole roster that the first epoch left is read from.
    expect(archived.map(({ epoch }) => epoch)).toEqual([40, 20, 19, 16]);
  });
}

function appendingRules(bench: Bench): void {
  it('[R2] a log that was purged to its end keeps its head, number and hash', async () => {
    const { log, entries } = await talked(bench.store());
    const id = log.conversationId;
    const plan = await bench.store().erasure.plan(id, firstDay + 30);
    if (plan === null) throw new Error('no plan');
    await bench.store().erasure.begin(plan, policy, startMs);
    await bench.store().erasure.finish(pause);
    const store = await bench.reopened();
    const record = await store.conversations.load(id);
    expect([record?.headSequence, record?.headHash, record?.headSentAt]).toEqual([
      12,
      entries[11]?.hash,
      entries[11]?.sentAt,
    ]);
    expect(await store.conversations.readAfter(id, 0, 100, much)).toEqual([]);
    expect(await store.erasure.plan(id, firstDay + 30)).toBeNull();
    // On the very day that was purged, by a clock that went back: it has a key of its own.
    const next = log.next();
    await store.conversations.append(id, 12, [next], null);
    await store.erasure.finish(pause);
    expect(await store.erasure.prove(pause)).toMatchObject({ found: 0 });
    expect(await (await bench.reopened()).conversations.readAfter(id, 0, 100, much)).toEqual([next]);
  });

  it('[R2] takes appends while it purges, and begins nothing that entries were appended to meanwhile', async () => {
    const { log, entries } = await talked(bench.store());
    const id = log.conversationId;
    const { conversations, erasure } = bench.store();
    const plan = await erasure.plan(id, firstDay + 30);
    if (plan === null) throw new Error('no plan');
    const late = log.next();
    await conversations.append(id, 12, [late], null);
    expect(await erasure.begin(plan, policy, startMs)).toBeNull();
    const again = await erasure.plan(id, firstDay + 2);
    if (again === null) throw new Error('no plan');
    const more = log.many(30);
    await Promise.all([
      erasure.begin(again, policy, startMs),
      ...more.map((entry) => conversations.append(id, entry.sequence - 1, [entry], null)),
    ]);
    await Promise.all([erasure.finish(pause), conversations.readAfter(id, 0, 100, much)]);
    const left = await (await bench.reopened()).conversations.readAfter(id, 0, 100, much);
    expect(left).toEqual([...entries.slice(8), late, ...more]);
  });
}

function registerRules(bench: Bench): void {
  it('[R1] [R6] purges a long past in several plans, and a restored one at once', async () => {
    const { conversations, erasure } = bench.store();
    const log = new LogWriter('years');
    const first = log.next('created');
    const members = roster(['ann']);
    await conversations.create(log.record(members, first), [first], change(members));
    const entries = [first];
    for (let day = 1; day < 400; day += 1) {
      log.sentAt += dayMs;
      const entry = log.next();
      entries.push(entry);
      await conversations.append(log.conversationId, entry.sequence - 1, [entry], null);
    }
    const plan = await erasure.plan(log.conversationId, firstDay + 390);
    expect([plan?.fromSequence, plan?.throughSequence]).toEqual([1, 366]);
    const record = await conversations.load(log.conversationId);
    const at = entries[389];
    if (record === null || at === undefined) throw new Error('no log');
    const floor = { sequence: 390, hash: at.hash, sentAt: at.sentAt, day: firstDay + 389, purgedAt: startMs };
    await erasure.reapply([{ conversationId: log.conversationId, generation: record.generation, floor }]);
    expect(await erasure.finish(pause)).toMatchObject([
      { throughSequence: 390, counts: { entries: 390, dataKeys: 390 } },
    ]);
    expect(await erasure.prove(pause)).toMatchObject({ found: 0 });
    const left = await (await bench.reopened()).conversations.readAfter(log.conversationId, 0, 100, much);
    expect(sequences(left)).toEqual([391, 392, 393, 394, 395, 396, 397, 398, 399, 400]);
  });

  it('[R6] puts floors of a register into an older store, and never lowers one', async () => {
    const { log, entries } = await talked(bench.store());
    const { erasure } = bench.store();
    const id = log.conversationId;
    const generation = (await bench.store().conversations.load(id))?.generation;
    const at = entries[7];
    if (generation === undefined || at === undefined) throw new Error('no log');
    const floor = { sequence: 8, hash: at.hash, sentAt: at.sentAt, day: firstDay + 1, purgedAt: startMs };
    const other = idFromBytes<typeof generation>(bytesOf('another', 16));
    expect(await erasure.reapply([{ conversationId: id, generation: other, floor }])).toEqual([]);
    expect(await erasure.reapply([{ conversationId: conversationOf('none'), generation, floor }])).toEqual([]);
    const entry = { conversationId: id, generation, floor };
    expect(await erasure.reapply([entry])).toEqual([entry]);
    expect(await erasure.reapply([{ ...entry, floor: { ...floor, sequence: 4 } }])).toEqual([]);
    expect(await erasure.floors()).toEqual([entry]);
    expect(await erasure.finish(pause)).toMatchObject([
      { reason: { kind: 'restore' }, throughSequence: 8, counts: { entries: 8, dataKeys: 2 } },
    ]);
    expect(sequences(await (await bench.reopened()).conversations.readAfter(id, 0, 100, much))).toEqual([
      9, 10, 11, 12,
    ]);
    // The copy may end before the floor: numbers that were used are not used again.
    const ahead = { ...floor, sequence: 20, hash: bytesOf('later') };
    await bench.store().erasure.reapply([{ ...entry, floor: ahead }]);
    await bench.store().erasure.finish(pause);
    const record = await (await bench.reopened()).conversations.load(id);
    expect([record?.headSequence, record?.headHash]).toEqual([20, bytesOf('later')]);
  });
}

function recordRules(bench: Bench): void {
  it('[R5] keeps receipts, newest first', async () => {
    const { erasure } = bench.store();
    for (const [at, name] of ['one', 'two', 'three'].entries())
      await erasure.settle(
        receiptOf(name, startMs + at),
        { conversations: [], people: [], others: [] },
        acts('purge.run'),
      );
    const store = (await bench.reopened()).erasure;
    const newest = await store.receipts(null, 2);
    expect(newest.map(({ statement }) => statement)).toEqual(['{"of":"three"}', '{"of":"two"}']);
    expect(await store.receipts(newest[1] ?? null, 2)).toEqual([receiptOf('one', startMs)]);
    expect(await store.receipt(receiptOf('two', 0).receiptId)).toEqual(receiptOf('two', startMs + 1));
    expect(await store.receipt(receiptOf('none', 0).receiptId)).toBeNull();
  });

  it('keeps one policy a class and conversation, and changes a hold only from the state that it is in', async () => {
    const { retention } = bench.store();
    const rule = { class: 'messages' as const, conversationId: null, days: 30, setBy: userOf('ann'), setAt: startMs };
    for (const days of [30, 7, null]) await retention.setPolicy({ ...rule, days }, acts('policy.changed'));
    await retention.setPolicy({ ...rule, conversationId: conversationOf('team'), days: 1 }, acts('policy.changed'));
    const hold = {
      holdId: idFromBytes<HoldId>(bytesOf('hold', 16)),
      conversationId: null,
      reason: 'Case 12',
      state: 'proposed' as const,
      placedBy: userOf('ann'),
      placedAt: startMs,
      confirmBy: startMs + 1,
      confirmedBy: null,
      until: startMs + 2,
      releaseBy: null,
      releasedBy: null,
      releasedAt: null,
    };
    const placed = acts('hold.placed');
    expect(await retention.putHold(hold, 'proposed', placed)).toBe('conflict');
    expect(await Promise.all([retention.putHold(hold, null, placed), retention.putHold(hold, null, placed)])).toEqual([
      'stored',
      'conflict',
    ]);
    expect(await retention.putHold({ ...hold, state: 'active' }, 'proposed', placed)).toBe('stored');
    const reopened = (await bench.reopened()).retention;
    expect(new Set((await reopened.policies()).map(({ days }) => days))).toEqual(new Set([1, null]));
    expect(await reopened.holds()).toEqual([{ ...hold, state: 'active' }]);
  });
}

function leaseRules(bench: Bench): void {
  it('[R7] gives a lease to one holder at a time, and a late one cannot end the run of the next', async () => {
    const { leases } = bench.store();
    const taken = await Promise.all([leases.acquire('purge', 1_000, 2_000), leases.acquire('purge', 1_000, 2_000)]);
    expect(taken).toEqual([{ token: 1, lastRunAt: null }, null]);
    expect(await leases.renew('purge', 1, 3_000)).toBe(true);
    expect(await leases.acquire('purge', 2_999, 9_000)).toBeNull();
    const next = (await bench.reopened()).leases;
    expect(await next.acquire('purge', 3_000, 9_000)).toEqual({ token: 2, lastRunAt: null });
    expect(await next.renew('purge', 1, 9_000)).toBe(false);
    expect(await next.release('purge', 1, 1_000)).toBe(false);
    expect(await next.release('purge', 2, 3_000)).toBe(true);
    expect(await next.lastRunAt('purge')).toBe(3_000);
    expect(await next.acquire('purge', 3_001, 9_000)).toEqual({ token: 3, lastRunAt: 3_000 });
    expect(await next.release('purge', 3, null)).toBe(true);
    expect(await next.lastRunAt('purge')).toBe(3_000);
  });
}
