/** Families of erasure and retention. */
import * as v from 'valibot';
import { bytes, Hash, Sequence, Timestamp } from '#protocol/envelope.ts';
import { DeviceId, UserId } from '#protocol/ids.ts';
import {
  ErasedOther,
  ErasedRange,
  ErasureReason,
  Hold,
  ReceiptId,
  RetentionPolicy,
  SignedReceipt,
} from '#protocol/retention.ts';
import type { GonePerson } from '../../ports/people-store.ts';
import type { LogFloor, StoredReceipt as Receipt } from '../../ports/retention-store.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { type Database, Table } from './table.ts';

const Floor: v.GenericSchema<unknown, LogFloor> = v.strictObject({
  sequence: Sequence,
  hash: Hash,
  sentAt: Timestamp,
  day: Sequence,
  purgedAt: Timestamp,
});
const StoredReceipt: v.GenericSchema<unknown, Receipt> = v.strictObject({
  ...SignedReceipt.entries,
  receiptId: ReceiptId,
  at: Timestamp,
});
const Gone: v.GenericSchema<unknown, GonePerson> = v.strictObject({
  userId: UserId,
  goneAt: Timestamp,
  state: v.picklist(['closing', 'closed', 'erasing', 'erased']),
  reason: ErasureReason,
  devices: v.array(DeviceId),
  records: Sequence,
  bytes: Sequence,
});
const LeaseRecord = v.strictObject({
  token: Sequence,
  until: Timestamp,
  held: v.boolean(),
  lastRunAt: v.nullable(Timestamp),
});
const ErasedRecords = v.strictObject({
  /** As LevelDB has them. */
  keys: v.array(bytes(256, 1)),
  /** Places that may be taken again: compacted, and not deleted twice. */
  reused: v.optional(v.array(bytes(256, 1))),
  /** 16 bytes each, one after the other. */
  fingerprints: bytes(64 * 1024),
});
export type ErasedRecords = v.InferOutput<typeof ErasedRecords>;

export function makeRetentionTables(database: Database, keys: KeyRing) {
  const table = <T>(family: string, schema: v.GenericSchema<unknown, T>): Table<T> =>
    new Table(database, keys, family, schema);
  return {
    /** p(conversation): everything up to here was purged. */
    floors: table('floors', Floor),
    /** p(conversation): purges that have no receipt yet. */
    purges: table('purges', ErasedRange),
    /** p(class and conversation): what went by rule and has no receipt yet. */
    unsettled: table('unsettled', ErasedOther),
    /** random 16: what was deleted and is not proven to be gone. */
    erased: table('erased', ErasedRecords),
    /** One record: something was erased since the key-encryption key last changed. */
    shredding: table('shredding', v.strictObject({ since: Timestamp })),
    /** p(user): whose account was taken away. */
    gone: table('gone', Gone),
    /** at 8 · p(receipt) */
    receipts: table('receipts', StoredReceipt),
    /** p(receipt) */
    receiptTimes: table('receipt-times', v.strictObject({ at: Timestamp })),
    /** p(class and conversation) */
    retentionPolicies: table('retention-policies', RetentionPolicy),
    /** p(hold) */
    holds: table('holds', Hold),
    /** p(job) */
    leases: table('leases', LeaseRecord),
  };
}
