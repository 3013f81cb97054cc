/** What is left of an erased person on a real folder, and what a crash at any moment of the erasure leaves. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import { type FileId, idFromBytes } from '#protocol/ids.ts';
import { Receipt } from '#protocol/retention.ts';
import { TreeHeads } from '../../../server/domain/audit/tree-heads.ts';
import { verifyLog } from '../../../server/domain/audit/verify.ts';
import { finishErasures } from '../../../server/jobs/finish-erasures.ts';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { KeyRing } from '../../../server/storage/sealed/key-ring.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import {
  bytesOf,
  change,
  conversationOf,
  dayMs,
  device,
  deviceOf,
  invite,
  inviteOf,
  keyPackage,
  LogWriter,
  newAccount,
  roster,
  session,
  startMs,
  userOf,
  vault,
  welcome,
} from '../../contract/people.ts';
import { CrashCopies, retentionOver, SteppingRuntime } from '../../harness/crash-copies.ts';
import { temporaryFolder, type TemporaryFolder } from '../../harness/folder.ts';
import { inventoryOf, samplesOf, searchFolder } from '../../harness/raw-search.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { testScribe } from '../../harness/scribe.ts';

const bob = userOf('bob');
const team = conversationOf('team');
const asked = { kind: 'request', by: userOf('ann'), text: 'Asked by letter' } as const;
const much = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 10 };
const halfFile = idFromBytes<FileId>(bytesOf('half a file', 16));

let folder: TemporaryFolder;
let runtime: SteppingRuntime;
let copies: CrashCopies;
beforeEach(async () => {
  folder = await temporaryFolder();
  runtime = new SteppingRuntime('person erasure', startMs + dayMs);
  copies = new CrashCopies(folder.path, 3);
});
afterEach(async () => {
  await copies.remove();
  await folder.remove();
});

const open = (path = folder.path): Promise<LevelStore> => openLevelStore({ folder: path, masterKey, runtime });

async function using<T>(work: (store: LevelStore) => Promise<T>): Promise<T> {
  const store = await open();
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Bob was invited, talks with ann, and has something in every family; an upload of his is half done. */
async function lived(store: LevelStore): Promise<void> {
  const { accounts, invites, conversations, vaults, devices, sessions, blobs } = store;
  await accounts.create(newAccount('ann', null), acts('setup.completed'));
  await invites.create({ ...invite('for bob'), label: 'For Bob of the third floor' }, acts());
  await accounts.create(newAccount('bob', 'for bob'), acts('account.created', aboutBob));
  await invites.create({ ...invite('by bob'), createdBy: bob, label: 'For a friend of Bob' }, acts());
  await devices.register(device('bob', 'phone of bob'), [keyPackage('phone')], 10, acts());
  await devices.publish(
    deviceOf('bob'),
    Array.from({ length: 70 }, (_, at) => keyPackage(`bob ${at}`)),
  );
  const log = new LogWriter('team');
  const first = log.next('created');
  const members = roster(['ann', 'bob']);
  const shared = bytesOf('welcome for both', 900);
  const welcomes = ['bob', 'phone of bob', 'ann'].map((name) => ({
    deviceId: deviceOf(name),
    welcome: { ...welcome(name, 'team', 1, name === 'phone of bob' ? bytesOf('its own', 900) : shared), epoch: 0 },
  }));
  await conversations.create(log.record(members, first), [first, ...log.many(5)], change(members, { welcomes }));
  await conversations.markRead(bob, team, 2);
  await conversations.markRead(bob, team, 4);
  await sessions.create(session('second of bob', 'bob'), acts());
  await vaults.update(bob, 1, bytesOf('second vault', 4_000), vault('bob').unlockers, acts());
  await vaults.archive(
    bob,
    Array.from({ length: 70 }, (_, epoch) => ({ conversationId: team, epoch, sealed: bytesOf(`epoch ${epoch}`, 80) })),
  );
  await vaults.putItem(bob, 'settings', 0, bytesOf('settings', 300));
  await vaults.putItem(bob, 'settings', 1, bytesOf('later settings', 300));
  await uploadHalf(blobs);
}
const aboutBob = { personal: [{ subject: bob, fields: { handle: 'bob', address: '192.0.2.9' } }] };

async function uploadHalf(blobs: LevelStore['blobs']): Promise<void> {
  const times = { createdAt: startMs, expiresAt: startMs + 30 * dayMs };
  await blobs.create({ fileId: halfFile, owner: bob, conversationId: team, size: 200_000, ...times }, much);
  const begun = await blobs.append(halfFile, 0, { atomic: false, onInterrupt: () => undefined });
  if (begun.kind !== 'appending') throw new Error(begun.kind);
  await begun.appending.write(bytesOf('half', 100_000));
  await begun.appending.finish();
}

/** Sealed records that are about bob by the places they stand at, and his half file. The folder must be closed. */
async function ofBob(): Promise<ReadonlyMap<string, Uint8Array>> {
  const keys = await KeyRing.open(folder.path, masterKey, false, new FakeRuntime('places', startMs));
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const places = [
    keys.pseudonym('user', bob),
    keys.pseudonym('device', deviceOf('bob')),
    keys.pseudonym('device', deviceOf('phone of bob')),
    keys.pseudonym('handle', 'bob'),
    keys.pseudonym('credential', 'credential-bob'),
    keys.pseudonym('session', session('bob').sessionId),
    keys.pseudonym('session', session('second of bob').sessionId),
    keys.pseudonym('audit subject', bob),
    keys.pseudonym('invite', inviteOf('for bob')),
    keys.pseudonym('invite', inviteOf('by bob')),
    keys.pseudonym('file', halfFile),
  ].map(hex);
  const { records, files } = await inventoryOf(folder.path);
  const found = [...records].filter(([key]) => places.some((place) => key.includes(place)));
  return new Map([...found, ...[...files].filter(([name]) => places.includes(name))]);
}

