/**
 * Every family of records, its key and its shape. p(…) is a pseudonym, 16 bytes; numbers are big-endian.
 * Names of families are part of the stored format (they are in associated data).
 */
import * as v from 'valibot';
import { bytes, Epoch, Hash, Sequence, Timestamp } from '#protocol/envelope.ts';
import { ConversationId, DeviceId, Generation, InviteId, SessionId, UserId } from '#protocol/ids.ts';
import * as limits from '#protocol/limits.ts';
import { Device, Person, Suite, Vault, Welcome } from '#protocol/model.ts';
import { Must, SignInFactor } from '#protocol/sign-in.ts';
import type { AccountRecord, InviteRecord, Roster, SessionRecord } from '../../ports/store.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { credentialEntries } from './credential-shapes.ts';
import { makeFileTables } from './file-tables.ts';
import { makeRetentionTables } from './retention-tables.ts';
import { policyTables } from './policy-tables.ts';
import { makeAuditTables } from './audit-tables.ts';
import { deviceTables } from './device-tables.ts';
import { DataKeys } from './data-keys.ts';
import { ledgerTables } from './ledger-tables.ts';
import { type Database, Records, Table } from './table.ts';

const Account: v.GenericSchema<unknown, AccountRecord> = v.strictObject({
  ...Person.entries,
  createdAt: Timestamp,
  ...credentialEntries,
  credentialsVersion: v.optional(Sequence),
  leaving: v.optional(v.literal(true)),
});
const Session: v.GenericSchema<unknown, SessionRecord> = v.strictObject({
  sessionId: SessionId,
  secretHash: bytes(64),
  userId: UserId,
  deviceId: v.nullable(DeviceId),
  createdAt: Timestamp,
  expiresAt: Timestamp,
  usedAt: v.optional(Timestamp),
  factor: v.optional(SignInFactor),
  network: v.optional(v.string()),
  browser: v.optional(v.string()),
  system: v.optional(v.string()),
  provenAt: v.optional(Timestamp),
  must: v.optional(Must),
});
const Invite: v.GenericSchema<unknown, InviteRecord> = v.strictObject({
  inviteId: InviteId,
  tokenHash: bytes(64),
  role: v.picklist(['admin', 'member']),
  createdBy: UserId,
  createdAt: Timestamp,
  expiresAt: Timestamp,
  state: v.picklist(['open', 'used', 'revoked']),
  usedBy: v.nullable(UserId),
  label: v.optional(v.string()),
});
const Member = v.strictObject({ userId: UserId, joinedSequence: Sequence, leaving: v.boolean() });
const RosterShape: v.GenericSchema<unknown, Roster> = v.strictObject({
  epoch: Epoch,
  epochSequence: Sequence,
  epochHash: Hash,
  owner: UserId,
  leaves: v.array(v.strictObject({ index: Sequence, userId: UserId, deviceId: DeviceId, leaving: v.optional(v.literal(true)) })),
  members: v.array(Member),
  past: v.optional(v.array(v.strictObject({ userId: UserId, from: Sequence, to: Sequence }))),
});
const Conversation = v.strictObject({
  conversationId: ConversationId,
  generation: Generation,
  suite: Suite,
  createdAt: Timestamp,
  creator: UserId,
  roster: RosterShape,
  /** The head when the roster last changed. */
  headSequence: Sequence,
  headHash: Hash,
  headSentAt: Timestamp,
});
export type StoredConversation = v.InferOutput<typeof Conversation>;
/** A welcome without its bytes, which are stored once for all devices that it serves. */
const Mail = v.strictObject({ ...v.omit(Welcome, ['bytes']).entries, blob: bytes(40, 40) });
export type Mail = v.InferOutput<typeof Mail>;
const Nothing = v.null();

export type Tables = ReturnType<typeof makeTables>;

const blob = (lengthMax: number) => bytes(lengthMax);

