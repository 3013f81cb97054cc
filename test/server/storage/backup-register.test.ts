/** [R6] What was purged after a backup is known beside it, and does not come back. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backUp, FolderTarget, newIdentity } from '../../../server/compose-backup.ts';
import { restore } from '../../../server/compose-restore.ts';
import { firstDay, purge } from '../../contract/erasing.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, dayMs, LogWriter, roster } from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { LevelFolder } from './level-folder.ts';

it('[R6] a restore takes the register that was kept over the one of the backup, and says what has to be purged again', async () => {
  const [folder, kept, elsewhere] = [await LevelFolder.make(), await temporaryFolder(), await temporaryFolder()];
  try {
    await folder.using(async (store) => {
      const log = new LogWriter('team');
      const first = log.next('created');
      await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
      for (let day = 1; day < 4; day += 1) {
        await store.conversations.append(log.conversationId, (day - 1) * 5 + 1, log.many(5), null);
        log.sentAt += dayMs;
      }
    });
    const { identity, recipient } = await newIdentity();
    const made = await backUp({ config: { dataFolder: folder.path }, masterKey, masterKeyFile: null, recipients: [recipient], to: { target: new FolderTarget(kept.path), keep: null } });
    expect(made.kind).toBe('made');
    await folder.using(async (store) => {
      await purge(store, 'team', firstDay + 2);
      const floors = await store.erasure.floors();
      expect(floors.length).toBe(1);
      await store.purged.add(floors.map((floor) => ({ kind: 'floor' as const, ...floor })));
    });
    const data = join(elsewhere.path, 'data');
    await mkdir(data, { mode: 0o700 });
    await copyFile(join(folder.path, 'purged'), join(data, 'purged'));
    const outcome = await restore({ config: { dataFolder: data }, masterKey, identities: identity, from: { target: new FolderTarget(kept.path), name: null } });
    expect(outcome).toMatchObject({ kind: 'restored', verification: { purgesToRepeat: 1, faults: [] } });
  } finally {
    await Promise.all([folder.remove(), kept.remove(), elsewhere.remove()]);
  }
});
