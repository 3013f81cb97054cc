/** A real store's directory, changed behind its back: verification names the first bad index. */
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Checkpoint, parseCheckpoint } from '#protocol/checkpoint.ts';
import { exits, type Language } from '../../../../scripts/cli/command.ts';
import { commands } from '../../../../scripts/cli/commands.ts';
import { runProgram } from '../../../../scripts/cli/program.ts';
import { readEnvironment } from '../../../../server/config/env.ts';
import { TreeHeads } from '../../../../server/domain/audit/tree-heads.ts';
import { verifyDirectory } from '../../../../server/domain/directory/verify.ts';
import type { Store } from '../../../../server/ports/store.ts';
import { acts } from '../../../contract/acts.ts';
import { masterKey } from '../../../contract/level-bench.ts';
import { device, invite, newAccount } from '../../../contract/people.ts';
import { LevelFolder, type RawRecord } from '../../storage/level-folder.ts';
import { noStreams } from '../../../harness/shell.ts';

const origin = 'http://localhost:8080';
/** Two of the owner's, and one more for each device. */
const size = 12;

let folder: LevelFolder;
beforeEach(async () => {
  folder = await LevelFolder.make();
});
afterEach(() => folder.remove());

async function fill({ accounts, devices }: Store): Promise<void> {
  await accounts.create(newAccount('ann', null), acts('setup.completed'));
  await more({ devices }, 2, size);
}
async function more({ devices }: Pick<Store, 'devices'>, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 1)
    await devices.register(device('ann', `d${at}`), [], 1_000, acts('device.registered'));
}
const headsOf = ({ directory }: Store) => new TreeHeads(directory, origin, 'keeps', 'directory');
const verdict = () => folder.using(async (store) => verifyDirectory(store, [], await headsOf(store).publicKey()));
const at = (records: readonly RawRecord[], index: number): RawRecord => records[index]!;
const flipped = ({ key, value }: RawRecord): RawRecord => ({
  key,
  value: value.map((byte, place) => (place === 40 ? byte ^ 1 : byte)),
});
const index8 = (index: number): Uint8Array => {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(index));
  return key;
};

describe('[X4] what is changed in the records', () => {
  const changes: readonly {
    readonly what: string;
    readonly first: number;
    readonly fault: string;
    readonly family?: string;
    readonly make: (all: readonly RawRecord[]) => {
      readonly put?: readonly RawRecord[];
      readonly del?: readonly Uint8Array[];
    };
  }[] = [
    { what: 'an edited leaf', first: 4, fault: 'damaged', make: (all) => ({ put: [flipped(at(all, 4))] }) },
    { what: 'a deleted leaf', first: 7, fault: 'missing', make: (all) => ({ del: [at(all, 7).key] }) },
    {
      what: 'leaves in another order',
      first: 3,
      fault: 'damaged',
      make: (all) => ({
        put: [
          { key: at(all, 3).key, value: at(all, 9).value },
          { key: at(all, 9).key, value: at(all, 3).value },
        ],
      }),
    },
    {
      what: 'an inserted record',
      first: 6,
      fault: 'foreign',
      make: (all) => ({ put: [{ key: new Uint8Array([...index8(5), 0]), value: at(all, 2).value }] }),
    },
    {
      what: 'a record behind the end',
      first: size,
      fault: 'damaged',
      make: (all) => ({ put: [{ key: index8(size), value: at(all, 2).value }] }),
    },
    { what: 'a cut tail', first: 8, fault: 'missing', make: (all) => ({ del: all.slice(8).map(({ key }) => key) }) },
    {
      what: 'a changed hash',
      first: 0,
      fault: 'tree',
      family: 'directory-nodes',
      make: (all) => ({ put: [flipped(at(all, 0))] }),
    },
    {
      what: 'a place that is gone',
      first: size,
      fault: 'unlisted',
      family: 'directory-places',
      make: (all) => ({ del: [at(all, 0).key] }),
    },
  ];

  test.each(changes)('$what is found at its first index', async ({ first, fault, family = 'directory', make }) => {
    await folder.using(fill);
    expect(await verdict()).toMatchObject({ size, first: null });
    await folder.tamper(family, make);
    expect((await verdict()).first).toMatchObject({ index: first, fault });
  });

  test('a head from elsewhere finds what somebody with the master key wrote anew, and between which heads', async () => {
    const heads: Checkpoint[] = [];
    const keep = async (store: Store): Promise<void> => {
      const head = parseCheckpoint((await headsOf(store).head()).checkpoint);
      if (head !== null) heads.push(head);
    };
    await folder.using(async (store) => {
      await fill(store);
      await keep(store);
      await more(store, size, size + 3);
      await keep(store);
    });
    const [one, two] = heads;
    if (one === undefined || two === undefined) throw new Error('no heads');
    const against = (given: readonly Checkpoint[]) =>
      folder.using(async (store) => verifyDirectory(store, given, await headsOf(store).publicKey()));
    expect((await against(heads)).first).toBeNull();
    // Signed by the directory's key over another tree.
    expect((await against([one, { ...two, root: one.root }])).first).toEqual({
      index: size,
      until: size + 3,
      fault: 'head',
    });
    expect((await against([{ ...two, size: size + 9 }])).first).toMatchObject({ index: size + 3, fault: 'cut' });
    expect((await against([{ ...one, signature: two.signature }])).first).toMatchObject({ fault: 'signature' });
  });
});