/** Keys are in the comments. */
export function makeTables(database: Database, keys: KeyRing) {
  const table = <T>(family: string, schema: v.GenericSchema<unknown, T>): Table<T> =>
    new Table(database, keys, family, schema);
  return {
    /** One record: proves that the store is this one and its keys are the right ones. */
    format: table('format', v.strictObject({ version: v.literal(2) })),
    ...ledgerTables(table),
    ...deviceTables(table),
    /** p(user) */
    accounts: table('accounts', Account),
    /** p(handle) */
    handles: table('handles', v.strictObject({ handle: v.string(), userId: UserId })),
    /** p(credential) */
    credentials: table('credentials', v.strictObject({ userId: UserId })),
    /** One record: the owner, whose being there ends the setup. */
    owner: table('owner', v.strictObject({ userId: UserId })),
    ...policyTables(table),
    /** p(session) */
    sessions: table('sessions', Session),
    /** expiresAt 8 · p(session) */
    sessionExpiry: table('session-expiry', v.strictObject({ sessionId: SessionId })),
    /** p(invite) */
    invites: table('invites', Invite),
    /** p(token hash) */
    inviteTokens: table('invite-tokens', v.strictObject({ inviteId: InviteId })),
    /** p(user): all devices of a person, at most devicesPerUserMax. */
    devices: table('devices', v.array(Device)),
    /** p(device) · suite 2 · ordinal 8 */
    keyPackages: table('key-packages', blob(limits.keyPackageBytesMax)),
    /** p(device) · suite 2 */
    lastResorts: table('last-resorts', blob(limits.keyPackageBytesMax)),
    /** p(device) · p(package): every one-time package ever published, so that none is published again. */
    packagesSeen: table('packages-seen', Nothing),
    /** p(device) · arrival 12 · p(welcome) */
    mail: table('mail', Mail),
    /** p(conversation) · sequence 8 · hash of the bytes 16 */
    mailBytes: table('mail-bytes', blob(limits.welcomeBytesMax)),
    /** key of the bytes 40 · p(device): who has yet to fetch them. */
    mailWaiting: table('mail-waiting', Nothing),
    /** p(user) */
    vaults: table('vaults', Vault),
    /** p(user) · p(conversation) · epoch 8 */
    archive: table('archive', v.strictObject({ epoch: Epoch, sealed: blob(limits.archiveItemBytesMax) })),
    /** p(user) · p(item name) */
    vaultItems: table('vault-items', v.strictObject({ version: Sequence, sealed: blob(limits.vaultItemBytesMax) })),
    /** p(ceremony) */
    ceremonies: table('ceremonies', v.strictObject({ value: blob(1024 * 1024), expiresAt: Timestamp })),
    /** expiresAt 8 · p(ceremony) */
    ceremonyExpiry: table('ceremony-expiry', Nothing),
    /** p(conversation) */
    conversations: table('conversations', Conversation),
    /** p(conversation) */
    groupInfos: table('group-infos', blob(limits.groupInfoBytesMax)),
    /** p(conversation): sequence of the latest meta entry. */
    metaMarks: table('meta-marks', v.strictObject({ sequence: Sequence })),
    /** p(user) · p(conversation) */
    memberships: table('memberships', v.strictObject({ conversationId: ConversationId, joinedSequence: Sequence })),
    /** p(user) · p(conversation); counts only for the membership that began at the same sequence. */
    readMarks: table('read-marks', v.strictObject({ joinedSequence: Sequence, sequence: Sequence })),
    /** p(conversation) · day 4: first sequence of each day that has entries. */
    days: table('days', v.strictObject({ first: Sequence })),
    /** p(conversation) · day 4, and p(audit subject): wrapped under the key-encryption key. */
    dataKeys: new DataKeys(database, keys),
    /** p(conversation) · day 4 · sequence 8: sealed under the data key of the day. */
    log: new Records(database, 'log', true),
    ...makeFileTables(database, keys),
    ...makeRetentionTables(database, keys),
    ...makeAuditTables(database, keys),
  };
}
