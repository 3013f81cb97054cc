import * as v from 'valibot';
import { bytes, Timestamp } from '#protocol/envelope.ts';
import { SessionId } from '#protocol/ids.ts';
import type { Credentials } from '../../ports/credentials.ts';

const Passkey = v.strictObject({
  credentialId: v.string(),
  publicKey: bytes(4096, 1),
  counter: v.number(),
  transports: v.array(v.string()),
  backedUp: v.boolean(),
  createdAt: Timestamp,
  backupEligible: v.optional(v.boolean()),
  name: v.optional(v.string()),
  usedAt: v.optional(Timestamp),
});

/** Fields of an account's record. */
export const credentialEntries = {
  passwordHash: v.nullable(v.string()),
  passkeys: v.array(Passkey),
  passwordFacts: v.optional(
    v.strictObject({ setAt: Timestamp, earlier: v.array(v.string()), weak: v.boolean(), policy: v.optional(Timestamp) }),
  ),
  totp: v.optional(v.strictObject({ secret: bytes(64, 1), createdAt: Timestamp, lastStep: Timestamp })),
  recoveryCodes: v.optional(v.strictObject({ hashes: v.array(bytes(64, 1)), createdAt: Timestamp })),
  endingSessions: v.optional(v.strictObject({ keep: v.nullable(SessionId) })),
} satisfies Record<keyof Credentials, v.GenericSchema>;
