import { describe, expect, it } from 'vitest';
import type { Entry } from '#protocol/envelope.ts';
import { type ConversationStore, StoreFailure } from '../../server/ports/store.ts';
import {
  bytesOf,
  change,
  conversationOf,
  dayMs,
  deviceOf,
  LogWriter,
  roster,
  startMs,
  userOf,
  welcome,
} from './people.ts';
import type { Bench } from './store-contract.ts';

const sequences = (entries: readonly Entry[]): readonly number[] => entries.map((entry) => entry.sequence);
const much = 10_000_000;

/** A conversation of ann and bob whose only entry is its creation. */
async function begun(
  conversations: ConversationStore,
  name = 'team',
): Promise<{ readonly log: LogWriter; readonly first: Entry }> {
  const log = new LogWriter(name);
  const first = log.next('created');
  const members = roster(['ann', 'bob']);
  expect(await conversations.create(log.record(members, first), [first], change(members))).toBe('created');
  return { log, first };
}

function beginningRules(bench: Bench): void {
  it('[C6] stores a conversation with entries, members, group info and welcomes', async () => {
    const log = new LogWriter('team');
    const members = roster(['ann', 'bob']);
    const entries = [log.next('created'), log.next('meta'), log.next()];
    const [first] = entries;
    if (first === undefined) throw new Error('no entry');
    const waiting = welcome('bob', 'team', 1);
    const outcomes = await Promise.all(
      [1, 2].map(() =>
        bench
          .store()
          .conversations.create(
            log.record(members, first),
            entries,
            change(members, { welcomes: [{ deviceId: deviceOf('bob'), welcome: waiting }] }),
          ),
      ),
    );
    expect(outcomes).toEqual(['created', 'exists']);
    const { conversations, devices } = await bench.reopened();
    const last = entries.at(-1);
    expect(await conversations.load(conversationOf('team'))).toEqual({
      ...log.record(members, first),
      headSequence: 3,
      headHash: last?.hash,
      headSentAt: last?.sentAt,
      metaSequence: 2,
    });
    expect(await conversations.readAfter(conversationOf('team'), 0, 10, much)).toEqual(entries);
    expect(await conversations.groupInfo(conversationOf('team'))).toEqual(bytesOf('group info 0', 500));
    expect(await conversations.memberships(userOf('bob'))).toEqual([
      { conversationId: conversationOf('team'), readSequence: 0 },
    ]);
    expect(await devices.welcomes(deviceOf('bob'), 10)).toEqual([waiting]);
  });

  it('answers null or nothing for a conversation that it does not know', async () => {
    const { conversations } = bench.store();
    const none = conversationOf('none');
    expect(await conversations.load(none)).toBeNull();
    expect(await conversations.groupInfo(none)).toBeNull();
    expect(await conversations.readAfter(none, 0, 10, much)).toEqual([]);
    expect(await conversations.readBefore(none, 10, 10, much)).toEqual([]);
    expect(await conversations.markRead(userOf('ann'), none, 1)).toBeNull();
    await expect(conversations.append(none, 0, [new LogWriter('none').next()], null)).rejects.toBeInstanceOf(
      StoreFailure,
    );
  });

  it('[L1] takes pipelined appends in order and refuses a gap, a repetition and going back in time', async () => {
    const { conversations } = bench.store();
    const { log, first } = await begun(conversations);
    const team = conversationOf('team');
    const entries = log.many(50);
    await Promise.all(entries.map((entry) => conversations.append(team, entry.sequence - 1, [entry], null)));
    const gap = new LogWriter('team');
    gap.sequence = 60;
    await expect(conversations.append(team, 60, [gap.next()], null)).rejects.toBeInstanceOf(StoreFailure);
    await expect(conversations.append(team, 51, [gap.next()], null)).rejects.toBeInstanceOf(StoreFailure);
    await expect(conversations.append(team, 50, [entries[49] ?? first], null)).rejects.toBeInstanceOf(StoreFailure);
    log.sentAt -= 1;
    await expect(conversations.append(team, 51, [log.next()], null)).rejects.toBeInstanceOf(StoreFailure);
    expect(bench.store().isOpen()).toBe(true);
    const store = await bench.reopened();
    expect(await store.conversations.readAfter(team, 0, 100, much)).toEqual([first, ...entries]);
    expect((await store.conversations.load(team))?.headSequence).toBe(51);
    expect((await store.conversations.load(team))?.headHash).toEqual(entries.at(-1)?.hash);
  });
}

