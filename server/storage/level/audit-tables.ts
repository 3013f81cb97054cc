/** Families of the logs that are Merkle trees. */
import * as v from 'valibot';
import { bytes, Sequence } from '#protocol/envelope.ts';
import { auditLeafBytesMax } from '#protocol/limits.ts';
import { hashBytes } from '#protocol/merkle.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { makeDirectoryTables } from './directory-tables.ts';
import type { TreeTables } from './merkle-records.ts';
import { type Database, Table } from './table.ts';

/** Keys are in the comments. */
export function makeAuditTables(database: Database, keys: KeyRing) {
  const table = <T>(family: string, schema: v.GenericSchema<unknown, T>): Table<T> =>
    new Table(database, keys, family, schema);
  return {
    /** index 8: leaves of the audit log, as its Merkle tree hashes them. */
    audit: table('audit', bytes(auditLeafBytesMax)),
    /** level 1 · index 8: hashes of full subtrees. */
    auditNodes: table('audit-nodes', bytes(hashBytes, hashBytes)),
    /** One record: size and peaks of the tree. */
    auditTree: table('audit-tree', v.strictObject({ size: Sequence, peaks: v.array(bytes(hashBytes, hashBytes)) })),
    /** p(audit subject): its key was shredded and is never made again. */
    auditShredded: table('audit-shredded', v.null()),
    /** One record: leaves below it were trimmed. */
    auditFloor: table('audit-floor', v.strictObject({ floor: Sequence })),
    /** One record: name of the log. */
    auditName: table('audit-name', v.strictObject({ name: v.string() })),
    /** One record: seed of the key that signs tree heads. */
    auditSigning: table('audit-signing', v.strictObject({ seed: bytes(32, 32) })),
    ...makeDirectoryTables(database, keys),
  };
}

export const auditTree = (
  tables: Pick<ReturnType<typeof makeAuditTables>, 'audit' | 'auditNodes' | 'auditTree'>,
): TreeTables => ({
  leaves: tables.audit,
  nodes: tables.auditNodes,
  tree: tables.auditTree,
});
