/** A LevelDB store in a folder of its own. */
import { openLevelStore } from '../../server/storage/level/store.ts';
import { temporaryFolder } from '../harness/folder.ts';
import { FakeRuntime } from '../harness/runtime.ts';
import { bytesOf, startMs } from './people.ts';
import type { Bench } from './store-contract.ts';

export const masterKey = bytesOf('master key');

export async function openLevelBench(): Promise<Bench> {
  const folder = await temporaryFolder();
  const runtime = new FakeRuntime('level', startMs);
  const open = () => openLevelStore({ folder: folder.path, masterKey, runtime });
  let store = await open();
  return {
    store: () => store,
    reopened: async () => {
      await store.close();
      store = await open();
      return store;
    },
    close: async () => {
      await store.close();
      await folder.remove();
    },
  };
}
