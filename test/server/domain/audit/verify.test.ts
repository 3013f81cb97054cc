/** A real store's records, changed behind its back: verification names the first bad index. */
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Checkpoint, parseCheckpoint } from '#protocol/checkpoint.ts';
import { exits, type Language } from '../../../../scripts/cli/command.ts';
import { commands } from '../../../../scripts/cli/commands.ts';
import { runProgram } from '../../../../scripts/cli/program.ts';
import { readEnvironment } from '../../../../server/config/env.ts';
import { TreeHeads } from '../../../../server/domain/audit/tree-heads.ts';
import { verifyLog } from '../../../../server/domain/audit/verify.ts';
import type { AuditStore } from '../../../../server/ports/audit-store.ts';
import { acts } from '../../../contract/acts.ts';
import { masterKey } from '../../../contract/level-bench.ts';
import { repeats } from '../../../harness/seed.ts';
import { LevelFolder, type RawRecord } from '../../storage/level-folder.ts';
import { noStreams } from '../../../harness/shell.ts';

const origin = 'http://localhost:8080';
const size = 45;

const at = (index: number): Uint8Array => {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(index));
  return key;
};
const flipped = ({ key, value }: RawRecord, place: number): RawRecord => ({ key, value: value.map((byte, each) => (each === place % value.length ? byte ^ (1 + (place % 255)) : byte)) });

async function fill(audit: AuditStore, from: number, to: number, word = 'honest'): Promise<void> {
  for (let index = from; index < to; index += 1) await audit.append(acts('settings.changed', { after: { index, word } }));
}
async function headOf(audit: AuditStore): Promise<{ readonly note: string; readonly head: Checkpoint; readonly publicKey: Uint8Array }> {
  const heads = new TreeHeads(audit, origin);
  const { checkpoint } = await heads.head();
  const head = parseCheckpoint(checkpoint);
  if (head === null) throw new Error('no checkpoint');
  return { note: checkpoint, head, publicKey: await heads.publicKey() };
}

let folder: LevelFolder;
beforeEach(async () => {
  folder = await LevelFolder.make();
});
afterEach(() => folder.remove());

const verdict = (heads: readonly Checkpoint[] = []) =>
  folder.using(async ({ audit }) => verifyLog(audit, heads, await new TreeHeads(audit, origin).publicKey()));

