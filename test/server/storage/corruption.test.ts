import { acts } from '../../contract/acts.ts';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import {
  bytesOf,
  change,
  conversationOf,
  dayMs,
  deviceOf,
  invite,
  LogWriter,
  newAccount,
  roster,
  sessionOf,
  userOf,
} from '../../contract/people.ts';
import { corruptFamily, LevelFolder, type RawRecord } from './level-folder.ts';

const team = conversationOf('team');

async function fill(store: LevelStore): Promise<void> {
  await store.accounts.create(newAccount('ann', null), acts());
  await store.invites.create(invite('one'), acts());
  await store.accounts.create(newAccount('bob', 'one'), acts());
  for (const name of ['team', 'duo']) {
    const log = new LogWriter(name);
    const first = log.next('created');
    await store.conversations.create(
      log.record(roster(['ann', 'bob']), first),
      [first],
      change(roster(['ann', 'bob'])),
    );
    await store.conversations.append(conversationOf(name), 1, log.many(5), null);
    log.sentAt += dayMs;
    await store.conversations.append(conversationOf(name), 6, log.many(5), null);
  }
}

const swapped = ([one, other]: readonly RawRecord[]): readonly RawRecord[] =>
  one === undefined || other === undefined
    ? []
    : [
        { key: one.key, value: other.value },
        { key: other.key, value: one.value },
      ];
const flipped = (records: readonly RawRecord[]): readonly RawRecord[] =>
  records.map(({ key, value }) => ({
    key,
    value: value.map((byte, at) => (at === value.length - 20 ? byte ^ 1 : byte)),
  }));

