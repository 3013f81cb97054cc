/** Each thing that `lanying doctor` looks at, well and not. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exits, type Language } from '../../../scripts/cli/command.ts';
import { doctor } from '../../../scripts/cli/doctor.ts';
import { readEnvironment } from '../../../server/config/env.ts';
import { loadMasterKey } from '../../../server/config/master-key.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { mountSmall } from '../../harness/mounted.ts';
import { noStreams } from '../../harness/shell.ts';

const root = resolve(import.meta.dirname, '../../..');
const dayMs = 86_400_000;
const probe = mountSmall(1);
probe?.remove();

describe('lanying doctor', () => {
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let data: string;
  beforeEach(async () => {
    home = await temporaryFolder();
    data = join(home.path, 'data');
  });
  afterEach(() => home.remove());

  async function made(): Promise<void> {
    const { key } = loadMasterKey(data, null, systemRuntime.random);
    await (await openLevelStore({ folder: data, masterKey: key, runtime: systemRuntime })).close();
  }
  async function told(variables: Readonly<Record<string, string>> = {}, language: Language = 'en') {
    const lines: string[] = [];
    const out = (line: string): void => void lines.push(line);
    const environment = () => readEnvironment({ LANYING_DATA: data, ...variables });
    const exit = await doctor.run({ flags: {}, shell: { ...noStreams, out, err: out, language, environment } });
    return { exit, lines, has: (line: string) => lines.some((each) => each.startsWith(line)) };
  }

  it('before the first start: nothing is wrong, and nothing is made', async () => {
    const { exit, has } = await told();
    expect(exit).toBe(exits.ok);
    for (const line of [
      '· no data folder yet',
      '· no master key yet',
      '· disk not looked at',
      '✓ the native relay loads',
      '· certificate',
      '· last backup',
      '· last purge: none',
    ])
      expect([line, has(line)]).toEqual([line, true]);
    await expect(readFile(join(data, 'master.key'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('of something that is no folder: it says so, and not that there is nothing in it', async () => {
    await writeFile(data, '', { mode: 0o600 });
    await expect(told()).rejects.toThrow(/^LANYING_DATA cannot be used \(ENOTDIR\)/);
  });

  it('of a folder that is well: each line good, in both languages', async () => {
    await made();
    const { exit, lines, has } = await told();
    expect(exit).toBe(exits.ok);
    for (const line of [
      '✓ the data folder holds a store',
      '· the master key lies beside the data',
      '✓ the clock goes forward',
      '✓ the native relay loads',
    ])
      expect([line, has(line)]).toEqual([line, true]);
    expect(lines.some((line) => /^✓ \d+ MiB left on the disk$/.test(line))).toBe(true);
    const chinese = await told({}, 'zh');
    expect(chinese.lines).toHaveLength(lines.length);
    expect(chinese.lines.filter((line) => !/\p{Script=Han}/u.test(line))).toEqual([]);
  });

  it('the folder: open to others', async () => {
    await made();
    await chmod(data, 0o755);
    expect(await told()).toMatchObject({ exit: exits.found });
    expect((await told()).has('✗ the data folder is open to other users: chmod 700')).toBe(true);
    await chmod(data, 0o700);
    expect((await told()).exit).toBe(exits.ok);
  });

  it('the folder: there, and nothing in it', async () => {
    await mkdir(data, { mode: 0o700 });
    expect(await told()).toMatchObject({ exit: exits.ok });
    expect((await told()).has('· the data folder is empty')).toBe(true);
  });

  it('the key: kept elsewhere, missing, none, or another one', async () => {
    await made();
    const elsewhere = join(home.path, 'key');
    const file = { LANYING_MASTER_KEY_FILE: elsewhere };
    expect((await told(file)).has('✗ the master key file is missing')).toBe(true);
    const own = await readFile(join(data, 'master.key'));
    await writeFile(elsewhere, own);
    expect(await told(file)).toMatchObject({ exit: exits.ok });
    expect((await told(file)).has('✓ the master key is kept elsewhere')).toBe(true);
    await writeFile(elsewhere, 'no key');
    expect((await told(file)).has('✗ the master key file holds no key')).toBe(true);
    await writeFile(
      elsewhere,
      own.map((byte) => byte ^ 1),
    );
    const other = await told(file);
    expect([other.exit, other.has('✗ the master key does not open this folder')]).toEqual([exits.found, true]);
    await rm(join(data, 'master.key'));
    expect((await told()).has('✗ the folder holds a store and its master key is missing')).toBe(true);
  });

  it.skipIf(probe === null)('the disk: full', async () => {
    const disk = mountSmall(32);
    if (disk === null) throw new Error('no file system');
    try {
      data = join(disk.path, 'data');
      await made();
      expect((await told()).exit).toBe(exits.ok);
      await disk.fill(1024 * 1024);
      const full = await told();
      expect([full.exit, full.has('✗ the disk is full: 1 MiB left, writing stops under 1')]).toEqual([
        exits.found,
        true,
      ]);
    } finally {
      disk.remove();
    }
  });

  it('the clock: behind the last time that the server ran, and far ahead of it', async () => {
    await made();
    const witness = join(data, 'store-witness');
    const seen = async (at: number) => {
      await utimes(witness, at / 1_000, at / 1_000);
      return told();
    };
    const behind = await seen(Date.now() + dayMs);
    expect([behind.exit, behind.has('✗ the clock is behind the last time')]).toEqual([exits.found, true]);
    const ahead = await seen(Date.now() - 400 * dayMs);
    expect([ahead.exit, ahead.has('· the server last ran 400 days ago')]).toEqual([exits.ok, true]);
    expect((await seen(Date.now() - 3 * dayMs)).has('✓ the clock goes forward')).toBe(true);
  });

  it('the last purge, wherever its register is kept', async () => {
    await made();
    const register = join(home.path, 'register');
    await writeFile(register, '');
    const at = Date.UTC(2026, 4, 1, 3, 30);
    await utimes(register, at / 1_000, at / 1_000);
    expect((await told({ LANYING_PURGE_REGISTER: register })).has('✓ last purge: 2026-05-01T03:30:00.000Z')).toBe(true);
    expect((await told()).has('· last purge: none')).toBe(true);
  });

  it('the native relay: missing, as on a platform that it has no build for; the server says so too', async () => {
    await made();
    const hook = join(home.path, 'gone.mjs');
    const resolver = `export async function resolve(name, context, next) { if (name === 'uWebSockets.js') throw new Error('no build'); return next(name, context); }`;
    await writeFile(
      hook,
      `import { register } from 'node:module';\nregister(${JSON.stringify(`data:text/javascript,${encodeURIComponent(resolver)}`)});\n`,
    );
    const run = (script: string, words: readonly string[]) =>
      new Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>((done) => {
        const env = { ...process.env, LANYING_DATA: data, LANYING_PORT: '18977', LANG: 'C' };
        const args = ['--import', 'tsx', '--import', pathToFileURL(hook).href, script, ...words];
        execFile(process.execPath, args, { cwd: root, env }, (failure, out, err) =>
          done({ code: failure?.code ?? 0, out, err }),
        );
      });
    const [seen, started] = await Promise.all([run('scripts/cli/main.ts', ['doctor']), run('server/main.ts', [])]);
    expect(seen.code).toBe(exits.found);
    expect(seen.out).toMatch(/^✗ The native relay \(uWebSockets\.js\) has no build for .*: use Node 20 or 22/m);
    expect(started.code).toBe(1);
    expect(started.err).toMatch(/^lanying cannot start: The native relay/m);
    expect(started.err).not.toMatch(/^\s+at /m);
  });
});
