import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFolderStore } from '../../../web/platform/node/folder-store.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { localStoreContract } from '../../contract/local-store-contract.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanying-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('memory store', () => {
  it.each(localStoreContract)('$name', async ({ run }) => {
    const profile = new MemoryProfile();
    await expect(run({ open: async () => openMemoryStore(profile) })).resolves.toBeUndefined();
  });
});

describe('folder store', () => {
  it.each(localStoreContract)('$name', async ({ name, run }) => {
    const path = join(folder, name.replaceAll(/\W+/g, '-'));
    await expect(run({ open: () => openFolderStore(path) })).resolves.toBeUndefined();
  });

  it('keeps folder and device keys from other users', async () => {
    const path = join(folder, 'modes');
    const store = await openFolderStore(path);
    await store.deviceKeys();
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await stat(join(path, 'device-keys'))).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it('refuses damaged device keys instead of making new ones', async () => {
    const path = join(folder, 'damaged');
    const store = await openFolderStore(path);
    await writeFile(join(path, 'device-keys'), 'not keys');
    await expect(store.deviceKeys()).rejects.toMatchObject({ code: 'storage.failed', detail: { reason: 'device_keys' } });
    await store.close();
  });

  it('refuses a folder that another process has open', async () => {
    const path = join(folder, 'elsewhere');
    const store = await openFolderStore(path);
    const program = `import { openFolderStore } from ${JSON.stringify(new URL('../../../web/platform/node/folder-store.ts', import.meta.url).href)};
      openFolderStore(${JSON.stringify(path)}).then(() => console.log('opened'), (cause) => console.log(cause.code));`;
    const said = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(said.trim()).toBe('engine.busy_elsewhere');
    await store.close();
  });

  it('can be opened again while it is being closed', async () => {
    const path = join(folder, 'again');
    const first = await openFolderStore(path);
    const closing = first.close();
    const second = await openFolderStore(path);
    await second.batch([{ put: ['a', new Uint8Array(1)] }]);
    await closing;
    expect(await second.get('a')).toEqual(new Uint8Array(1));
    await second.close();
  });
});
