import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDirectoryLeaf } from '#protocol/directory.ts';
import { TreeHeads } from '../../../server/domain/audit/tree-heads.ts';
import { verifyLog } from '../../../server/domain/audit/verify.ts';
import { verifyDirectory } from '../../../server/domain/directory/verify.ts';
import { userOf } from '../../contract/people.ts';
import { auditorPath } from './auditor.ts';
import { LevelFolder } from './level-folder.ts';

/** Lines that a child said until it was killed right behind its `count`th. */
async function killedAfter(folder: string, count: number, task: 'invites' | 'devices' = 'invites'): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', auditorPath, folder, task], { stdio: ['ignore', 'pipe', 'inherit'] });
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

  it('[X1] never leaves a device without its leaf, or a leaf without its device', async () => {
    for (const count of [25, 70]) {
      const acknowledged = await killedAfter(folder.path, count, 'devices');
      expect(acknowledged.length).toBeGreaterThanOrEqual(count - 1);
      await folder.using(async (store) => {
        const { devices, directory } = store;
        const leaves = (await directory.leaves(0, 100_000)).map((leaf) => parseDirectoryLeaf(leaf)?.kind);
        const stored = await devices.ofUsers([userOf('ann')]);
        const times = (kind: string): number => leaves.filter((each) => each === kind).length;
        expect([times('identity'), times('device') - times('revoked')]).toEqual([1, stored.length]);
        expect(times('revoked')).toBeGreaterThan(0);
        const verdict = await verifyDirectory(store, [], await new TreeHeads(directory, 'http://localhost:8080', 'looks', 'directory').publicKey());
        expect(verdict).toMatchObject({ size: leaves.length, first: null });
      });
      await folder.remove();
      folder = await LevelFolder.make();
    }
  });
});