describe('[U6] what is changed in the records', () => {
  interface Mutation {
    readonly what: string;
    readonly family: string;
    readonly change: (records: readonly RawRecord[]) => { readonly put?: readonly RawRecord[]; readonly del?: readonly Uint8Array[] };
    readonly first: number;
  }
  const index = fc.nat(size - 1);
  const leaf = (records: readonly RawRecord[], place: number): RawRecord => records[place]!;
  const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    fc.tuple(index, fc.nat(400)).map(([i, place]) => ({ what: `edit ${i}`, family: 'audit', first: i, change: (all: readonly RawRecord[]) => ({ put: [flipped(leaf(all, i), place)] }) })),
    index.map((i) => ({ what: `delete ${i}`, family: 'audit', first: i, change: (all: readonly RawRecord[]) => ({ del: [leaf(all, i).key] }) })),
    fc.tuple(index, index).filter(([i, j]) => i !== j).map(([i, j]) => ({
      what: `swap ${i} ${j}`, family: 'audit', first: Math.min(i, j),
      change: (all: readonly RawRecord[]) => ({ put: [{ key: leaf(all, i).key, value: leaf(all, j).value }, { key: leaf(all, j).key, value: leaf(all, i).value }] }),
    })),
    fc.tuple(index, index).filter(([i, j]) => i !== j).map(([i, j]) => ({ what: `copy ${i} over ${j}`, family: 'audit', first: j, change: (all: readonly RawRecord[]) => ({ put: [{ key: leaf(all, j).key, value: leaf(all, i).value }] }) })),
    // Everything from i on moves back by one, as a deletion in the middle of a file would do it.
    fc.nat(size - 2).map((i) => ({
      what: `shift from ${i}`, family: 'audit', first: i,
      change: (all: readonly RawRecord[]) => ({ put: all.slice(i, -1).map(({ key }, each) => ({ key, value: leaf(all, i + each + 1).value })), del: [leaf(all, size - 1).key] }),
    })),
    fc.tuple(index, fc.nat(5)).map(([i, gap]) => ({ what: `append a copy of ${i}`, family: 'audit', first: size, change: (all: readonly RawRecord[]) => ({ put: [{ key: at(size + gap), value: leaf(all, i).value }] }) })),
    fc.tuple(index, index).map(([i, j]) => ({ what: `insert behind ${i}`, family: 'audit', first: i + 1, change: (all: readonly RawRecord[]) => ({ put: [{ key: new Uint8Array([...at(i), 0]), value: leaf(all, j).value }] }) })),
    fc.nat(size - 1).map((i) => ({ what: `insert in front`, family: 'audit', first: 0, change: (all: readonly RawRecord[]) => ({ put: [{ key: new Uint8Array([0, 0]), value: leaf(all, i).value }] }) })),
    index.map((i) => ({ what: `cut from ${i}`, family: 'audit', first: i, change: (all: readonly RawRecord[]) => ({ del: all.slice(i).map(({ key }) => key) }) })),
    fc.tuple(fc.nat(10_000), fc.boolean()).map(([i, gone]) => ({
      what: `hash ${i}`, family: 'audit-nodes', first: -1,
      change: (all: readonly RawRecord[]) => (gone ? { del: [leaf(all, i % all.length).key] } : { put: [flipped(leaf(all, i % all.length), i)] }),
    })),
    fc.nat(200).map((place) => ({ what: 'size', family: 'audit-tree', first: size, change: (all: readonly RawRecord[]) => ({ put: [flipped(leaf(all, 0), place)] }) })),
  );
  /** The entry that made the subtree whose hash was changed. */
  const madeBy = ({ key }: RawRecord): number => (Number(new DataView(key.buffer, key.byteOffset).getBigUint64(1)) + 1) * 2 ** (key[0] ?? 0) - 1;

  test('is found at its first index, and found to be well again when it is put back', async () => {
    await folder.using(({ audit }) => fill(audit, 0, size));
    expect(await verdict()).toMatchObject({ size, first: null });
    await fc.assert(
      fc.asyncProperty(mutation, async ({ what, family, change, first }) => {
        let before: readonly RawRecord[] = [];
        let expected = first;
        let added: readonly Uint8Array[] = [];
        await folder.tamper(family, (records) => {
          before = records;
          const made = change(records);
          const touched = [...(made.put ?? []).map(({ key }) => key), ...(made.del ?? [])];
          const known = new Set(records.map(({ key }) => Buffer.from(key).toString('hex')));
          added = touched.filter((key) => !known.has(Buffer.from(key).toString('hex')));
          if (first === -1) expected = madeBy(records.find(({ key }) => Buffer.from(key).equals(touched[0]!))!);
          return made;
        });
        const { first: finding } = await verdict();
        expect([what, finding?.index]).toEqual([what, expected]);
        // One record must be left to tamper with: a log that was cut to nothing is put back by hand.
        await folder.restore(family, before, added);
      }),
      { numRuns: 120 * repeats },
    );
    expect(await verdict()).toMatchObject({ size, first: null });
  }, 120_000);
});