const familyOf = (key: string): string => Buffer.from(key, 'hex').toString('latin1').split('!')[1] ?? '';
/** Who owned a device, whose file quota was what, and the membership that the log itself tells of. */
const staying = new Set(['device-owners', 'file-usage', 'gone', 'memberships', 'audit-shredded']);

const search = (path: string, samples: readonly Uint8Array[]): number | undefined =>
  searchFolder(path, ['bob'], { bob: samples }).get('bob');

const erased = (count: number) => ({ class: 'accounts', userId: bob, reason: asked, count });

async function receiptsOf(store: LevelStore): Promise<readonly Receipt[]> {
  const found = await store.erasure.receipts(null, 100);
  return found.map(({ statement }) => v.parse(Receipt, JSON.parse(statement)));
}

async function erase(store: LevelStore): Promise<Receipt | null> {
  const retention = retentionOver(store, runtime);
  await retention.leavers.take(bob, { state: 'erasing', reason: asked, goneAt: runtime.now() }, acts('account.erased'));
  return retention.finish(testScribe(runtime));
}

it('[R3] [R15] a raw search of the data folder finds nothing of an erased person, older versions included', async () => {
  await using(lived);
  const first = await ofBob();
  await using(async ({ vaults, devices }) => {
    await vaults.update(bob, 2, bytesOf('third vault', 4_000), vault('bob').unlockers, acts());
    await devices.register(device('bob', 'third of bob'), [], 10, acts());
  });
  const both = new Map([...first, ...[...(await ofBob())].map(([key, value]) => [`${key} later`, value] as const)]);
  const personal = [...both].filter(([key]) => !staying.has(familyOf(key.split(' ')[0] ?? '')));
  const families = new Set(personal.map(([key]) => familyOf(key)));
  for (const family of ['accounts', 'handles', 'credentials', 'devices', 'sessions', 'invites', 'vaults', 'archive'])
    expect(families).toContain(family);
  for (const family of ['vault-items', 'key-packages', 'mail', 'mail-waiting', 'read-marks', 'data-keys', 'file-tails'])
    expect(families).toContain(family);
  const samples = personal.flatMap(([, value]) => samplesOf(value));
  expect(search(folder.path, samples)).toBeGreaterThan(200);
  await using(async (store) => {
    const receipt = await erase(store);
    expect(receipt?.proof).toMatchObject({ found: 0, shredded: true });
    // While it is open, as a thief of the disk finds it.
    const found = personal.filter(([, value]) => search(folder.path, samplesOf(value)) !== 0);
    expect(found.map(([key]) => familyOf(key.split(' ')[0] ?? ''))).toEqual([]);
    expect(search(folder.path, samples)).toBe(0);
    const about = (await store.audit.readFrom(0, 100))
      .flatMap(({ personal: each }) => each)
      .filter(({ subject }) => subject === bob);
    expect([about.length > 0, about.every(({ fields }) => fields === null)]).toEqual([true, true]);
    // What others have stays.
    expect(await store.conversations.readAfter(team, 0, 100, 1e6)).toHaveLength(6);
    expect(await store.devices.welcomes(deviceOf('ann'), 10)).toHaveLength(1);
  });
  const left = new Set([...(await ofBob()).keys()].map(familyOf));
  expect([...left].filter((family) => !staying.has(family) && family !== 'invites')).toEqual([]);
  expect((await verifyStore({ folder: folder.path, masterKey, runtime })).faults).toEqual([]);
}, 60_000);

it('[R15] others fetch key packages between the steps of an erasure', async () => {
  await using(async (store) => {
    await lived(store);
    let claims = 0;
    runtime.onPause = async () => {
      const claimed = await store.devices.claim([device('ann')], 1);
      claims += claimed?.length ?? 0;
    };
    await erase(store);
    expect(claims).toBeGreaterThan(5);
  });
});

it("[R4] [R15] a crash at any moment of an account's erasure is made up for after the next start, with one receipt for all of it", async () => {
  const count = await using(async (store) => {
    await lived(store);
    const receipt = await erase(copies.watching(store, runtime));
    return receipt?.others[0]?.count ?? 0;
  });
  runtime.onPause = () => Promise.resolve();
  expect(count).toBeGreaterThan(200);
  expect(copies.copies.length).toBeGreaterThan(15);
  for (const { path } of copies.copies) {
    expect((await verifyStore({ folder: path, masterKey, runtime })).faults).toEqual([]);
    const store = await open(path);
    // As from the moment of the confirmation, finished or not.
    expect(await store.accounts.byId(bob)).toBeNull();
    const retention = retentionOver(store, runtime);
    await retention.reapply(testScribe(runtime));
    const settled = (await receiptsOf(store)).length > 0;
    expect(await finishErasures(retention, runtime).run()).toBe(settled ? 0 : count);
    const receipts = await receiptsOf(store);
    expect(receipts.map(({ others }) => others)).toMatchObject([[erased(count)]]);
    expect(receipts[0]?.proof?.found).toBe(0);
    expect(await store.people.gone(bob)).toMatchObject({ state: 'erased' });
    expect(await store.conversations.memberships(bob)).toEqual([]);
    expect(await store.purged.read()).toContainEqual(expect.objectContaining({ kind: 'person', userId: bob }));
    const verdict = await verifyLog(
      store.audit,
      [],
      await new TreeHeads(store.audit, 'http://localhost:8080').publicKey(),
    );
    expect(verdict.first).toBeNull();
    await store.close();
  }
}, 120_000);
