/** What a device keeps, record by record. Names sort: numbers are 16 hexadecimal digits. */
import * as v from 'valibot';
import { bytes, Entry, Epoch, Hash, Sequence, Timestamp } from '#protocol/envelope.ts';
import { ConversationId, DeviceId, Generation, MessageId, UserId } from '#protocol/ids.ts';
import { Role, Suite } from '#protocol/model.ts';
import { type Paging, pagingOf } from './pages.ts';
import type { RecordKind } from './sealed-store.ts';

const anyBytes = bytes(8 * 1024 * 1024);
const kind = <T>(prefix: string, schema: v.GenericSchema<unknown, T>): RecordKind<T> => ({ prefix, schema });

export const padded = (value: number): string => value.toString(16).padStart(16, '0');
/** Sorts behind every name that begins with it. */
export const after = (prefix: string): string => `${prefix}\uffff`;

const Account = v.object({
  userId: UserId,
  handle: v.string(),
  displayName: v.string(),
  role: Role,
  deviceId: DeviceId,
  certificate: anyBytes,
  identitySeed: bytes(32, 32),
  vaultKey: bytes(32, 32),
  /** Vault keys before it, newest first. */
  earlierKeys: v.optional(v.array(bytes(32, 32))),
  /** X25519: opens what other devices of the person hand over to this one. */
  handoverSecret: v.optional(bytes(32, 32)),
});
export type AccountState = v.InferOutput<typeof Account>;
export const account = kind('account', Account);

const StoredPackage = v.object({ suite: Suite, publicBytes: anyBytes, privateBytes: anyBytes, lastResort: v.boolean() });
/** By key package reference, base64url. */
export const keyPackages = kind('keypackage/', StoredPackage);

/** Devices whose revocation was verified, by device. */
export const revoked = kind('revoked/', v.object({ deviceId: DeviceId, revokedAt: Timestamp }));
/** A device was removed by this one, and the vault key is still the one that it knew. */
export const rekeyDue = kind('rekeydue', v.object({ due: v.literal(true) }));
/** One's own devices as this one last saw them. */
export const ownDevices = kind('owndevices', v.object({ deviceIds: v.array(DeviceId) }));
export const pins = kind('pins', v.object({ version: v.number(), encoded: anyBytes }));
/** The last head of the audit log that this administrator's device saw; `fault`: the one after it did not fit. */
export const auditHead = kind(
  'audithead',
  v.object({
    size: Sequence,
    root: Hash,
    verifierKey: v.string(),
    fault: v.nullable(v.picklist(['cut', 'forked', 'key_changed', 'unsigned'])),
    /** When it was last found to go on, or (with a fault) not to. */
    at: v.optional(Timestamp),
  }),
);
const KeyTree = v.object({
  size: Sequence,
  root: Hash,
  signature: bytes(64, 64),
  verifierKey: v.string(),
  fault: v.nullable(
    v.object({ kind: v.picklist(['cut', 'forked', 'key_changed', 'unsigned']), proven: v.boolean(), at: Timestamp, from: v.nullable(UserId) }),
  ),
});
/** The last head of the key directory that held; `fault`: something contradicts it, and nobody has decided yet. */
export type KeyTreeState = v.InferOutput<typeof KeyTree>;
export const keyTree = kind('keytree', KeyTree);
/** Leaves of the key directory, by page. */
export const keyTreeLeaves = kind('keytreeleaves/', v.object({ leaves: anyBytes }));
export const drafts = kind('draft/', v.object({ text: v.string() }));

const Sealed = v.object({ epoch: Epoch, body: anyBytes });
const Pending = v.object({
  id: MessageId,
  epoch: Epoch,
  commit: anyBytes,
  welcome: v.nullable(anyBytes),
  groupInfo: anyBytes,
  follow: v.array(v.object({ kind: v.picklist(['message', 'meta']), message: v.object({ id: MessageId, epoch: Epoch, body: anyBytes }) })),
  next: anyBytes,
});
/** A commit of this device on its way: kept until the log shows who won [E8]. */
export type PendingCommit = v.InferOutput<typeof Pending>;

