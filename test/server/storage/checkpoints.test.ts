/** What a backup copies: one state of a store that goes on, and nothing that an erasure took meanwhile. */
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { pause, purge, firstDay } from '../../contract/erasing.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, dayMs, LogWriter, roster, startMs } from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { LevelFolder } from './level-folder.ts';

const runtime = new FakeRuntime('checkpoints', startMs);
const never = (): never => {
  throw new Error('nothing was erased');
};

describe('a checkpoint', () => {
  let folder: LevelFolder;
  let copy: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await LevelFolder.make();
    copy = await temporaryFolder();
  });
  afterEach(async () => {
    await folder.remove();
    await copy.remove();
  });

  it('[Z5] is one state: all that was acknowledged before it, nothing that was begun after, while writing and compacting go on', async () => {
    await folder.using(async (store) => {
      const log = new LogWriter('team');
      const first = log.next('created');
      await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
      let acknowledged = 1;
      const enough = async (entries: number): Promise<number> => {
        for (;;) {
          if (acknowledged >= entries) return acknowledged;
          await new Promise(setImmediate);
        }
      };
      const goOn = { on: true };
      const writing = (async () => {
        while (goOn.on) {
          const entries = [log.next('message', new Uint8Array(60_000).fill(acknowledged)), ...log.many(20)];
          await store.conversations.append(log.conversationId, acknowledged, entries, null);
          acknowledged += entries.length;
        }
      })();
      try {
        for (let round = 0; round < 6; round += 1) {
          const before = await enough(400 * (round + 1));
          const checkpoint = await store.checkpoints.take(never);
          if (checkpoint === null) throw new Error('busy');
          const after = acknowledged;
          const to = join(copy.path, String(round));
          await cp(checkpoint.folder, to, { recursive: true });
          await checkpoint.release();
          const { faults, commits } = await verifyStore({ folder: to, masterKey, runtime });
          expect(faults).toEqual([]);
          expect(commits).toBe(checkpoint.commits);
          const opened = await openLevelStore({ folder: to, masterKey, runtime });
          const { headSequence } = (await opened.conversations.load(log.conversationId)) ?? never();
          await opened.close();
          expect(headSequence).toBeGreaterThanOrEqual(before);
          // One append may be on disk and not yet acknowledged.
          expect(headSequence).toBeLessThanOrEqual(after + 21);
        }
      } finally {
        goOn.on = false;
        await writing;
      }
    });
    expect(await readdir(folder.path)).not.toContain('checkpoint');
  });

  it('[Z5] is one at a time, and what a killed backup left is gone at the next start', async () => {
    await folder.using(async (store) => {
      const first = await store.checkpoints.take(never);
      expect(await store.checkpoints.take(never)).toBe(null);
      await first?.release();
      await first?.release();
      expect(await store.checkpoints.take(never)).not.toBe(null);
    });
    expect(await readdir(folder.path)).toContain('checkpoint');
    await folder.using(async () => expect(await readdir(folder.path)).not.toContain('checkpoint'));
  });

  it('[Z6] makes way for an erasure, which then leaves nothing in the folder', async () => {
    await folder.using(async (store) => {
      const log = new LogWriter('team');
      const first = log.next('created');
      await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
      const secret = Buffer.from('a body that must go, without a trace');
      await store.conversations.append(log.conversationId, 1, [log.next('message', new Uint8Array(secret))], null);
      log.sentAt += 3 * dayMs;
      await store.conversations.append(log.conversationId, 2, log.many(3), null);
      let ended = 0;
      const checkpoint = await store.checkpoints.take(() => (ended += 1));
      await purge(store, 'team', firstDay + 1);
      expect(ended).toBe(1);
      await expect(readdir(checkpoint?.folder ?? never())).rejects.toThrow('ENOENT');
      expect(await store.erasure.prove(pause)).toBe(null);
      expect(await store.checkpoints.take(never)).not.toBe(null);
    });
  });

  it('[Z5] without its marker or witness does not open: half a copy is not a store', async () => {
    await folder.using(async (store) => {
      const checkpoint = await store.checkpoints.take(never);
      if (checkpoint === null) throw new Error('busy');
      await cp(checkpoint.folder, join(copy.path, 'half'), { recursive: true });
      await rm(join(copy.path, 'half', 'store-witness'));
      await expect(openLevelStore({ folder: join(copy.path, 'half'), masterKey, runtime })).rejects.toMatchObject({ family: 'witness' });
    });
  });
});
