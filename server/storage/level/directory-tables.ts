/** Families of the key directory. */
import * as v from 'valibot';
import { directoryLeafBytes } from '#protocol/directory.ts';
import { bytes, Sequence } from '#protocol/envelope.ts';
import { hashBytes } from '#protocol/merkle.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { type Database, Table } from './table.ts';

/** Keys are in the comments. */
export function makeDirectoryTables(database: Database, keys: KeyRing) {
  const table = <T>(family: string, schema: v.GenericSchema<unknown, T>): Table<T> =>
    new Table(database, keys, family, schema);
  return {
    directory: {
      /** index 8 */
      leaves: table('directory', bytes(directoryLeafBytes, directoryLeafBytes)),
      /** level 1 · index 8: hashes of full subtrees. */
      nodes: table('directory-nodes', bytes(hashBytes, hashBytes)),
      /** One record: size and peaks of the tree. */
      tree: table('directory-tree', v.strictObject({ size: Sequence, peaks: v.array(bytes(hashBytes, hashBytes)) })),
      /** p(leaf hash): index of the leaf. */
      places: table('directory-places', v.strictObject({ index: Sequence })),
      /** One record: name of the log. */
      name: table('directory-name', v.strictObject({ name: v.string() })),
      /** One record: seed of the key that signs tree heads. */
      signing: table('directory-signing', v.strictObject({ seed: bytes(32, 32) })),
    },
  };
}
