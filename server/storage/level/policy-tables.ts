import { Sequence, Timestamp } from '#protocol/envelope.ts';
import { UserId } from '#protocol/ids.ts';
import { SignInPolicy } from '#protocol/sign-in-policy.ts';
import * as v from 'valibot';
import type { SignInPolicyRecord } from '../../ports/policy-store.ts';
import type { Table } from './table.ts';

const Stored: v.GenericSchema<unknown, SignInPolicyRecord> = v.strictObject({
  version: Sequence,
  policy: SignInPolicy,
  setAt: Timestamp,
  setBy: UserId,
});

export const policyTables = (table: <T>(family: string, schema: v.GenericSchema<unknown, T>) => Table<T>) => ({
  /** One record. */
  signInPolicy: table('sign-in-policy', Stored),
});
