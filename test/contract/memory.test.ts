import { openMemoryStore } from '../../server/storage/memory/store.ts';
import { storeContract } from './store-contract.ts';

storeContract('memory', async () => {
  const store = openMemoryStore();
  return { store: () => store, reopened: async () => store, close: () => store.close() };
});
