/** [Z2] A start on a damaged folder: one line that names what is wrong and what to do, no stack, and nothing is changed or made anew. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, readLog } from '../../../scripts/torture/raw-log.ts';
import { ChildServer } from '../../harness/child-server.ts';
import { freePort } from '../../harness/free-port.ts';

const setupToken = 'setup-token-of-the-damaged-0123456789';

const inStore = (folder: string, pattern: RegExp): string => {
  const name = readdirSync(join(folder, 'store')).find((each) => pattern.test(each));
  if (name === undefined) throw new Error(`no file like ${pattern.source}`);
  return join(folder, 'store', name);
};
function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
  writeFileSync(path, bytes);
}

/** What is done to the folder, the exit code, and what the line says. */
const damages: readonly (readonly [string, (folder: string) => void, number, RegExp])[] = [
  [
    'CURRENT is gone',
    (folder) => rmSync(join(folder, 'store', 'CURRENT')),
    1,
    /store: the LevelDB folder has lost its CURRENT file/,
  ],
  [
    'the store is gone',
    (folder) => rmSync(join(folder, 'store'), { recursive: true }),
    1,
    /store: the LevelDB folder is gone/,
  ],
  ['a log was cut', (folder) => truncateSync(inStore(folder, /\.log$/), 40), 1, /(store|ledger): /],
  ['a log has another byte', (folder) => flip(inStore(folder, /\.log$/)), 1, /store: \d+\.log is damaged/],
  [
    'the MANIFEST has another byte',
    (folder) => flip(inStore(folder, /^MANIFEST/)),
    1,
    /store: MANIFEST-\d+ is damaged/,
  ],
  ['the witness is gone', (folder) => rmSync(join(folder, 'store-witness')), 1, /witness: .*lanying verify --witness/],
  ['the witness has another byte', (folder) => flip(join(folder, 'store-witness')), 1, /witness: /],
  ['the key file is gone', (folder) => rmSync(join(folder, 'keys', 'kek')), 1, /keys: .*Give the master key/],
  ['the master key has another byte', (folder) => flip(join(folder, 'master.key')), 1, /keys: .*Give the master key/],
  ['the master key is gone', (folder) => rmSync(join(folder, 'master.key')), 78, /master\.key is missing: put it back/],
  [
    'the register of purges is damaged',
    (folder) => writeFileSync(join(folder, 'purged'), Buffer.alloc(300, 7)),
    1,
    /purged: .*Put the register back/,
  ],
];

describe('[Z2] a start on a folder that is damaged', () => {
  const home = mkdtempSync(join(tmpdir(), 'lanying-damaged-'));
  const whole = join(home, 'whole');
  let origin = '';
  let entries = 0;
  let cookie = '';
  let read: () => Promise<number> = () => Promise.resolve(0);
  beforeAll(async () => {
    origin = `http://localhost:${await freePort()}`;
    const server = await ChildServer.start({ origin, dataFolder: whole, setupToken });
    const { account, conversationId } = await begin(origin, setupToken);
    cookie = account.cookie;
    read = async () => (await readLog(origin, cookie, conversationId)).entries.length;
    entries = await read();
    expect(await server.stop()).toBe(0);
  }, 60_000);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each(damages)('%s', { timeout: 60_000 }, async (what, damage, exit, says) => {
    const dataFolder = join(home, what);
    cpSync(whole, dataFolder, { recursive: true });
    damage(dataFolder);
    const server = new ChildServer({ origin, dataFolder, setupToken });
    expect([await server.ended, server.log]).toEqual([exit, expect.stringMatching(/^lanying cannot start: /m)]);
    const lines = server.log.trim().split('\n');
    expect(lines.filter((line) => line.startsWith('lanying cannot start: '))).toHaveLength(1);
    expect(lines.join('\n')).toMatch(says);
    expect(lines.join('\n')).not.toMatch(/^\s+at /m);
    expect(lines.join('\n')).not.toContain('"stack"');
  });

  it('and the whole one starts, with everything', { timeout: 60_000 }, async () => {
    const server = await ChildServer.start({ origin, dataFolder: whole, setupToken });
    try {
      expect(await read()).toBe(entries);
    } finally {
      await server.stop();
    }
  });
});
