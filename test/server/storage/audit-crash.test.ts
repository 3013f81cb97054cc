import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TreeHeads } from '../../../server/domain/audit/tree-heads.ts';
import { verifyLog } from '../../../server/domain/audit/verify.ts';
import { auditorPath } from './auditor.ts';
import { LevelFolder } from './level-folder.ts';

/** Lines that a child said until it was killed right behind its `count`th. */
async function killedAfter(folder: string, count: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', auditorPath, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const read = createInterface({ input: child.stdout });
  read.on('line', (line) => {
    lines.push(line);
    if (lines.length === count) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(read, 'close')]);
  return lines.slice(1);
}

describe('a process killed between acts', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
  });
  afterEach(() => folder.remove());

  it('[U1] never leaves an act without its entry, or an entry without its act', async () => {
    for (const count of [40, 61, 150]) {
      const acknowledged = await killedAfter(folder.path, count);
      expect(acknowledged.length).toBeGreaterThanOrEqual(count - 1);
      await folder.using(async ({ invites, audit }) => {
        const stored = (await invites.list()).map(({ inviteId }) => inviteId).toSorted((one, other) => (one < other ? -1 : 1));
        const told = (await audit.readFrom(0, 100_000)).map(({ object }) => object?.id ?? '');
        expect([...new Set(told)].toSorted((one, other) => (one < other ? -1 : 1))).toEqual(stored);
        for (const inviteId of acknowledged) expect(told).toContain(inviteId);
        const verdict = await verifyLog(audit, [], await new TreeHeads(audit, 'http://localhost:8080').publicKey());
        expect(verdict).toMatchObject({ size: told.length, first: null });
      });
      await folder.remove();
      folder = await LevelFolder.make();
    }
  });
});
