import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32c } from '../../../server/storage/level/crc32c.ts';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { logHealth } from '../../../server/storage/level/log-files.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import {
  bytesOf,
  ceremonyOf,
  change,
  conversationOf,
  LogWriter,
  newAccount,
  roster,
  userOf,
} from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { corruptFamily, LevelFolder, type RawRecord } from './level-folder.ts';

const faultsOf = (found: unknown): number =>
  typeof found === 'object' && found !== null && 'faults' in found && Array.isArray(found.faults)
    ? found.faults.length
    : 0;

describe('the files of the store', () => {
  let folder: LevelFolder;
  const fileNamed = async (pattern: RegExp): Promise<string> => {
    const name = (await readdir(join(folder.path, 'store'))).find((each) => pattern.test(each));
    if (name === undefined) throw new Error(`no file like ${pattern.source}`);
    return join(folder.path, 'store', name);
  };
  const flip = async (path: string, place: (length: number) => number): Promise<void> => {
    const bytes = await readFile(path);
    const at = place(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    await writeFile(path, bytes);
  };
  const verifyFolder = () => verifyStore({ folder: folder.path, masterKey, runtime: new FakeRuntime('verify') });
  const opened = () => corruptFamily(folder.using(() => Promise.resolve('opened')));
  beforeEach(async () => {
    folder = await LevelFolder.make();
    await folder.using(async (store) => {
      await store.accounts.create(newAccount('ann', null), acts());
      const log = new LogWriter('team');
      const first = log.next('created');
      await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
      for (const entry of log.many(40))
        await store.conversations.append(log.conversationId, entry.sequence - 1, [entry], null);
    });
  });
  afterEach(() => folder.remove());

  it('[Z2] knows the checksum of LevelDB (RFC 3720 B.4)', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('[Z2] refuses a flipped bit anywhere in a log or the MANIFEST of a store that was closed', async () => {
    for (const pattern of [/\.log$/, /^MANIFEST/]) {
      const path = await fileNamed(pattern);
      const whole = await readFile(path);
      expect(logHealth(whole)).toBe('whole');
      for (let at = 0; at < whole.length; at += 97) {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
        expect(logHealth(bytes)).not.toBe('whole');
      }
      await flip(path, (length) => length >> 1);
      expect(await opened()).toBe('store');
      await writeFile(path, whole);
    }
    expect(await opened()).toBe('opened');
  });

  it('[Z2] refuses a damaged or missing CURRENT', async () => {
    const path = await fileNamed(/^CURRENT$/);
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 1) {
      await flip(path, () => at);
      expect(await opened()).toBe('store');
      await writeFile(path, whole);
    }
    await rm(path);
    expect(await opened()).toBe('store');
  });

  it('[Z2] refuses a log that was cut, or that is gone', async () => {
    const path = await fileNamed(/\.log$/);
    const whole = await readFile(path);
    for (const length of [0, 100, whole.length >> 1, whole.length - 1]) {
      await truncate(path, length);
      expect(['store', 'ledger']).toContain(await opened());
      await writeFile(path, whole);
    }
    await rm(path);
    expect(['store', 'ledger']).toContain(await opened());
  });

  it('[Z2] finds a flipped bit in the records of a table, and does not open without it', async () => {
    // Opening writes the log out as a table.
    await folder.using(() => Promise.resolve());
    const path = await fileNamed(/\.ldb$/);
    const whole = await readFile(path);
    const data = whole.length >> 1;
    let caught = 0;
    const entriesRead = async (store: LevelStore): Promise<number> =>
      (await store.conversations.readAfter(conversationOf('team'), 0, 100, 1_000_000)).length;
    for (let at = 5; at < data; at += Math.floor(data / 10)) {
      await flip(path, () => at);
      const found = await corruptFamily(verifyFolder());
      // Tables also hold earlier versions of records, which nobody reads any more.
      if (typeof found === 'string' || faultsOf(found) > 0) caught += 1;
      else expect(await folder.using(entriesRead)).toBe(41);
      await writeFile(path, whole);
    }
    expect(caught).toBeGreaterThanOrEqual(5);
    expect(await verifyFolder()).toMatchObject({ faults: [] });
    await rename(path, `${path}.away`);
    expect(await opened()).toBe('store');
  });

  it('[Z2] does not open without its witness, which verification makes anew for a store that is whole', async () => {
    const path = join(folder.path, 'store-witness');
    await rm(path);
    expect(await opened()).toBe('witness');
    expect(await corruptFamily(verifyFolder())).toBe('witness');
    const renewed = await verifyStore({
      folder: folder.path,
      masterKey,
      runtime: new FakeRuntime('verify'),
      renewWitness: true,
    });
    expect(renewed.faults).toEqual([]);
    expect(await opened()).toBe('opened');
    // Not for one that is damaged.
    await folder.tamper('log', ([first]) => ({ del: first === undefined ? [] : [first.key] }));
    await rm(path);
    expect(
      faultsOf(
        await verifyStore({ folder: folder.path, masterKey, runtime: new FakeRuntime('verify'), renewWitness: true }),
      ),
    ).toBe(1);
    expect(await opened()).toBe('witness');
  });

  it('[Z2] is looked at without a trace: what was closed in order still is', async () => {
    const before = await readFile(join(folder.path, 'store-witness'));
    await verifyFolder();
    expect(await readFile(join(folder.path, 'store-witness'))).toEqual(before);
  });

  it('[Z2] finds a record that was put back in an older form or taken away, and names its family', async () => {
    const user = userOf('ann');
    await folder.using((store) => store.vaults.putItem(user, 'names', 0, bytesOf('one')));
    let older: readonly RawRecord[] = [];
    await folder.tamper('vault-items', (records) => ((older = records), {}));
    await folder.using((store) => store.vaults.putItem(user, 'names', 1, bytesOf('two')));
    expect(await verifyFolder()).toMatchObject({ faults: [] });
    await folder.tamper('vault-items', () => ({ put: older }));
    expect(await verifyFolder()).toMatchObject({ faults: [{ family: 'vault-items' }] });
    await folder.tamper('vault-items', (records) => ({ del: records.map(({ key }) => key) }));
    expect(await verifyFolder()).toMatchObject({ faults: [{ family: 'vault-items' }] });
  });

  it('[Z2] refuses a store that was put back in an older form', async () => {
    const store = join(folder.path, 'store');
    const older = join(folder.path, 'older');
    await cp(store, older, { recursive: true });
    await folder.using((later) => later.ceremonies.put(newCeremony, new Uint8Array(3), 1e13));
    await rm(store, { recursive: true });
    await rename(older, store);
    expect(await opened()).toBe('ledger');
  });
});

const newCeremony = ceremonyOf('later');
