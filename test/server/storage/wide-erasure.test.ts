/** Audit entries, files and sessions that go by rule: what a crash at any moment leaves, and what an older copy brings back. */
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import { type FileId, idFromBytes } from '#protocol/ids.ts';
import type { HoldId } from '#protocol/retention.ts';
import { Receipt } from '#protocol/retention.ts';
import { TreeHeads } from '../../../server/domain/audit/tree-heads.ts';
import { verifyLog } from '../../../server/domain/audit/verify.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { act } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import {
  bytesOf,
  change,
  dayMs,
  LogWriter,
  newAccount,
  roster,
  session,
  startMs,
  userOf,
} from '../../contract/people.ts';
import { CrashCopies, retentionOver, SteppingRuntime } from '../../harness/crash-copies.ts';
import { temporaryFolder, type TemporaryFolder } from '../../harness/folder.ts';
import { inventoryOf, samplesOf, searchFolder } from '../../harness/raw-search.ts';
import { testScribe } from '../../harness/scribe.ts';

const much = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 10 };
const ann = userOf('ann');
const days = 7;
const now = startMs + 10 * dayMs;
/** One of the sessions is the one that the account began with. */
const [oldEntries, oldFiles, oldSessions] = [150, 18, 12];
const fileOf = (at: number): FileId => idFromBytes<FileId>(bytesOf(`file ${at}`, 16));
const log = new LogWriter('team');
const first = log.next('created');

let folder: TemporaryFolder;
let runtime: SteppingRuntime;
let copies: CrashCopies;
beforeEach(async () => {
  folder = await temporaryFolder();
  runtime = new SteppingRuntime('wide erasure', now);
  copies = new CrashCopies(folder.path, 40);
});
afterEach(async () => {
  await copies.remove();
  await folder.remove();
});

const open = (path = folder.path): Promise<LevelStore> => openLevelStore({ folder: path, masterKey, runtime });

async function using<T>(work: (store: LevelStore) => Promise<T>, path = folder.path): Promise<T> {
  const store = await open(path);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function upload(blobs: LevelStore['blobs'], at: number, createdAt: number): Promise<void> {
  const file = { fileId: fileOf(at), owner: ann, conversationId: log.conversationId, size: 1_000 };
  await blobs.create({ ...file, createdAt, expiresAt: createdAt + dayMs }, much);
  const begun = await blobs.append(file.fileId, 0, { atomic: false, onInterrupt: () => undefined });
  if (begun.kind !== 'appending') throw new Error(begun.kind);
  await begun.appending.write(bytesOf(`content ${at}`, 1_000));
  await begun.appending.finish();
}

/** Old and newer things of each class. */
async function lived({ accounts, conversations, blobs, sessions }: LevelStore): Promise<void> {
  await accounts.create(newAccount('ann', null), [act('setup.completed', { time: now })]);
  await conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
  const begun = [act('sign_in.succeeded', { time: now })] as const;
  const later = { usedAt: now, expiresAt: now + 90 * dayMs };
  for (let at = 0; at < oldSessions - 1; at += 1)
    await sessions.create({ ...session(`old ${at}`, 'ann'), expiresAt: now + 90 * dayMs }, begun);
  await sessions.create({ ...session('fresh', 'ann'), ...later }, begun);
  for (let at = 0; at < oldFiles; at += 1) await upload(blobs, at, startMs + Math.floor(at / 9) * dayMs);
  await upload(blobs, oldFiles, now);
}

/** The log of a server that has been there for a while: old entries come first. */
async function oldActs({ audit }: LevelStore): Promise<void> {
  for (let at = 0; at < oldEntries; at += 1)
    await audit.append([act('invite.created', { time: startMs + Math.floor(at / 50) * dayMs })]);
}

async function ruled(store: LevelStore): Promise<void> {
  const retention = retentionOver(store, runtime);
  for (const ofClass of ['audit', 'files', 'sessions'] as const)
    await retention.set(ann, { class: ofClass, conversationId: null, days }, testScribe(runtime));
}

async function receiptsOf(store: LevelStore): Promise<readonly Receipt[]> {
  const found = await store.erasure.receipts(null, 100);
  return found.map(({ statement }) => v.parse(Receipt, JSON.parse(statement)));
}

function countsIn(receipts: readonly Receipt[]): Record<string, readonly [number, number]> {
  const counts: Record<string, readonly [number, number]> = {};
  for (const { class: ofClass, count, bytes } of receipts.flatMap(({ others }) => others)) {
    const [earlier, before] = counts[ofClass] ?? [0, 0];
    counts[ofClass] = [earlier + count, before + bytes];
  }
  return counts;
}

const wholeLog = async ({ audit }: LevelStore): Promise<number | null> =>
  (await verifyLog(audit, [], await new TreeHeads(audit, 'http://localhost:8080').publicKey())).first?.index ?? null;

/** Sealed entries of the audit log and files as they lie there; the folder must be closed. */
async function samples(): Promise<readonly Uint8Array[]> {
  const { records, files } = await inventoryOf(folder.path);
  const audit = [...records].filter(([key]) => Buffer.from(key, 'hex').toString('latin1').startsWith('!audit!'));
  const old = audit.toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, oldEntries);
  return [...old.map(([, value]) => value), ...files.values()].flatMap(samplesOf);
}

