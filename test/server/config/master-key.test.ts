import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../server/config/config.ts';
import { loadMasterKey, parseMasterKey } from '../../../server/config/master-key.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { random } = systemRuntime;
const bytes = Uint8Array.from({ length: 32 }, (_none, at) => at * 7);

test('the first start makes a key that only its owner reads; the second reads the same', () => {
  const data = join(folder, 'deep', 'data');
  const first = loadMasterKey(data, null, random);
  expect(first.made).toBe(join(data, 'master.key'));
  expect(statSync(join(data, 'master.key')).mode & 0o777).toBe(0o600);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(existsSync(join(data, 'master.key.new'))).toBe(false);
  const second = loadMasterKey(data, null, () => {
    throw new Error('a key is made once');
  });
  expect(second).toEqual({ key: first.key, made: null });
});

test.each([
  ['raw', Buffer.from(bytes)],
  ['hex', Buffer.from(bytes).toString('hex')],
  ['upper-case hex with a line end', `${Buffer.from(bytes).toString('hex').toUpperCase()}\n`],
  ['base64', `${Buffer.from(bytes).toString('base64')}\n`],
])('a key file may be %s', (_name, content) => {
  const path = join(folder, 'key');
  writeFileSync(path, content);
  expect(loadMasterKey(folder, path, random)).toEqual({ key: bytes, made: null });
  expect(existsSync(join(folder, 'master.key'))).toBe(false);
});

test.each([['empty', ''], ['short', 'abc'], ['31 bytes', Buffer.alloc(31)], ['33 bytes', Buffer.alloc(33)], ['63 digits', 'a'.repeat(63)], ['huge', 'a'.repeat(1_000_000)]])(
  'a key file that is %s is refused by its variable',
  (_name, content) => {
    const path = join(folder, 'key');
    writeFileSync(path, content);
    expect(() => loadMasterKey(folder, path, random)).toThrow(/^LANYING_MASTER_KEY_FILE must hold 32 bytes, 64 hex digits or 44 characters of base64/);
  },
);

test('a key file that is missing or a folder is refused by its variable', () => {
  expect(() => loadMasterKey(folder, join(folder, 'none'), random)).toThrow(/^LANYING_MASTER_KEY_FILE cannot be read \(ENOENT\)/);
  expect(() => loadMasterKey(folder, folder, random)).toThrow(ConfigError);
});

test('a data folder that cannot be made is refused by its variable', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => loadMasterKey(join(folder, 'file', 'data'), null, random)).toThrow(/^LANYING_DATA cannot be used \(ENOTDIR\)/);
});

test('records without their key are never given a new one', () => {
  writeFileSync(join(folder, 'store-made'), '1\n');
  expect(() => loadMasterKey(folder, null, random)).toThrow(/master\.key is missing/);
  expect(existsSync(join(folder, 'master.key'))).toBe(false);
});

test('a key that is there is not written over, not even through a link', () => {
  writeFileSync(join(folder, 'elsewhere'), bytes);
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'master.key'));
  expect(loadMasterKey(folder, null, random).key).toEqual(bytes);
  expect(new Uint8Array(readFileSync(join(folder, 'elsewhere')))).toEqual(bytes);
  expect(parseMasterKey(new Uint8Array(0))).toBeNull();
});