describe('a store that was tampered with', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
    await folder.using(fill);
  });
  afterEach(() => folder.remove());

  const read = (work: (store: LevelStore) => Promise<unknown>): Promise<unknown> =>
    folder.using((store) => corruptFamily(work(store)));

  it('names the family of swapped and of altered records', async () => {
    type Read = (store: LevelStore, person: string, conversation: ConversationId) => Promise<unknown>;
    const page: Read = (store, _, id) => store.conversations.readAfter(id, 0, 100, 1_000_000);
    const reads: readonly [string, Read][] = [
      ['accounts', (store, person) => store.accounts.byId(userOf(person))],
      ['handles', (store, person) => store.accounts.byHandle(person)],
      ['vaults', (store, person) => store.vaults.get(userOf(person))],
      ['devices', (store, person) => store.devices.byId(deviceOf(person))],
      ['device-owners', (store, person) => store.devices.byId(deviceOf(person))],
      ['sessions', (store, person) => store.sessions.byId(sessionOf(person))],
      ['conversations', (store, _, id) => store.conversations.load(id)],
      ['group-infos', (store, _, id) => store.conversations.groupInfo(id)],
      ['log', page],
      ['data-keys', page],
      ['days', (store, _, id) => store.conversations.load(id)],
      ['memberships', (store, person) => store.conversations.memberships(userOf(person))],
    ];
    const refusals = (work: Read): Promise<unknown> =>
      folder.using(async (store) => {
        const outcomes = [];
        for (const [person, name] of [
          ['ann', 'team'],
          ['bob', 'duo'],
        ] as const)
          outcomes.push(await corruptFamily(work(store, person, conversationOf(name))));
        return [...new Set(outcomes.filter((outcome) => typeof outcome === 'string'))];
      });
    for (const [family, work] of reads) {
      expect([family, await refusals(work)]).toEqual([family, []]);
      let original: readonly RawRecord[] = [];
      await folder.tamper(family, (records) => {
        original = records;
        return { put: swapped(records) };
      });
      expect([family, await refusals(work)]).toEqual([family, [family]]);
      await folder.tamper(family, () => ({ put: flipped(original) }));
      expect([family, await refusals(work)]).toEqual([family, [family]]);
      await folder.tamper(family, () => ({ put: original }));
      expect([family, await refusals(work)]).toEqual([family, []]);
    }
  });

  it('refuses a record that was copied to a new place', async () => {
    await folder.tamper('vaults', ([one, other]) =>
      one === undefined || other === undefined ? {} : { put: [{ key: one.key, value: other.value }] },
    );
    const families = await folder.using((store) =>
      Promise.all(['ann', 'bob'].map((name) => corruptFamily(store.vaults.get(userOf(name))))),
    );
    expect(families.filter((family) => family === 'vaults')).toHaveLength(1);
  });

  it('[L1] notices an entry that is gone from the middle or from the end', async () => {
    let gone: RawRecord | undefined;
    await folder.tamper('log', (records) => {
      gone = records[2];
      return { del: gone === undefined ? [] : [gone.key] };
    });
    const pages = [];
    for (const name of ['team', 'duo'])
      pages.push(await read((store) => store.conversations.readAfter(conversationOf(name), 0, 100, 1_000_000)));
    expect(pages.filter((page) => page === 'log')).toHaveLength(1);

    // All of the second day, its day record too: only the roster can tell then, so change that last.
    await folder.tamper('log', () => ({ put: gone === undefined ? [] : [gone] }));
    await folder.using(async (store) => {
      const log = new LogWriter('team');
      log.sequence = 11;
      log.sentAt += dayMs;
      await store.conversations.append(team, 11, [log.next('commit')], change(roster(['ann', 'bob'], 1)));
    });
    expect(await read((store) => store.conversations.load(team))).not.toBe('log');
    await folder.tamper('log', (records) => ({ del: records.map((record) => record.key) }));
    expect(await read((store) => store.conversations.load(team))).toBe('log');
  });

  it('[L1] notices what is gone from either end of a page, whichever way it is read', async () => {
    const ends = async (del: (records: readonly RawRecord[]) => readonly RawRecord[]): Promise<readonly unknown[]> => {
      let gone: readonly RawRecord[] = [];
      await folder.tamper('log', (records) => {
        const one = records.filter(
          ({ key }) => Buffer.compare(key.subarray(0, 16), (records[0]?.key ?? key).subarray(0, 16)) === 0,
        );
        gone = del(one);
        return { del: gone.map(({ key }) => key) };
      });
      const outcomes: unknown[] = [];
      await folder.using(async (store) => {
        for (const name of ['team', 'duo']) {
          const id = conversationOf(name);
          const forwards = await corruptFamily(store.conversations.readAfter(id, 0, 100, 1_000_000));
          const backwards = await corruptFamily(store.conversations.readBefore(id, 100, 100, 1_000_000));
          outcomes.push([forwards, backwards].map((each) => (Array.isArray(each) ? each.length : each)));
        }
      });
      await folder.tamper('log', () => ({ put: gone }));
      return outcomes.map(String).toSorted();
    };
    expect(await ends((records) => records.slice(0, 1))).toEqual(['11,11', 'log,log']);
    // The first of the second day: the day's mark knows of it.
    expect(await ends((records) => records.slice(6, 7))).toEqual(['11,11', 'log,log']);
    expect(await ends((records) => records.slice(6))).toEqual(['11,11', 'log,log']);
  });

  it('notices that the key of a day is gone', async () => {
    await folder.tamper('data-keys', (records) => ({ del: records.map((record) => record.key) }));
    expect(await read((store) => store.conversations.readAfter(team, 0, 100, 1_000_000))).toBe('data-keys');
  });

  it('does not open under another master key, and says that it is the keys', async () => {
    expect(await corruptFamily(folder.open(bytesOf('another key')))).toBe('keys');
    await expect(folder.open(bytesOf('short', 31))).rejects.toBeInstanceOf(RangeError);
    expect(await folder.using((store) => store.accounts.count())).toBe(2);
  });

  it('does not open without its key file or with a damaged one', async () => {
    const path = join(folder.path, 'keys', 'kek');
    const kek = await readFile(path);
    await writeFile(
      path,
      kek.map((byte, at) => (at === 30 ? byte ^ 1 : byte)),
    );
    expect(await corruptFamily(folder.open())).toBe('keys');
    await rm(path);
    expect(await corruptFamily(folder.open())).toBe('keys');
    await writeFile(path, kek);
    expect(await folder.using((store) => store.accounts.count())).toBe(2);
  });

  it('never takes a lost store for a new one', async () => {
    await rm(join(folder.path, 'store', 'CURRENT'));
    expect(await corruptFamily(folder.open())).toBe('store');
    await rm(join(folder.path, 'store'), { recursive: true });
    expect(await corruptFamily(folder.open())).toBe('store');
  });
});
