/** The families of the ledger (ledger.ts), which the ledger itself does not count. */
import * as v from 'valibot';
import { bytes } from '#protocol/envelope.ts';
import type { Table } from './table.ts';

const Count = v.pipe(v.number(), v.safeInteger());

export const ledgerTables = (table: <T>(family: string, schema: v.GenericSchema<unknown, T>) => Table<T>) => ({
  /** name of a family: count and sum over its records. */
  ledger: table('ledger', v.strictObject({ family: v.string(), count: Count, sum: bytes(32, 32) })),
  /** One record: batches ever written, and a digest over the ledger of all families. */
  ledgerRoot: table('ledger-root', v.strictObject({ commits: Count, digest: bytes(32, 32) })),
});
