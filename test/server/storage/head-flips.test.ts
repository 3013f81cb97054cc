/** [U6] A byte changes in the file of exported tree heads: offline verification names the head or refuses the file. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkLog } from '../../../server/compose-logs.ts';
import { TreeHeads } from '../../../server/domain/audit/tree-heads.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { HeadFile } from '../../../server/storage/disk/head-file.ts';
import { act } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { temporaryFolder } from '../../harness/folder.ts';

const origin = 'http://localhost:8080';

it(
  '[U6] a byte flipped anywhere in exported heads is named, and never passes for a head',
  { timeout: 120_000 },
  async () => {
    const home = await temporaryFolder();
    try {
      const dataFolder = join(home.path, 'data');
      const heads = join(home.path, 'heads');
      const store = await openLevelStore({ folder: dataFolder, masterKey, runtime: systemRuntime });
      for (const count of [3, 4]) {
        await store.audit.append([act(), ...Array.from({ length: count - 1 }, () => act())]);
        await new HeadFile(heads).deliver((await new TreeHeads(store.audit, origin).head()).checkpoint);
      }
      await store.close();
      const check = () =>
        checkLog({
          log: 'audit',
          config: { dataFolder, origin },
          masterKey: () => masterKey,
          headFile: heads,
          verifierKey: null,
        });
      const whole = await readFile(heads);
      expect(await check()).toMatchObject({ kind: 'checked', heads: 2, verdict: { first: null } });
      const outcomes = new Map<string, number>();
      for (let at = 0; at < whole.length; at += 1) {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 7)), at);
        await writeFile(heads, bytes);
        const seen = await check();
        const outcome =
          seen.kind === 'checked'
            ? (seen.verdict.first?.fault ??
              `passes at ${at} of ${whole.length}: ${JSON.stringify(bytes.toString('latin1', at - 8, at + 8))}`)
            : seen.kind === 'unavailable'
              ? seen.reason
              : seen.kind;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      expect(
        [...outcomes.keys()].filter((outcome) => !['signature', 'head', 'cut', 'head_file'].includes(outcome)),
      ).toEqual([]);
      expect(outcomes.get('signature')).toBeGreaterThan(20);
      expect(outcomes.get('head_file')).toBeGreaterThan(20);
    } finally {
      await home.remove();
    }
  },
);
