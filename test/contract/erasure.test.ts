import { describe } from 'vitest';
import { afterEach, beforeEach } from 'vitest';
import { openMemoryStore } from '../../server/storage/memory/store.ts';
import { erasureRules } from './erasure-contract.ts';
import { openLevelBench } from './level-bench.ts';
import type { Bench } from './store-contract.ts';

const openMemoryBench = async (): Promise<Bench> => {
  const store = openMemoryStore();
  return { store: () => store, reopened: async () => store, close: () => store.close() };
};

for (const [name, open] of [
  ['LevelDB', openLevelBench],
  ['the model', openMemoryBench],
] as const) {
  describe(`${name} keeps the promises of erasure`, () => {
    let current: Bench | null = null;
    const opened = (): Bench => {
      if (current === null) throw new Error('no store is open');
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.close();
      current = null;
    });
    erasureRules({ store: () => opened().store(), reopened: () => opened().reopened(), close: () => opened().close() });
  });
}