async function run(path: string, words: readonly string[], language: Language = 'en') {
  const lines: string[] = [];
  const keyFile = join(path, 'test.key');
  await writeFile(keyFile, masterKey);
  const line = (text: string): void => void lines.push(text);
  const environment = () => readEnvironment({ LANYING_DATA: path, LANYING_MASTER_KEY_FILE: keyFile });
  const exit = await runProgram(commands, ['verify', 'directory', ...words], {
    ...noStreams,
    out: line,
    err: line,
    language,
    environment,
  });
  return { exit, told: lines.join('\n') };
}

describe('[X4] lanying verify directory', () => {
  test('says that all is well, and names the first bad index', async () => {
    const file = join(folder.path, 'heads.txt');
    await folder.using(async (store) => {
      await fill(store);
      await appendFile(file, (await headsOf(store).head()).checkpoint);
      // The same file takes those of the audit log.
      await appendFile(file, (await new TreeHeads(store.audit, origin).head()).checkpoint);
      await more(store, size, size + 3);
      await appendFile(file, (await headsOf(store).head()).checkpoint);
    });
    expect(await run(folder.path, ['--head', file])).toMatchObject({
      exit: exits.ok,
      told: expect.stringMatching(
        /15 entries, 2 given heads[\s\S]*localhost:8080\/lanying-directory\+[\s\S]*The key directory is whole/,
      ),
    });
    expect((await run(folder.path, [], 'zh')).told).toContain('密钥目录完整');
    await folder.tamper('directory', (records) => ({ del: records.slice(9, 10).map((record) => record.key) }));
    expect(await run(folder.path, ['--head', file])).toMatchObject({
      exit: exits.found,
      told: expect.stringContaining('First bad index: 9 '),
    });
    await folder.using(async () => expect((await run(folder.path, [])).exit).toBe(exits.inUse));
  });
});

describe('[X1] a store of before the directory', () => {
  test('gets everybody’s leaves at its start, once and in one batch', async () => {
    const before = await folder.using(async (store) => {
      await fill(store);
      await store.invites.create(invite('one'), acts('invite.created'));
      await store.accounts.create(newAccount('bob', 'one'), acts('account.created'));
      return (await store.directory.leaves(0, 100)).map(String);
    });
    for (const family of ['directory', 'directory-nodes', 'directory-tree', 'directory-places'])
      await folder.tamper(family, (records) => ({ del: records.map(({ key }) => key) }));
    expect((await verdict()).first).toMatchObject({ index: 0, fault: 'unlisted' });
    await folder.using(async (store) => {
      const { batches } = store.writes();
      expect(await store.directory.begin()).toBe(size + 2);
      expect(store.writes().batches).toBe(batches + 1);
      expect(await store.directory.begin()).toBe(0);
      expect(new Set((await store.directory.leaves(0, 100)).map(String))).toEqual(new Set(before));
    });
    expect((await verdict()).first).toBeNull();
  });

  test('gets them with the first change too, where there was no room at its start', async () => {
    await folder.using(fill);
    for (const family of ['directory', 'directory-nodes', 'directory-tree', 'directory-places'])
      await folder.tamper(family, (records) => ({ del: records.map(({ key }) => key) }));
    await folder.using(async (store) => {
      await more(store, size, size + 1);
      expect((await store.directory.tree()).size).toBe(size + 1);
    });
    expect((await verdict()).first).toBeNull();
  });
});
