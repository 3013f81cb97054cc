/** What every adapter of the store promises. `Bench` opens one; `reopened` closes and opens again where that means something. */
import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../server/ports/store.ts';
import { accountsContract } from './accounts-contract.ts';
import { blobsContract } from './blobs-contract.ts';
import { auditContract } from './audit-contract.ts';
import { conversationsContract } from './conversations-contract.ts';
import { credentialsContract } from './credentials-contract.ts';
import { directoryContract } from './directory-contract.ts';
import { devicesContract } from './devices-contract.ts';
import { policyContract } from './policy-contract.ts';
import { vaultsContract } from './vaults-contract.ts';

export interface Bench {
  /** The store as it is now. */
  store(): Store;
  /** The same store after a restart. */
  reopened(): Promise<Store>;
  close(): Promise<void>;
}

export function storeContract(name: string, open: () => Promise<Bench>): void {
  describe(`${name} keeps the promises of the store port`, () => {
    let current: Bench | null = null;
    const bench: Bench = {
      store: () => opened(current).store(),
      reopened: () => opened(current).reopened(),
      close: () => opened(current).close(),
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.close();
      current = null;
    });
    accountsContract(bench);
    credentialsContract(bench);
    policyContract(bench);
    auditContract(bench);
    directoryContract(bench);
    devicesContract(bench);
    vaultsContract(bench);
    conversationsContract(bench);
    blobsContract(bench);
  });
}

function opened(bench: Bench | null): Bench {
  if (bench === null) throw new Error('no store is open');
  return bench;
}