describe('[U6] what only heads from elsewhere tell', () => {
  test('an older state that was put back whole', async () => {
    const states: { readonly size: number; readonly tree: readonly RawRecord[] }[] = [];
    await folder.using(({ audit }) => fill(audit, 0, 20));
    await folder.tamper('audit-tree', (records) => {
      states.push({ size: 20, tree: records });
      return {};
    });
    const { head, note } = await folder.using(async ({ audit }) => {
      await fill(audit, 20, 30);
      return headOf(audit);
    });
    await folder.tamper('audit-tree', () => ({ put: states[0]?.tree ?? [] }));
    await folder.tamper('audit', (records) => ({ del: records.slice(20).map(({ key }) => key) }));
    expect(await verdict()).toMatchObject({ size: 20, first: null });
    expect(await verdict([head])).toMatchObject({ size: 20, first: { index: 20, until: 30, fault: 'cut' } });
    expect(note).toContain('\n30\n');
  });

  test('a log that somebody with the master key wrote anew', async () => {
    const heads: Checkpoint[] = [];
    const other = await LevelFolder.make();
    try {
      await folder.using(async ({ audit }) => {
        for (const end of [10, 25, 40]) {
          await fill(audit, heads.at(-1)?.size ?? 0, end);
          heads.push((await headOf(audit)).head);
        }
      });
      const publicKey = await folder.using(async ({ audit }) => (await headOf(audit)).publicKey);
      await other.using(async ({ audit }) => {
        await fill(audit, 0, 12);
        await fill(audit, 12, 14, 'forged');
        await fill(audit, 14, 50);
        // The first head still fits, the second does not: the first bad entry is one of those between them.
        expect(await verifyLog(audit, heads, publicKey)).toMatchObject({ first: { index: 10, until: 25, fault: 'head' } });
        expect(await verifyLog(audit, [], publicKey)).toMatchObject({ size: 50, first: null });
      });
    } finally {
      await other.remove();
    }
    expect(await verdict(heads)).toMatchObject({ size: 40, first: null });
    const [one, two, three] = heads;
    if (one === undefined || two === undefined || three === undefined) throw new Error('no heads');
    // A head that this log never had, signed or not.
    expect(await verdict([one, { ...two, root: three.root }, three])).toMatchObject({ first: { index: 10, until: 25, fault: 'head' } });
    expect(await verdict([{ ...one, signature: two.signature }])).toMatchObject({ first: { index: 10, fault: 'signature' } });
  });
});

describe('[U6] lanying verify audit', () => {
  async function run(words: readonly string[], language: Language = 'en') {
    const lines: string[] = [];
    const keyFile = join(folder.path, 'test.key');
    await writeFile(keyFile, masterKey);
    const line = (text: string): void => void lines.push(text);
    const environment = () => readEnvironment({ LANYING_DATA: folder.path, LANYING_MASTER_KEY_FILE: keyFile });
    const exit = await runProgram(commands, ['verify', 'audit', ...words], { ...noStreams, out: line, err: line, language, environment });
    return { exit, told: lines.join('\n') };
  }

  test('says that all is well, and names the first bad index', async () => {
    const file = join(folder.path, 'heads.txt');
    await folder.using(async ({ audit }) => {
      for (const end of [10, 20]) {
        await fill(audit, end - 10, end);
        await appendFile(file, (await headOf(audit)).note);
      }
    });
    expect(await run(['--head', file])).toMatchObject({ exit: exits.ok, told: expect.stringMatching(/20 entries, 2 given heads[\s\S]*localhost:8080\/lanying-audit\+[\s\S]*is whole/) });
    const { told } = await run([]);
    const key = / (\S+\+[0-9a-f]{8}\+\S+)/.exec(told)?.[1] ?? '';
    expect((await run(['--head', file, '--key', key], 'zh')).told).toContain('审计日志完整');
    await folder.tamper('audit', (records) => ({ del: records.slice(17, 18).map((record) => record.key) }));
    expect(await run(['--head', file])).toMatchObject({ exit: exits.found, told: expect.stringContaining('First bad index: 17 ') });
  });

  test('refuses what it cannot look at, and makes nothing', async () => {
    expect((await run([])).exit).toBe(exits.unavailable);
    const before = (await folder.files()).length;
    await folder.using(({ audit }) => fill(audit, 0, 1));
    expect(before).toBe(1);
    expect((await run(['--head', join(folder.path, 'none')])).exit).toBe(exits.unavailable);
    expect((await run(['--key', 'nonsense'])).exit).toBe(exits.unavailable);
    await folder.using(async () => expect((await run([])).exit).toBe(exits.inUse));
    expect((await run([])).exit).toBe(exits.ok);
  });
});
