import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderLockedError, lockFolder } from '../../../server/storage/level/folder-lock.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { newAccount } from '../../contract/people.ts';
import { bindMount } from '../../harness/mounted.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { Child } from './child.ts';
import { LevelFolder } from './level-folder.ts';

const probe = bindMount(import.meta.dirname);
const canBind = probe !== null;
probe?.remove();

describe('the lock of the data folder', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
  });
  afterEach(() => folder.remove());

  it('refuses a second opener in the same process, under another name of the folder too', async () => {
    const store = await folder.open();
    await expect(folder.open()).rejects.toBeInstanceOf(FolderLockedError);
    const alias = join(folder.path, 'alias');
    await symlink(folder.path, alias);
    await expect(lockFolder(alias)).rejects.toBeInstanceOf(FolderLockedError);
    expect(await store.accounts.count()).toBe(0);
    await store.close();
    await folder.using(async (again) => expect(again.isOpen()).toBe(true));
  });

  it('[Z4] refuses another process that comes by a symbolic link', async () => {
    const store = await folder.open();
    const alias = join(folder.path, 'alias');
    await symlink(folder.path, alias);
    const refused = new Child(alias, 'hold');
    await refused.said(1);
    await refused.kill();
    expect(refused.lines).toEqual([`locked ${process.pid}`]);
    await store.accounts.create(newAccount('ann', null), acts());
    await store.close();
  });

  it.skipIf(!canBind)('[Z4] refuses whoever comes by a bind mount, this process and another one', async () => {
    const store = await folder.open();
    const bound = bindMount(folder.path);
    if (bound === null) throw new Error('no bind mount');
    try {
      await expect(lockFolder(bound.path)).rejects.toBeInstanceOf(FolderLockedError);
      await expect(
        openLevelStore({ folder: bound.path, masterKey, runtime: new FakeRuntime('bound') }),
      ).rejects.toBeInstanceOf(FolderLockedError);
      const refused = new Child(bound.path, 'hold');
      await refused.said(1);
      await refused.kill();
      expect(refused.lines).toEqual([`locked ${process.pid}`]);
      // Whoever was refused has let go of nothing: the lock of LevelDB and ours still hold, and writes go on.
      await store.accounts.create(newAccount('ann', null), acts());
      await expect(lockFolder(bound.path)).rejects.toBeInstanceOf(FolderLockedError);
      await store.close();
      await (await lockFolder(bound.path)).release();
    } finally {
      bound.remove();
    }
  });

  it('lets one of several that race for it have it', async () => {
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => lockFolder(folder.path)));
    const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    for (const lock of held) await lock.release();
    await (await lockFolder(folder.path)).release();
  });

  it('refuses while another process lives, and is taken over when that one was killed', async () => {
    const child = new Child(folder.path, 'hold');
    try {
      await child.said(1);
      expect(child.lines).toEqual(['open']);
      const refused = await folder.open().catch((cause: unknown) => cause);
      expect(refused).toBeInstanceOf(FolderLockedError);
      expect(refused instanceof FolderLockedError && refused.processId).toBe(child.processId);
    } finally {
      await child.kill();
    }
    await folder.using(async (store) => expect(store.isOpen()).toBe(true));
  });

  it('refuses another process while this one has it, and lets it in afterwards', async () => {
    const store = await folder.open();
    const refused = new Child(folder.path, 'hold');
    await refused.said(1);
    await refused.kill();
    expect(refused.lines).toEqual([`locked ${process.pid}`]);
    expect(store.isOpen()).toBe(true);
    await store.close();
    const admitted = new Child(folder.path, 'hold');
    await admitted.said(1);
    await admitted.kill();
    expect(admitted.lines).toEqual(['open']);
  });

  it('refuses a process that does not see the holder, one of another container, and the holder still closes in order', async () => {
    const store = await folder.open();
    const locks = join(folder.path, 'lock');
    const [number] = await readdir(locks);
    // What the other sees: no process of its own has that id.
    await writeFile(join(locks, number ?? ''), '');
    const unseeing = new Child(folder.path, 'hold');
    await unseeing.said(1);
    await unseeing.kill();
    expect(unseeing.lines).toEqual(['locked unseen']);
    expect(await readdir(locks)).not.toContain(number);
    expect(await store.accounts.count()).toBe(0);
    await store.close();
    await folder.using(async (again) => expect(again.isOpen()).toBe(true));
  });

  it('takes over from another boot, from a reused process id and from an empty file, but not from a living holder', async () => {
    const child = new Child(folder.path, 'hold');
    try {
      await child.said(1);
      const locks = join(folder.path, 'lock');
      const [number] = await readdir(locks);
      const written: unknown = JSON.parse(await readFile(join(locks, number ?? ''), 'utf8'));
      const other = await LevelFolder.make();
      const attempt = async (holder: unknown): Promise<string> => {
        await (await lockFolder(other.path)).release();
        const [last] = await readdir(join(other.path, 'lock'));
        await writeFile(join(other.path, 'lock', last ?? ''), holder === null ? '' : JSON.stringify(holder));
        try {
          await (await lockFolder(other.path)).release();
          return 'taken';
        } catch (cause) {
          return cause instanceof Error ? cause.name : 'nothing';
        }
      };
      const living = typeof written === 'object' ? { ...written } : {};
      expect(await attempt({ ...living, bootId: 'another boot' })).toBe('taken');
      expect(await attempt({ ...living, startedAt: '1' })).toBe('taken');
      expect(await attempt(null)).toBe('taken');
      expect(await attempt(living)).toBe('FolderLockedError');
      await other.remove();
    } finally {
      await child.kill();
    }
  });
});