function appendingRules(bench: Bench): void {
  it('[L1] lets one of two appends to the same place win, also right after a restart', async () => {
    await begun(bench.store().conversations);
    const { conversations } = await bench.reopened();
    const team = conversationOf('team');
    const rivals = ['one', 'two'].map(() => {
      const log = new LogWriter('team');
      log.next();
      return log.next();
    });
    const outcomes = await Promise.allSettled(rivals.map((entry) => conversations.append(team, 1, [entry], null)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected']);
    expect((await conversations.load(team))?.headSequence).toBe(2);
  });

  it('gives a load that overlaps appends a head that is on disk and at least as new as they are', async () => {
    const { conversations } = bench.store();
    const { log } = await begun(conversations);
    const appended = conversations.append(conversationOf('team'), 1, log.many(3), null);
    const loaded = await conversations.load(conversationOf('team'));
    expect(loaded?.headSequence).toBe(4);
    await appended;
  });

  it('reads pages forward and back across the borders of days, bounded by count and bytes', async () => {
    const { conversations } = bench.store();
    const { log, first } = await begun(conversations);
    const team = conversationOf('team');
    const entries = [first];
    for (let day = 0; day < 5; day += 1) {
      const more = log.many(4);
      await conversations.append(team, entries.length, more, null);
      entries.push(...more);
      log.sentAt += day === 2 ? 3 * dayMs : dayMs / 2;
    }
    const read = async (from: ConversationStore): Promise<void> => {
      for (let after = 0; after <= 22; after += 1) {
        expect(sequences(await from.readAfter(team, after, 6, much))).toEqual(
          sequences(entries.slice(after, after + 6)),
        );
        const end = Math.max(0, after - 1);
        expect(sequences(await from.readBefore(team, after, 6, much))).toEqual(
          sequences(entries.slice(Math.max(0, end - 6), end)),
        );
      }
      expect(await from.readAfter(team, 3, 100, much)).toEqual(entries.slice(3));
      expect(await from.readBefore(team, 1_000_000, 100, much)).toEqual(entries);
      // Bodies have 100 bytes.
      expect(sequences(await from.readAfter(team, 2, 100, 350))).toEqual([3, 4, 5]);
      expect(sequences(await from.readBefore(team, 12, 100, 300))).toEqual([9, 10, 11]);
      expect(sequences(await from.readAfter(team, 2, 100, 1))).toEqual([3]);
      expect(sequences(await from.readBefore(team, 12, 100, 0))).toEqual([11]);
    };
    await read(conversations);
    await read((await bench.reopened()).conversations);
  });
}

function bodyRules(bench: Bench): void {
  it('keeps large and empty bodies', async () => {
    const { conversations } = bench.store();
    const { log, first } = await begun(conversations);
    const entries = [log.next('commit', bytesOf('large', 900_000)), log.next('leave', new Uint8Array(0))];
    await conversations.append(conversationOf('team'), 1, entries, null);
    const store = await bench.reopened();
    const read = await store.conversations.readAfter(conversationOf('team'), 0, 10, much);
    expect(sequences(read)).toEqual([first.sequence, 2, 3]);
    // Compared as buffers: a deep comparison of a megabyte takes seconds.
    expect(read.slice(1).map((entry, at) => Buffer.from(entry.body).equals(entries[at]?.body ?? first.body))).toEqual([
      true,
      true,
    ]);
  });
}

function rosterRules(bench: Bench): void {
  it('finds the latest meta entry again', async () => {
    const { conversations } = bench.store();
    const { log } = await begun(conversations);
    await conversations.append(
      conversationOf('team'),
      1,
      [log.next('meta'), log.next(), log.next('meta'), log.next()],
      null,
    );
    expect((await conversations.load(conversationOf('team')))?.metaSequence).toBe(4);
    expect((await (await bench.reopened()).conversations.load(conversationOf('team')))?.metaSequence).toBe(4);
  });

  it('[C6] changes roster, group info, members and mailboxes with the entries, and nothing of them when refused', async () => {
    const { conversations } = bench.store();
    const { log } = await begun(conversations);
    const team = conversationOf('team');
    const next = change({ ...roster(['ann', 'cem'], 1, { cem: { joinedSequence: 2 } }), past: [{ userId: userOf('bob'), from: 1, to: 1 }] }, {
      welcomes: [{ deviceId: deviceOf('cem'), welcome: welcome('cem', 'team', 2) }],
    });
    const entries = [log.next('commit'), log.next('meta')];
    await expect(conversations.append(team, 7, entries, next)).rejects.toBeInstanceOf(StoreFailure);
    expect(await bench.store().devices.welcomes(deviceOf('cem'), 10)).toEqual([]);
    expect(await conversations.memberships(userOf('cem'))).toEqual([]);
    await conversations.append(team, 1, entries, next);
    const store = await bench.reopened();
    const loaded = await store.conversations.load(team);
    expect(loaded?.roster).toEqual(next.roster);
    expect(loaded?.headSequence).toBe(3);
    expect(await store.conversations.groupInfo(team)).toEqual(bytesOf('group info 1', 500));
    expect(await store.conversations.memberships(userOf('bob'))).toEqual([]);
    expect(await store.conversations.memberships(userOf('cem'))).toEqual([{ conversationId: team, readSequence: 0 }]);
    expect(await store.devices.welcomes(deviceOf('cem'), 10)).toEqual([welcome('cem', 'team', 2)]);
  });

  it('[C7] takes the conversation from somebody who leaves, and keeps the group info', async () => {
    const { conversations } = bench.store();
    const { log } = await begun(conversations);
    const team = conversationOf('team');
    expect(await conversations.markRead(userOf('bob'), team, 1)).toBe(1);
    const leaving = change(roster(['ann', 'bob'], 0, { bob: { leaving: true } }), { groupInfo: null });
    await conversations.append(team, 1, [log.next('leave')], leaving);
    expect(await conversations.memberships(userOf('bob'))).toEqual([]);
    expect(await conversations.markRead(userOf('bob'), team, 2)).toBeNull();
    const store = await bench.reopened();
    expect(await store.conversations.memberships(userOf('bob'))).toEqual([]);
    expect(await store.conversations.memberships(userOf('ann'))).toEqual([{ conversationId: team, readSequence: 0 }]);
    expect(await store.conversations.groupInfo(team)).toEqual(bytesOf('group info 0', 500));
    // Somebody who comes back has read nothing yet.
    const back = change(roster(['ann', 'bob'], 1, { bob: { joinedSequence: 3 } }));
    await store.conversations.append(team, 2, [log.next('commit')], back);
    expect(await store.conversations.memberships(userOf('bob'))).toEqual([{ conversationId: team, readSequence: 0 }]);
  });

  it('[L11] moves read marks forward only', async () => {
    const { conversations } = bench.store();
    const { log } = await begun(conversations);
    const team = conversationOf('team');
    await conversations.append(team, 1, log.many(9), null);
    expect(await conversations.markRead(userOf('ann'), team, 5)).toBe(5);
    const raced = await Promise.all([7, 6, 9, 8].map((at) => conversations.markRead(userOf('ann'), team, at)));
    expect(raced).toEqual([7, 7, 9, 9]);
    expect(await conversations.markRead(userOf('stranger'), team, 5)).toBeNull();
    const store = await bench.reopened();
    expect(await store.conversations.markRead(userOf('ann'), team, 2)).toBe(9);
    expect(await store.conversations.memberships(userOf('ann'))).toEqual([{ conversationId: team, readSequence: 9 }]);
    expect(await store.conversations.memberships(userOf('bob'))).toEqual([{ conversationId: team, readSequence: 0 }]);
  });
}

function separationRules(bench: Bench): void {
  it('keeps conversations apart', async () => {
    const { conversations } = bench.store();
    const logs = await Promise.all(['one', 'two', 'three'].map((name) => begun(conversations, name)));
    await Promise.all(
      logs.flatMap(({ log }) =>
        log.many(10).map((entry) => conversations.append(log.conversationId, entry.sequence - 1, [entry], null)),
      ),
    );
    const store = await bench.reopened();
    for (const name of ['one', 'two', 'three']) {
      const entries = await store.conversations.readAfter(conversationOf(name), 0, 100, much);
      expect(sequences(entries)).toEqual(Array.from({ length: 11 }, (_, at) => at + 1));
      expect(entries[5]?.body).toEqual(bytesOf(`body ${name} 6`, 100));
      expect(entries[5]?.sentAt).toBe(startMs);
    }
    const joined = await store.conversations.memberships(userOf('ann'));
    expect(joined.map((each) => each.conversationId).toSorted()).toEqual(
      ['one', 'two', 'three'].map(conversationOf).toSorted(),
    );
  });
}

export function conversationsContract(bench: Bench): void {
  describe('conversations', () => {
    beginningRules(bench);
    appendingRules(bench);
    bodyRules(bench);
    rosterRules(bench);
    separationRules(bench);
  });
}
