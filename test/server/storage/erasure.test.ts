/** Purges on a real folder: what is left in the files, and what a power cut at any moment leaves. */
import { createHash } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '#protocol/envelope.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { scanFolder } from '../../../server/storage/level/fingerprint-scan.ts';
import { firstDay, pause, purge } from '../../contract/erasing.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, conversationOf, dayMs, LogWriter, roster, startMs } from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { LevelFolder, type RawRecord } from './level-folder.ts';

const much = 100_000_000;

/** Days of talk in two conversations, a large body among them. */
async function talk(store: LevelStore, days = 4, perDay = 40): Promise<ReadonlyMap<string, readonly Entry[]>> {
  const talked = new Map<string, readonly Entry[]>();
  for (const name of ['team', 'duo']) {
    const log = new LogWriter(name);
    const entries: Entry[] = [log.next('created')];
    const [first] = entries;
    if (first === undefined) throw new Error('no entry');
    await store.conversations.create(log.record(roster(['ann']), first), entries, change(roster(['ann'])));
    for (let day = 0; day < days; day += 1) {
      const more = [...log.many(perDay), log.next('message', new Uint8Array(90_000).fill(day))];
      await store.conversations.append(log.conversationId, entries.length, more, null);
      entries.push(...more);
      log.sentAt += dayMs;
    }
    talked.set(name, entries);
  }
  return talked;
}

/** Each entry by its place, and by its body through the running hash. */
const marks = (entries: readonly Entry[]): readonly string[] =>
  entries.map(
    ({ sequence, hash, body }) =>
      `${sequence} ${Buffer.from(hash).toString('hex')} ${createHash('sha256').update(body).digest('hex')}`,
  );

/** Any 12 bytes of a record, away from its borders too. */
const piecesOf = ({ value }: RawRecord): readonly Buffer[] =>
  [1, Math.floor(value.length / 2), value.length - 12].map((at) => Buffer.from(value.subarray(at, at + 12)));

async function residue(folder: LevelFolder, records: readonly RawRecord[]): Promise<readonly string[]> {
  const files = await folder.files();
  return records.flatMap((record) =>
    piecesOf(record).flatMap((piece) => files.filter(({ bytes }) => bytes.includes(piece)).map(({ path }) => path)),
  );
}

describe('purged days', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
  });
  afterEach(() => folder.remove());

  /** Records of a family by what a predicate says of their keys; through the closed store. */
  async function recordsOf(family: string, among: (key: Uint8Array) => boolean): Promise<readonly RawRecord[]> {
    let found: readonly RawRecord[] = [];
    await folder.tamper(family, (records) => {
      found = records
        .filter(({ key }) => among(key))
        .map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
      return {};
    });
    return found;
  }
  const dayIn = (key: Uint8Array): number => Buffer.from(key).readUInt32BE(16);

  it('[R3] leaves no byte of purged entries and no key of theirs in any file, and everything else readable', async () => {
    const talked = await folder.using(talk);
    const place = (await recordsOf('log', () => true))[0]?.key.subarray(0, 16);
    if (place === undefined) throw new Error('no record');
    const both = await recordsOf('log', (key) => dayIn(key) < firstDay + 2);
    const keys = await recordsOf('data-keys', (key) => dayIn(key) < firstDay + 2);
    expect(both.length).toBe(2 * (1 + 2 * 41));
    expect(keys).toHaveLength(4);
    const kek = (await readFile(join(folder.path, 'keys', 'kek'))).subarray(0, 76);
    await folder.using(async (store) => {
      const { proof, ranges } = await purge(store, 'team', firstDay + 2);
      expect(ranges[0]?.counts).toMatchObject({ entries: 83, dataKeys: 2 });
      expect(proof).toMatchObject({ found: 0, shredded: true, fingerprints: 2 * (83 + 2) });
      for (const [name, entries] of talked) {
        const left = await store.conversations.readAfter(conversationOf(name), 0, 10_000, much);
        expect(marks(left)).toEqual(marks(name === 'team' ? entries.slice(83) : entries));
      }
      // While it is open: tables, log and manifest as a thief of the disk would find them.
      const remaining = new Set((await readFolder(folder, both)).map(({ key }) => Buffer.from(key).toString('hex')));
      const gone = both.filter(({ key }) => !remaining.has(Buffer.from(key).toString('hex')));
      expect([gone.length, remaining.size]).toEqual([83, 83]);
      expect(await residue(folder, gone)).toEqual([]);
    });
    const verified = await verifyStore({ folder: folder.path, masterKey, runtime: new FakeRuntime('verify', startMs) });
    expect(verified.faults).toEqual([]);
    // All data keys are wrapped anew, so of the old wrappings none is left, and the old key that opened them neither.
    expect((await readFile(join(folder.path, 'keys', 'kek'))).includes(kek.subarray(12, 40))).toBe(false);
    const left = await recordsOf('data-keys', () => true);
    expect(left).toHaveLength(6);
    const before = new Set(keys.map(({ value }) => Buffer.from(value).toString('hex')));
    expect(left.filter(({ value }) => before.has(Buffer.from(value).toString('hex')))).toEqual([]);
  });

  it('[R3] the search finds what is there, and only that', async () => {
    await folder.using((store) => talk(store, 1, 2));
    const [record] = await recordsOf('log', () => true);
    if (record === undefined) throw new Error('no record');
    const there = [record.value.slice(1, 17), record.value.slice(-16), new Uint8Array(16).fill(9)];
    const { found } = await scanFolder(join(folder.path, 'store'), there, pause);
    expect(found).toEqual(new Set([0, 1]));
  });

  it('[R4] a power cut at any moment of a purge loses nothing that stays, serves nothing that goes, and is finished later', async () => {
    const talked = await folder.using((store) => talk(store, 3, 40));
    const copies: { readonly path: string; remove(): Promise<void> }[] = [];
    let pauses = 0;
    await folder.using((store) =>
      purge(store, 'team', firstDay + 2, async () => {
        pauses += 1;
        // As the disk is at this moment; the lock belongs to this process.
        const copy = await temporaryFolder();
        await cp(folder.path, copy.path, { recursive: true, filter: (path) => !path.includes(`${folder.path}/lock`) });
        copies.push(copy);
      }),
    );
    expect(pauses).toBeGreaterThan(8);
    for (const copy of copies) {
      const verified = await verifyStore({ folder: copy.path, masterKey, runtime: new FakeRuntime('verify', startMs) });
      expect(verified.faults).toEqual([]);
      const store = await openLevelStore({ folder: copy.path, masterKey, runtime: new FakeRuntime('cut', startMs) });
      const check = async (): Promise<void> => {
        for (const [name, entries] of talked) {
          const left = await store.conversations.readAfter(conversationOf(name), 0, 10_000, much);
          expect(marks(left)).toEqual(marks(name === 'team' ? entries.slice(83) : entries));
        }
      };
      await check();
      const [range] = await store.erasure.finish(pause);
      expect(range?.counts.entries).toBe(83);
      expect((await store.erasure.prove(pause))?.found ?? 0).toBe(0);
      await check();
      await store.close();
      await copy.remove();
    }
  });
});

/** Of these records the ones that are still there, read from a copy while the store is open. */
async function readFolder(folder: LevelFolder, records: readonly RawRecord[]): Promise<readonly RawRecord[]> {
  const files = await folder.files();
  return records.filter(({ value }) => files.some(({ bytes }) => bytes.includes(Buffer.from(value.subarray(1, 13)))));
}
