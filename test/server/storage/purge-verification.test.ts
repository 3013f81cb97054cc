/** What `lanying verify` says of purges and files: nothing without cause, and each thing that nothing explains. */
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileId, idFromBytes } from '#protocol/ids.ts';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import { type Verification, verifyStore } from '../../../server/storage/level/verification.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { bytesOf, change, dayMs, LogWriter, newAccount, roster, startMs, userOf } from '../../contract/people.ts';
import { retentionOver, SteppingRuntime } from '../../harness/crash-copies.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { testScribe } from '../../harness/scribe.ts';
import { LevelFolder } from './level-folder.ts';

const ann = userOf('ann');
const much = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 10 };
const runtime = new SteppingRuntime('purge verification', startMs + 10 * dayMs);

let folder: LevelFolder;
beforeEach(async () => {
  folder = await LevelFolder.make();
});
afterEach(() => folder.remove());

const verify = (): Promise<Verification> => verifyStore({ folder: folder.path, masterKey, runtime });
const faultsNow = async (): Promise<readonly string[]> => (await verify()).faults.map(({ what }) => what);

async function talked(store: LevelStore): Promise<LogWriter> {
  await store.accounts.create(newAccount('ann', null), acts('setup.completed'));
  const log = new LogWriter('team');
  const first = log.next('created');
  await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
  for (let day = 1; day < 4; day += 1) {
    log.sentAt += dayMs;
    await store.conversations.append(log.conversationId, log.sequence, log.many(4), null);
  }
  return log;
}

async function purged(store: LevelStore): Promise<void> {
  const retention = retentionOver(store, runtime);
  await retention.set(ann, { class: 'messages', conversationId: null, days: 8 }, testScribe(runtime));
  await retention.run(testScribe(runtime));
}

describe('the register and receipts', () => {
  it('[R5] [R6] explain every floor of a store that was purged in order, and of an older copy that was purged again', async () => {
    await folder.using(talked);
    const copy = await temporaryFolder();
    await cp(folder.path, copy.path, { recursive: true });
    await folder.using(purged);
    expect(await verify()).toMatchObject({ faults: [], purgesToRepeat: 0 });
    for (const name of ['store', 'keys', 'store-witness']) {
      await rm(join(folder.path, name), { recursive: true });
      await cp(join(copy.path, name), join(folder.path, name), { recursive: true });
    }
    await copy.remove();
    // Not damage: the next start does it.
    expect(await verify()).toMatchObject({ faults: [], purgesToRepeat: 1 });
    await folder.using(async (store) => {
      await retentionOver(store, runtime).reapply(testScribe(runtime));
    });
    expect(await verify()).toMatchObject({ faults: [], purgesToRepeat: 0 });
  });

  it('[R5] a floor that no receipt explains is named', async () => {
    await folder.using(async (store) => {
      await talked(store);
      await purged(store);
    });
    // As somebody with the keys would do it: through the store, so that the ledger fits.
    await folder.using(async ({ erasure }) => {
      const [floor] = await erasure.floors();
      if (floor === undefined) throw new Error('no floor');
      await erasure.reapply([
        { ...floor, floor: { ...floor.floor, sequence: floor.floor.sequence + 4, day: floor.floor.day + 1 } },
      ]);
      await erasure.finish(() => Promise.resolve());
      const receipt = {
        receiptId: idFromBytes<never>(bytesOf('forged', 16)),
        at: startMs,
        statement: '{}',
        signature: bytesOf('forged', 64),
      };
      await erasure.settle(
        receipt,
        { conversations: [floor.conversationId], people: [], others: [] },
        acts('purge.run'),
      );
    });
    const { faults } = await verify();
    expect(faults.map(({ family }) => family).toSorted()).toEqual(['floors', 'purged', 'receipts']);
    expect(faults.find(({ family }) => family === 'floors')?.what).toMatch(
      /begins behind 9, and no receipt .* reach to 5/,
    );
  });

  it('[R6] a register that is lost, cut short or damaged is named, and a start mends the first two', async () => {
    await folder.using(async (store) => {
      await talked(store);
      await purged(store);
    });
    const path = join(folder.path, 'purged');
    const whole = await readFile(path);
    for (const breaking of [() => rm(path), () => truncate(path, 10)]) {
      await writeFile(path, whole);
      await breaking();
      expect(await faultsNow()).toEqual([expect.stringContaining('does not know what this store does')]);
      await folder.using(async (store) => {
        await retentionOver(store, runtime).reapply(testScribe(runtime));
      });
      expect(await faultsNow()).toEqual([]);
    }
    await writeFile(
      path,
      whole.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
    );
    expect(await faultsNow()).toEqual([expect.stringContaining('does not open')]);
  });

  it('[R1] a log that lost its beginning is named', async () => {
    await folder.using(talked);
    await folder.tamper('log', (records) => ({ del: records.slice(0, 2).map(({ key }) => key) }));
    expect(await faultsNow()).toContain('log: a log begins with 3, and only what is before 1 was purged');
  });
});

describe('files', () => {
  async function upload({ blobs }: LevelStore, name: string, size: number, sent = size): Promise<void> {
    const fileId = idFromBytes<FileId>(bytesOf(name, 16));
    const times = { createdAt: startMs, expiresAt: startMs + 30 * dayMs };
    await blobs.create(
      { fileId, owner: ann, conversationId: new LogWriter('team').conversationId, size, ...times },
      much,
    );
    const begun = await blobs.append(fileId, 0, { atomic: false, onInterrupt: () => undefined });
    if (begun.kind !== 'appending') throw new Error(begun.kind);
    await begun.appending.write(bytesOf(name, sent));
    await begun.appending.finish();
  }

  it('[B1] are read to their end, unfinished ones as far as they are; each flipped, cut, missing or strange one is named', async () => {
    await folder.using(async (store) => {
      await upload(store, 'whole', 200_000);
      await upload(store, 'half', 300_000, 150_000);
    });
    expect(await verify()).toMatchObject({ faults: [], files: 2, fileBytes: 350_000 });
    const names = await readdir(join(folder.path, 'files'));
    expect(names).toHaveLength(2);
    for (const path of names.map((name) => join(folder.path, 'files', name))) {
      const bytes = await readFile(path);
      for (const at of [5, 600, 66_000]) {
        await writeFile(
          path,
          bytes.map((byte, place) => (place === at ? byte ^ 1 : byte)),
        );
        expect([at, (await faultsNow()).length]).toEqual([at, 1]);
      }
      await truncate(path, 70_000);
      expect(await faultsNow()).toEqual(['files: a file is cut off']);
      await rm(path);
      expect(await faultsNow()).toEqual(['files: a file is missing from the folder of files']);
      await writeFile(path, bytes);
    }
    await writeFile(join(folder.path, 'files', '00'.repeat(16)), 'left over');
    expect(await faultsNow()).toEqual(['files: a file in the folder of files belongs to no record']);
  }, 60_000);
});
