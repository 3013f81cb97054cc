/** Shapes that several commands and events share. */
import * as v from 'valibot';
import { bytes, Entry, Epoch, Hash, Sequence, Timestamp } from './envelope.ts';
import { Floor } from './floor.ts';
import { ConversationId, DeviceId, Generation, MessageId, UnlockerId, UserId, WelcomeId } from './ids.ts';
import * as limits from './limits.ts';
import { isPlain } from './visible.ts';

/** Latin letters, digits, dot, underscore and hyphen; lower case; begins and ends with a letter or digit. */
export const Handle = v.pipe(
  v.string(),
  v.maxLength(limits.handleLengthMax),
  v.regex(/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/, 'must be lower-case letters, digits, dots, hyphens or underscores'),
);
/** A label as it comes back: those of earlier versions may hold what `label` refuses. Show it `withoutUnseen`. */
export const keptLabel = (lengthMax: number) =>
  v.pipe(
    v.string(),
    v.maxLength(lengthMax),
    v.check((text) => text.trim() === text && text.length > 0 && text.normalize('NFC') === text, 'must be trimmed NFC text'),
    v.check((text) => !/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(text), 'must not contain control characters'),
  );
/** Free text in which everything is seen ([N1]), NFC, not blank. */
export const label = (lengthMax: number) => v.pipe(keptLabel(lengthMax), v.check(isPlain, 'must not contain what is not seen'));
export const DisplayName = label(limits.displayNameLengthMax);
export const KeptName = keptLabel(limits.displayNameLengthMax);
/** For whom an invite is, as a note among administrators. */
export const InviteLabel = label(limits.inviteLabelLengthMax);
export const Password = v.pipe(v.string(), v.maxLength(limits.passwordLengthMax));
/** A one-time secret of a link: 32 random bytes as base64url, or what LANYING_SETUP_TOKEN says. */
export const Token = v.pipe(v.string(), v.maxLength(limits.tokenLengthMax), v.regex(/^[A-Za-z0-9_-]{16,}$/));
export const Role = v.picklist(['owner', 'admin', 'member']);
export type Role = v.InferOutput<typeof Role>;
/** MLS cipher suites in use (RFC 9420 §17.1): 1 = X25519/AES-128-GCM/Ed25519, 83 = X-Wing/AES-256-GCM/SHA-512/Ed25519 (no registered number: the MLS library's own). */
export const Suite = v.picklist([1, 83]);
export type Suite = v.InferOutput<typeof Suite>;

/** A person as every colleague sees them. `identityKey` is an Ed25519 public key; clients pin it. */
export const Person = v.strictObject({
  userId: UserId,
  handle: Handle,
  displayName: KeptName,
  role: Role,
  identityKey: bytes(32, 32),
});
export type Person = v.InferOutput<typeof Person>;

/** A device in the directory; `certificate` is signed by the person's identity key (engine/identity). */
export const Device = v.strictObject({
  userId: UserId,
  deviceId: DeviceId,
  certificate: bytes(limits.certificateBytesMax, 1),
  label: keptLabel(limits.deviceLabelLengthMax),
  createdAt: Timestamp,
});
export type Device = v.InferOutput<typeof Device>;

export const NewDevice = v.strictObject({
  deviceId: DeviceId,
  certificate: bytes(limits.certificateBytesMax, 1),
  label: label(limits.deviceLabelLengthMax),
});
export type NewDevice = v.InferOutput<typeof NewDevice>;

export const NewKeyPackage = v.strictObject({
  suite: Suite,
  bytes: bytes(limits.keyPackageBytesMax, 1),
  lastResort: v.boolean(),
});
export type NewKeyPackage = v.InferOutput<typeof NewKeyPackage>;

export const UnlockerKind = v.picklist(['passkey', 'recovery-code']);
/** The vault key wrapped for one unlocker; the server can open none of them. */
export const Unlocker = v.strictObject({
  unlockerId: UnlockerId,
  kind: UnlockerKind,
  /** For a passkey the base64url credential id, else empty. */
  credentialId: v.pipe(v.string(), v.maxLength(1_400)),
  wrapped: bytes(256, 1),
  createdAt: Timestamp,
});
export type Unlocker = v.InferOutput<typeof Unlocker>;