it('[R4] [R5] a crash at any moment of a trim of the audit log, of files and of sessions is made up for, and receipts tell of each thing once', async () => {
  await using(async (store) => {
    await oldActs(store);
    await lived(store);
    await ruled(store);
  });
  const whole = await using(async (store) => {
    await retentionOver(copies.watching(store, runtime), runtime).run(testScribe(runtime));
    return countsIn(await receiptsOf(store));
  });
  runtime.onPause = () => Promise.resolve();
  expect(whole).toMatchObject({
    audit: [oldEntries, expect.any(Number)],
    files: [oldFiles, 1_000 * oldFiles],
    sessions: [oldSessions, 0],
  });
  expect(copies.copies.length).toBeGreaterThan(10);
  for (const { path } of copies.copies) {
    expect((await verifyStore({ folder: path, masterKey, runtime })).faults).toEqual([]);
    await using(async (store) => {
      expect(await wholeLog(store)).toBeNull();
      const retention = retentionOver(store, runtime);
      await retention.reapply(testScribe(runtime));
      await retention.run(testScribe(runtime));
      expect(countsIn(await receiptsOf(store))).toEqual(whole);
      expect([await wholeLog(store), await store.sessions.countIdle(now)]).toEqual([null, 0]);
      expect((await store.audit.readFrom(0, 1))[0]?.time).toBeGreaterThanOrEqual(startMs + 3 * dayMs);
      expect(await store.blobs.usage(null)).toEqual({ bytes: 1_000, files: 1, open: 0 });
    }, path);
    expect(await readdir(join(path, 'files'))).toHaveLength(1);
  }
}, 120_000);

it('[R6] an older copy has neither files nor audit entries that went, and the present rules and holds, before it serves', async () => {
  await using(async (store) => {
    await oldActs(store);
    await lived(store);
  });
  const copy = await temporaryFolder();
  await cp(folder.path, copy.path, { recursive: true });
  const gone = await samples();
  const hold = {
    holdId: idFromBytes<HoldId>(bytesOf('hold', 16)),
    ...{ conversationId: null, reason: 'Case 7', state: 'proposed' as const, placedBy: ann, placedAt: now },
    ...{ confirmBy: now + dayMs, confirmedBy: null, until: now + 9 * dayMs },
    ...{ releaseBy: null, releasedBy: null, releasedAt: null },
  };
  await using(async (store) => {
    await ruled(store);
    const retention = retentionOver(store, runtime);
    await retention.run(testScribe(runtime));
    await retention.holds.place(
      ann,
      { conversationId: null, reason: hold.reason, until: hold.until },
      testScribe(runtime),
    );
  });
  for (const name of ['store', 'keys', 'files', 'store-witness']) {
    await rm(join(folder.path, name), { recursive: true });
    await cp(join(copy.path, name), join(folder.path, name), { recursive: true });
  }
  await copy.remove();
  expect(searchFolder(folder.path, ['gone'], { gone }).get('gone')).toBeGreaterThan(oldEntries);
  await using(async (store) => {
    await retentionOver(store, runtime).reapply(testScribe(runtime));
    // Nothing more than what a start does: no run, and a hold of everything stands.
    const counts = countsIn(await receiptsOf(store));
    expect(counts).toMatchObject({ audit: [oldEntries, expect.any(Number)], files: [oldFiles, 1_000 * oldFiles] });
    for (const { others, proof } of await receiptsOf(store)) {
      expect(proof).toMatchObject({ found: 0, shredded: true });
      expect(others.map(({ reason }) => reason.kind)).toEqual(others.map(() => 'restore'));
    }
    expect(await store.blobs.byId(fileOf(0))).toBeNull();
    expect(await store.blobs.byId(fileOf(oldFiles))).not.toBeNull();
    expect(await wholeLog(store)).toBeNull();
    const { policies, holds } = await retentionOver(store, runtime).get();
    expect(new Map(policies.map((policy) => [policy.class, policy.days]))).toEqual(
      new Map([
        ['audit', days],
        ['files', days],
        ['sessions', days],
      ]),
    );
    expect(holds).toMatchObject([{ reason: hold.reason, state: 'proposed' }]);
    const found = gone.filter((sample) => searchFolder(folder.path, ['gone'], { gone: [sample] }).get('gone') !== 0);
    // The one file that stays.
    expect(found.length).toBe(samplesOf(await freshFile()).length);
  });
  expect((await verifyStore({ folder: folder.path, masterKey, runtime })).faults).toEqual([]);
}, 60_000);

async function freshFile(): Promise<Uint8Array> {
  const [name = ''] = await readdir(join(folder.path, 'files'));
  return (await inventoryFiles()).get(name) ?? new Uint8Array(0);
}
const inventoryFiles = async (): Promise<ReadonlyMap<string, Uint8Array>> => (await inventoryOf(folder.path)).files;
