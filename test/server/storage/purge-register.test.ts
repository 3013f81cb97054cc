import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FilePurgeRegister } from '../../../server/storage/level/purge-register.ts';
import { recordCipher } from '../../../server/storage/sealed/record-cipher.ts';
import { bytesOf, conversationOf, generationOf, startMs } from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { mountSmall } from '../../harness/mounted.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { corruptFamily } from './level-folder.ts';

const runtime = new FakeRuntime('register');
const cipherOf = (name: string) =>
  recordCipher('purged', createSecretKey(bytesOf(name)), (length) => runtime.random(length));
const floor = (name: string, sequence: number) => ({
  kind: 'floor' as const,
  conversationId: conversationOf(name),
  generation: generationOf(name),
  floor: { sequence, hash: bytesOf(`${sequence}`), sentAt: startMs, day: 1, purgedAt: startMs },
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'elsewhere', 'purged');
});
afterEach(() => folder.remove());
const opened = (key = 'key'): FilePurgeRegister => new FilePurgeRegister(path, cipherOf(key));

it('[R6] remembers the highest floor of each log, also when written side by side, and shows nothing', async () => {
  const register = opened();
  expect(await register.read()).toEqual([]);
  await Promise.all([register.add([floor('team', 5)]), register.add([floor('duo', 2), floor('team', 9)])]);
  await register.add([floor('team', 7)]);
  expect(new Set(await opened().read())).toEqual(new Set([floor('team', 9), floor('duo', 2)]));
  const file = await readFile(path);
  expect(file.includes(conversationOf('team'))).toBe(false);
  expect(file.includes(Buffer.from(bytesOf('9')))).toBe(false);
});

it('[R6] a torn last entry is overwritten by the next; damage before it, or another key, is refused', async () => {
  await opened().add([floor('team', 5)]);
  const whole = await readFile(path);
  await opened().add([floor('team', 9)]);
  const both = await readFile(path);
  for (const cut of [whole.length + 2, whole.length + 40, both.length - 1]) {
    await writeFile(path, both);
    await truncate(path, cut);
    expect(await opened().read()).toEqual([floor('team', 5)]);
    await opened().add([floor('duo', 3)]);
    expect(await opened().read()).toEqual([floor('team', 5), floor('duo', 3)]);
  }
  await writeFile(
    path,
    both.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
  );
  expect(await corruptFamily(opened().read())).toBe('purged');
  await writeFile(path, both);
  expect(await corruptFamily(opened('another').read())).toBe('purged');
  await appendFile(path, new Uint8Array([255, 255, 255, 255, 1]));
  expect(await corruptFamily(opened().read())).toBe('purged');
});

it('[R6] stays small however often the same logs are purged', async () => {
  const register = opened();
  for (let at = 1; at <= 700; at += 1) await register.add([floor('team', at)]);
  expect((await readFile(path)).length).toBeLessThan(100_000);
  expect(await opened().read()).toEqual([floor('team', 700)]);
}, 60_000);

const probe = mountSmall(1);
probe?.remove();

it.skipIf(probe === null)(
  '[R6] what the disk had no room for is not taken for written, and is written when it is given again',
  async () => {
    const disk = mountSmall(1);
    if (disk === null) throw new Error('no file system');
    try {
      const register = new FilePurgeRegister(join(disk.path, 'purged'), cipherOf('master'));
      await register.add([floor('team', 3)]);
      await disk.fill();
      const more = Array.from({ length: 60 }, (_, at) => floor(`log ${at}`, 5));
      await expect(register.add(more)).rejects.toMatchObject({ code: 'ENOSPC' });
      disk.free();
      await register.add(more);
      const read = await new FilePurgeRegister(join(disk.path, 'purged'), cipherOf('master')).read();
      expect(read).toHaveLength(61);
    } finally {
      disk.remove();
    }
  },
);