export const Vault = v.strictObject({
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** The identity secret, sealed under the vault key. */
  sealed: bytes(limits.vaultBytesMax, 1),
  unlockers: v.pipe(v.array(Unlocker), v.maxLength(limits.unlockersMax)),
});
export type Vault = v.InferOutput<typeof Vault>;

/** A sealed message as a device hands it in; sequence, time and running hash are the server's to give. */
export const NewMessage = v.strictObject({
  id: MessageId,
  epoch: Epoch,
  body: bytes(limits.messageBytesMax, 1),
});
export type NewMessage = v.InferOutput<typeof NewMessage>;

export const Receipt = v.strictObject({ id: MessageId, sequence: Sequence, sentAt: Timestamp, hash: Hash });
export type Receipt = v.InferOutput<typeof Receipt>;

/** What MLS hands to others with a commit. One welcome serves all added devices (RFC 9420 §12.4.3.1). */
export const NewCommit = v.strictObject({
  id: MessageId,
  /** The epoch that the commit starts from; accepted only while the conversation is in it. */
  epoch: Epoch,
  /** MLSMessage(PublicMessage(Commit)). */
  commit: bytes(limits.commitBytesMax, 1),
  /** MLSMessage(Welcome), when devices are added. */
  welcome: v.nullable(bytes(limits.welcomeBytesMax, 1)),
  /** MLSMessage(GroupInfo) of the new epoch with ratchet tree and external public key. */
  groupInfo: bytes(limits.groupInfoBytesMax, 1),
  /** Sealed under the NEW epoch and appended right behind the commit in the same transaction (title for newcomers). */
  follow: v.pipe(
    v.array(v.strictObject({ kind: v.picklist(['message', 'meta']), message: NewMessage })),
    v.maxLength(limits.followMessagesMax),
  ),
});
export type NewCommit = v.InferOutput<typeof NewCommit>;

export const Member = v.strictObject({
  userId: UserId,
  /** Sequence of the entry that brought the person in; they may read from there. */
  joinedSequence: Sequence,
  /** Left or taken off by the server; the next commit must remove their leaves. */
  leaving: v.boolean(),
});
export type Member = v.InferOutput<typeof Member>;

/** A conversation as one member sees it. Titles are content and not here. */
export const Conversation = v.strictObject({
  conversationId: ConversationId,
  generation: Generation,
  suite: Suite,
  epoch: Epoch,
  /** Sequence of the commit (or creation) that began this epoch. */
  epochSequence: Sequence,
  headSequence: Sequence,
  headHash: Hash,
  /** Latest entry of kind meta, 0 when there is none. */
  metaSequence: Sequence,
  createdAt: Timestamp,
  creator: UserId,
  /** Who may remove others: the creator, and after them the longest-standing member. */
  owner: UserId,
  members: v.array(Member),
  /** Removed or idle; the next commit must remove their leaves ([D5], [D6]). */
  leavingDevices: v.array(DeviceId),
  /** This person's own marks. */
  joinedSequence: Sequence,
  readSequence: Sequence,
  /** Everything up to here was purged ([R10]). */
  floor: v.nullable(Floor),
});
export type Conversation = v.InferOutput<typeof Conversation>;

export const LogPage = v.strictObject({
  entries: v.array(Entry),
  /** Running hash just before the first entry (or at the cursor when there is none). */
  previousHash: Hash,
  /** Of the log; to somebody who is out, where their last stay ended. */
  headSequence: Sequence,
  /** Everything up to here was purged: a page never reaches below ([R10]). */
  floor: v.nullable(Floor),
  /**
   * Only on a page that begins a stay of this person: the stay before it, first and last sequence, and the running hash
   * at its last entry ([C10]). What lies between is not theirs.
   */
  earlier: v.nullable(v.strictObject({ from: Sequence, to: Sequence, hash: Hash })),
});
export type LogPage = v.InferOutput<typeof LogPage>;

export const Welcome = v.strictObject({
  welcomeId: WelcomeId,
  conversationId: ConversationId,
  generation: Generation,
  suite: Suite,
  /** Epoch that the welcome leads into. */
  epoch: Epoch,
  /** Sequence of the commit that made it; the newcomer's log starts behind it. */
  sequence: Sequence,
  /** Running hash at that sequence, as the server claims it; the first message of a member confirms it. */
  hash: Hash,
  bytes: bytes(limits.welcomeBytesMax, 1),
});
export type Welcome = v.InferOutput<typeof Welcome>;
