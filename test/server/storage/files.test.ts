/** Files as they lie in the data folder: sealed, under pseudonyms, damage found, removal for good. */
import { spawnSync } from 'node:child_process';
import { cp, link, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DiskFullError } from '../../../server/ports/blob-store.ts';
import { CorruptionError, StoreFailure } from '../../../server/ports/store.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { appending, fileOf, newFile, readAll } from '../../contract/blobs-contract.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { bytesOf, conversationOf, dayMs, startMs } from '../../contract/people.ts';
import { type TemporaryFolder, temporaryFolder } from '../../harness/folder.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

const roomy = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 100 };
const size = 3 * 64 * 1024 + 777;
const header = 512;
const sealedChunk = 64 * 1024 + 28;
let folder: TemporaryFolder;
let store: LevelStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  store = await open('first');
});
afterEach(async () => {
  await store.close();
  await folder.remove();
});

const open = (seed: string, path = folder.path) =>
  openLevelStore({ folder: path, masterKey, runtime: new FakeRuntime(seed, startMs) });
const files = (path = folder.path) => join(path, 'files');

async function upload(name: string, bytes = bytesOf(name, size), createdAt = startMs): Promise<string> {
  const before = new Set(await readdir(files()).catch(() => []));
  await store.blobs.create(newFile(name, bytes.length, { createdAt }), roomy);
  const writer = await appending(store.blobs, fileOf(name), 0);
  await writer.write(bytes);
  await writer.finish();
  const made = (await readdir(files())).find((entry) => !before.has(entry));
  if (made === undefined) throw new Error('no file was made');
  return join(files(), made);
}

const damaged = async (name: string): Promise<unknown> => {
  const cause: unknown = await readAll(store.blobs, fileOf(name)).catch((error: unknown) => error);
  return cause instanceof CorruptionError ? cause.family : cause;
};

async function everyByte(path: string): Promise<Buffer> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && entry.name !== 'LOCK');
  return Buffer.concat(await Promise.all(names.map(({ parentPath, name }) => readFile(join(parentPath, name)))));
}

test('[B13] neither content nor ids are readable, in the folder of files or in the records', async () => {
  const content = bytesOf('secret content', size);
  const path = await upload('secret', content);
  await store.blobs.create(newFile('half', size), roomy);
  const writer = await appending(store.blobs, fileOf('half'), 0);
  await writer.write(content.subarray(0, 100_000));
  await writer.finish();
  await store.close();
  const raw = await everyByte(folder.path);
  for (let at = 0; at + 32 < content.length; at += 4_096) {
    expect(raw.includes(Buffer.from(content.subarray(at, at + 32)))).toBe(false);
  }
  for (const id of [fileOf('secret'), conversationOf('team')]) {
    expect(raw.includes(Buffer.from(id))).toBe(false);
    expect(raw.includes(Buffer.from(id, 'base64url'))).toBe(false);
    expect(path).not.toContain(Buffer.from(id, 'base64url').toString('hex'));
  }
  store = await open('second');
  expect(Buffer.compare(await readAll(store.blobs, fileOf('secret')), content)).toBe(0);
});

describe('damage', () => {
  test.each([0, 60, header, header + 12, header + 5_000, header + sealedChunk, header + 3 * sealedChunk + 20])(
    '[B13] a flipped bit at %i is found',
    async (place) => {
      const path = await upload('a');
      const bytes = await readFile(path);
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      await writeFile(path, bytes);
      expect(await damaged('a')).toBe('files');
    },
  );
  test('[B13] a file that is cut off, lost, swapped or put together anew is found', async () => {
    const [one, other] = [await upload('one'), await upload('other')];
    const bytes = await readFile(one);
    await truncate(one, bytes.length - 1);
    expect(await damaged('one')).toBe('files');
    const chunks = bytes.subarray(header, header + 2 * sealedChunk);
    const reordered = Buffer.concat([chunks.subarray(sealedChunk), chunks.subarray(0, sealedChunk)]);
    await writeFile(
      one,
      Buffer.concat([bytes.subarray(0, header), reordered, bytes.subarray(header + 2 * sealedChunk)]),
    );
    expect(await damaged('one')).toBe('files');
    await rename(other, one);
    expect(await damaged('one')).toBe('files');
    expect(await damaged('other')).toBe('files');
    expect((await store.blobs.byId(fileOf('other')))?.offset).toBe(size);
  });
});

