/** What is kept of devices beside the directory. */
import * as v from 'valibot';
import { bytes, Timestamp } from '#protocol/envelope.ts';
import { DeviceId, UserId } from '#protocol/ids.ts';
import { revocationBytes } from '#protocol/revocation.ts';
import type { Table } from './table.ts';

const Revocation = v.strictObject({ deviceId: DeviceId, bytes: bytes(revocationBytes, revocationBytes) });
const Use = v.strictObject({ usedAt: Timestamp });

export const deviceTables = (table: <T>(family: string, schema: v.GenericSchema<unknown, T>) => Table<T>) => ({
  /** p(device) */
  deviceOwners: table('device-owners', v.strictObject({ userId: UserId })),
  /** p(user): of devices that were removed, oldest first. */
  revocations: table('revocations', v.array(Revocation)),
  /** p(device) */
  deviceUse: table('device-use', Use),
});