const Conversation = v.object({
  conversationId: ConversationId,
  generation: Generation,
  suite: Suite,
  /** Everything up to here is processed; the running hash there. */
  cursor: v.object({ sequence: Sequence, hash: Hash }),
  /** Entries above this are on this device; `hash` is the running hash at it. */
  low: v.object({ sequence: Sequence, hash: Hash }),
  /** Older entries than `low` may be readable (the person was a member before this device). */
  joinedSequence: Sequence,
  group: anyBytes,
  pending: v.nullable(Pending),
  active: v.boolean(),
  title: v.nullable(v.string()),
  titleSequence: Sequence,
  owner: UserId,
  members: v.array(UserId),
  /** Said farewell and still in the tree. */
  left: v.array(UserId),
  /** Removed or idle, and still in the tree. */
  leftDevices: v.optional(v.array(DeviceId)),
  readSequence: Sequence,
  unread: v.number(),
  last: v.nullable(v.object({ from: UserId, text: v.string(), at: Timestamp })),
  epochSequence: Sequence,
  epochStartedAt: Timestamp,
  /** First epoch that is not in the archive yet. */
  archiveFrom: Epoch,
  createdAt: Timestamp,
  /** Everything up to here was purged by the server and erased here. */
  floor: v.optional(Sequence),
  /** Head of the key directory that this device last told here, and when. */
  toldHead: v.optional(v.object({ size: Sequence, at: Timestamp })),
});
export type ConversationState = v.InferOutput<typeof Conversation>;
export const conversations = kind('conversation/', Conversation);

/** A conversation of this device's making on its way to the server, by its id: kept until the server said what came of it [E8]. */
const CreationSchema = v.object({
  conversationId: ConversationId,
  suite: Suite,
  title: v.nullable(v.string()),
  others: v.array(UserId),
  /** Epoch 0, of this device alone, and its group info. */
  group: anyBytes,
  groupInfo: anyBytes,
  commit: Pending,
});
export type Creation = v.InferOutput<typeof CreationSchema>;
export const creations = kind('creation/', CreationSchema);

/** The server's key for floors of purged logs, pinned. */
export const serverKey = kind('serverkey', v.object({ publicKey: bytes(32, 32) }));

const EpochKey = v.object({ contentKey: bytes(32, 32), roster: v.array(v.object({ leaf: v.number(), certificate: anyBytes })) });
export type EpochState = v.InferOutput<typeof EpochKey>;
/** By conversation and epoch. */
export const epochs = kind('epoch/', EpochKey);

const Shown = v.variant('type', [
  v.object({ type: v.literal('text'), text: v.string() }),
  v.object({ type: v.literal('created') }),
  v.object({ type: v.literal('titled'), title: v.string() }),
  v.object({ type: v.literal('members'), added: v.array(UserId), removed: v.array(UserId), devices: v.array(UserId) }),
  v.object({ type: v.literal('left') }),
  v.object({ type: v.literal('unreadable'), reason: v.picklist(['key_missing', 'refused']) }),
  /** Nothing to see: a rotation, or content of a later version. */
  v.object({ type: v.literal('nothing') }),
]);
export type Shown = v.InferOutput<typeof Shown>;
const Message = v.object({ entry: v.omit(Entry, ['body']), shown: Shown });
export type MessageState = v.InferOutput<typeof Message>;
/** By conversation and sequence; old ones in pages. */
export const messages: RecordKind<MessageState> & { readonly paging: Paging<MessageState> } = { ...kind('message/', Message), paging: pagingOf(Message) };
/** Older messages of all conversations are to be on this device. */
export const wholeHistory = kind('wholehistory', v.object({ wanted: v.literal(true) }));
/** Sequence by conversation and message id: a replay is found here. */
export const messageIds = kind('id/', v.object({ sequence: Sequence }));

const Queued = v.object({
  conversationId: ConversationId,
  id: MessageId,
  text: v.string(),
  createdAt: Timestamp,
  sealed: v.nullable(Sealed),
  failed: v.nullable(v.string()),
  acknowledged: v.nullable(Sequence),
});
export type QueuedMessage = v.InferOutput<typeof Queued>;
/** By conversation and order. */
export const outbox = kind('outbox/', Queued);