describe('removal', () => {
  test('[B8] nothing of it is left to open, not even with the records and keys from before', async () => {
    const content = bytesOf('erased', size);
    const path = await upload('erased', content);
    const earlier = await temporaryFolder();
    await store.close();
    await cp(folder.path, earlier.path, { recursive: true });
    store = await open('second');
    // The blocks of an unlinked file linger: another name keeps them in sight.
    const lingering = join(folder.path, 'lingering');
    await link(path, lingering);
    expect(await store.blobs.remove(fileOf('erased'))).toBe(true);
    expect(await readdir(files())).toEqual([]);
    const left = await readFile(lingering);
    const before = await readFile(path.replace(folder.path, earlier.path));
    expect(left.subarray(header).equals(before.subarray(header))).toBe(true);
    for (let at = 0; at + 16 <= header; at += 16)
      expect(left.subarray(0, 61).includes(before.subarray(at, at + 16))).toBe(false);
    await writeFile(path.replace(folder.path, earlier.path), left);
    const restored = await open('third', earlier.path);
    await expect(readAll(restored.blobs, fileOf('erased'))).rejects.toThrow(CorruptionError);
    await restored.close();
    await earlier.remove();
  });

  test('[B8] a removal that was cut off goes on with the sweep', async () => {
    const path = await upload('a');
    await rename(path, `${path}.aside`);
    // No disk says no: behind the mark and before the unlink it ends here.
    await mkdir(path);
    await expect(store.blobs.remove(fileOf('a'))).rejects.toThrow(StoreFailure);
    await store.close();
    await rm(path, { recursive: true });
    await rename(`${path}.aside`, path);
    store = await open('second');
    expect(await store.blobs.byId(fileOf('a'))).toBeNull();
    expect(await store.blobs.open(fileOf('a'))).toBeNull();
    expect((await store.blobs.usage(null)).files).toBe(1);
    expect(await store.blobs.sweep(startMs, 10)).toBe(1);
    expect(await readdir(files())).toEqual([]);
    expect(await store.blobs.usage(null)).toEqual({ bytes: 0, files: 0, open: 0 });
  });

  test('[B10] the keys of days that have no file left go too', async () => {
    await upload('old', bytesOf('old', 10), startMs - 2 * dayMs);
    await upload('new', bytesOf('new', 10));
    const before = await dayKeys();
    await store.blobs.erase(conversationOf('team'), startMs, 10);
    expect([before, await dayKeys()]).toEqual([2, 1]);
    expect(await readAll(store.blobs, fileOf('new'))).toEqual(bytesOf('new', 10));
  });
});

const mounted = (path: string): boolean =>
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' }).status === 0;

test('a full disk ends an append; what was durable is kept, and it goes on when there is space', async ({ skip }) => {
  await mkdir(files());
  if (!mounted(files())) return skip('needs the right to mount a small file system');
  try {
    const filler = join(files(), 'filler');
    await writeFile(filler, new Uint8Array(400_000));
    const content = bytesOf('large', 700_000);
    await store.blobs.create(newFile('large', content.length), roomy);
    const first = await appending(store.blobs, fileOf('large'), 0);
    await first.write(content.subarray(0, 100_000));
    expect((await first.finish()).offset).toBe(100_000);
    const second = await appending(store.blobs, fileOf('large'), 100_000);
    const heard = second.write(content.subarray(100_000)) ?? Promise.resolve();
    await heard.catch((cause: unknown) => expect(cause).toBeInstanceOf(DiskFullError));
    await expect(second.finish()).rejects.toThrow(DiskFullError);
    expect(store.isOpen()).toBe(true);
    expect((await store.blobs.byId(fileOf('large')))?.offset).toBe(100_000);
    await rm(filler);
    const third = await appending(store.blobs, fileOf('large'), 100_000);
    await third.write(content.subarray(100_000));
    expect((await third.finish()).offset).toBe(content.length);
    expect(Buffer.compare(await readAll(store.blobs, fileOf('large')), content)).toBe(0);
  } finally {
    spawnSync('umount', ['-l', files()]);
  }
});

/** How many data keys are stored; nothing else in these tests has any. Opens the store again. */
async function dayKeys(): Promise<number> {
  await store.close();
  const database = new ClassicLevel(join(folder.path, 'store'));
  const keys = await database.keys({ gte: '!data-keys!', lt: '!data-keys"' }).all();
  await database.close();
  store = await open('again');
  return keys.length;
}
