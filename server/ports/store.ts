/**
 * What lanying keeps. Speaks the domain, one aggregate a call; LevelDB (or memory) hides behind it.
 * Promises of every method: it resolves only when its writes are durable (synced); a write is whole or absent;
 * records that cannot be opened or do not decode throw CorruptionError naming the record family; a failed write
 * throws StoreFailure, after which every further write throws until the store is reopened (fail-stop). Of all failures
 * only StoreFull passes.
 * A method that takes `acts` stores them as audit entries together with its change, or neither ([U1]).
 */
import type { Why } from './retention-store.ts';
import type { Entry } from '#protocol/envelope.ts';
import type {
  CeremonyId,
  ConversationId,
  DeviceId,
  Generation,
  InviteId,
  SessionId,
  UserId,
  WelcomeId,
} from '#protocol/ids.ts';
import type { Must, SignInFactor } from '#protocol/sign-in.ts';
import type { Device, NewKeyPackage, Person, Role, Suite, Unlocker, Vault, Welcome } from '#protocol/model.ts';
import type { BlobStore } from './blob-store.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Credentials, PasskeyUse } from './credentials.ts';
import type { ErasureStore, LeaseStore, LogFloor, PurgeRegister, RetentionStore } from './retention-store.ts';
import type { DirectoryStore } from './directory-store.ts';
import type { Acts, AuditStore } from './audit-store.ts';
import type { PeopleStore } from './people-store.ts';
import type { SignInPolicyStore } from './policy-store.ts';

export class StoreFailure extends Error {
  override readonly name: string = 'StoreFailure';
}

/** There is no room for a write. Nothing of it is kept, reads go on, and it may be tried again. */
export class StoreFull extends StoreFailure {
  override readonly name = 'StoreFull';
}

/** `full`: reads go on, writes throw StoreFull; it opens by itself when there is room. `failed`: for good. */
export type StoreCondition = 'open' | 'full' | 'failed' | 'closed';

export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
  constructor(
    /** Record family, for example `log` or `accounts`. */
    readonly family: string,
    message: string,
  ) {
    super(`${family}: ${message}`);
  }
}

export interface AccountRecord extends Person, Credentials {
  readonly createdAt: number;
  /** Of the credentials: each change of them, and each use of a passkey, gives the next. Absent: 0. */
  readonly credentialsVersion?: number | undefined;
  /** Began anew, and is not out of all conversations of before. */
  readonly leaving?: true | undefined;
}

/** Everything that a new account consists of, stored in one transaction. */
export interface NewAccount {
  readonly account: AccountRecord;
  readonly device: Device;
  readonly keyPackages: readonly NewKeyPackage[];
  readonly vault: Vault;
  /** Marked used in the same transaction; null for the owner, whose creation closes the setup. */
  readonly inviteId: InviteId | null;
  readonly session: SessionRecord;
}

/** What somebody begins anew with. */
export interface Anew {
  readonly identityKey: Uint8Array<ArrayBuffer>;
  readonly device: Device;
  readonly keyPackages: readonly NewKeyPackage[];
  /** Its version is that of the one before, plus one. */
  readonly vault: Omit<Vault, 'version'>;
  readonly sessionId: SessionId;
}

export interface AccountStore {
  /** 'setup_done' when inviteId is null and an owner exists; 'invite_used' when the invite is not open any more. */
  create(
    account: NewAccount,
    acts: Acts,
  ): Promise<'created' | 'handle_taken' | 'account_exists' | 'setup_done' | 'invite_used'>;
  byId(userId: UserId): Promise<AccountRecord | null>;
  byHandle(handle: string): Promise<AccountRecord | null>;
  byCredential(credentialId: string): Promise<AccountRecord | null>;
  /** Ordered by handle, behind `after`. */
  list(after: string | null, limit: number): Promise<readonly AccountRecord[]>;
  count(): Promise<number>;
  /**
   * Another identity, device and vault in the place of all that there were, `leaving`, in one step with the act, the end of the
   * person's other sessions, and the binding of this one. Sealed items and archive go with it: nobody opens them any more.
   */
  startAnew(userId: UserId, anew: Anew, acts: Acts): Promise<{ readonly ended: readonly SessionRecord[] } | null>;
  /** Somebody who began anew is out of their conversations: they are `leaving` no more. */
  left(userId: UserId): Promise<void>;
  /**
   * Records a use of a passkey. `counter_back`: another use was recorded meanwhile whose counter is not below this one's
   * (both 0: the authenticator counts nothing), and nothing changed.
   */
  passkeyUsed(userId: UserId, credentialId: string, use: PasskeyUse): Promise<'used' | 'counter_back' | 'unknown'>;
  /**
   * Puts new credentials in place of those of `expectedVersion`. `taken`: a new passkey is somebody's already.
   * Without acts: the use of a code, which the session that it begins records.
   */
  changeCredentials(
    userId: UserId, expectedVersion: number, credentials: Credentials, acts: Acts | null,
  ): Promise<'changed' | 'conflict' | 'unknown' | 'taken'>;
}

export interface SessionRecord {
  readonly sessionId: SessionId;
  /** Keyed hash of the cookie value. */
  readonly secretHash: Uint8Array<ArrayBuffer>;
  readonly userId: UserId;
  readonly deviceId: DeviceId | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Last time that it was noted as used, to the day; absent: never since it began. */
  readonly usedAt?: number | undefined;
  /** These are absent in records of earlier versions. */
  readonly factor?: SignInFactor | undefined;
  /** CIDR block that it was begun from, never a whole address. */
  readonly network?: string | undefined;
  readonly browser?: string | undefined;
  readonly system?: string | undefined;
  /** Last fresh proof of who it is; absent: when it began. */
  readonly provenAt?: number | undefined;
  /** It may do nothing else before. */
  readonly must?: Must | undefined;
}

export interface SessionStore {
  create(session: SessionRecord, acts: Acts): Promise<void>;
  byId(sessionId: SessionId): Promise<SessionRecord | null>;
  bindDevice(sessionId: SessionId, deviceId: DeviceId, acts: Acts): Promise<void>;
  /** Ending one that is not there records nothing. */
  end(sessionId: SessionId, acts: Acts): Promise<void>;
  /** All of a person, in no order. */
  ofUser(userId: UserId): Promise<readonly SessionRecord[]>;
  /** Of all these people, in no order. */
  ofUsers(userIds: readonly UserId[]): Promise<readonly SessionRecord[]>;
  /** Ends all of a person but `keep` in one batch with the acts, and gives them; with none to end it records nothing. */
  endOf(userId: UserId, keep: SessionId | null, acts: Acts): Promise<readonly SessionRecord[]>;
  /** Notes a fresh proof, or that it did what it had to (`must` null), or what comes next; nothing for one that is not there. */
  settle(sessionId: SessionId, now: { readonly provenAt?: number; readonly must?: Must | null }, acts: Acts | null): Promise<void>;
  /** Notes that it was used; nothing for one that is not there. */
  used(sessionId: SessionId, at: number): Promise<void>;
  /** Ends sessions that were last used before `before`, at most `limit`, and gives them; the next receipt tells of them. */
  endIdle(why: Why, limit: number): Promise<readonly SessionRecord[]>;
  /** How many there are that were last used before `before`. */
  countIdle(before: number): Promise<number>;
  /** Removes sessions that expired before `now`, at most `limit`; returns how many. */
  sweep(now: number, limit: number): Promise<number>;
}

export interface InviteRecord {
  readonly inviteId: InviteId;
  /** SHA-256 of the token. */
  readonly tokenHash: Uint8Array<ArrayBuffer>;
  readonly role: Exclude<Role, 'owner'>;
  readonly createdBy: UserId;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly state: 'open' | 'used' | 'revoked';
  readonly usedBy: UserId | null;
  /** For whom it is; only while it is open. */
  readonly label?: string | undefined;
}

export interface InviteStore {
  create(invite: InviteRecord, acts: Acts): Promise<void>;
  byTokenHash(tokenHash: Uint8Array): Promise<InviteRecord | null>;
  list(): Promise<readonly InviteRecord[]>;
  revoke(inviteId: InviteId, acts: Acts): Promise<'revoked' | 'unknown' | 'used'>;
}

export interface StoredKeyPackage {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lastResort: boolean;
}

export interface DeviceStore {
  /** `unknown_account`: its person is not stored (or no longer), so that nothing outlives an account. */
  register(
    device: Device,
    keyPackages: readonly NewKeyPackage[],
    limit: number,
    acts: Acts,
  ): Promise<'registered' | 'exists' | 'too_many' | 'unknown_account'>;
  byId(deviceId: DeviceId): Promise<Device | null>;
  ofUsers(userIds: readonly UserId[]): Promise<readonly Device[]>;
  /** Adds one-time packages; a last-resort one replaces the earlier of its suite. StoreFailure for a device that is not registered. */
  publish(deviceId: DeviceId, keyPackages: readonly NewKeyPackage[]): Promise<void>;
  /** One-time packages that are left, for each suite that has any package. */
  counts(deviceId: DeviceId): Promise<ReadonlyMap<Suite, number>>;
  /** One package a device, all or none: null when some device has none at all. A one-time package is never returned twice. */
  claim(devices: readonly Device[], suite: Suite): Promise<readonly StoredKeyPackage[] | null>;
  /** False: not a device of this person. */
  rename(userId: UserId, deviceId: DeviceId, label: string): Promise<boolean>;
  /**
   * Takes it off the directory for good, with its revocation and the end of its sessions in the same step, and its key
   * packages and mail behind it. Gives the sessions; null: not a device of this person.
   */
  remove(userId: UserId, deviceId: DeviceId, revocation: Uint8Array<ArrayBuffer>, acts: Acts): Promise<readonly SessionRecord[] | null>;
  /** Revocations of these people's devices, at most revocationsPerUserMax of each. */
  revocations(userIds: readonly UserId[]): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** When each was last noted as used; its registration counts as a use. */
  lastUse(devices: readonly Device[]): Promise<readonly number[]>;
  used(deviceId: DeviceId, at: number): Promise<void>;
  welcomes(deviceId: DeviceId, limit: number): Promise<readonly Welcome[]>;
  acknowledge(deviceId: DeviceId, welcomeIds: readonly WelcomeId[]): Promise<void>;
}

export interface Resealed {
  readonly conversationId: ConversationId;
  readonly epoch: number;
  readonly was: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

export interface VaultStore {
  get(userId: UserId): Promise<Vault | null>;
  update(
    userId: UserId,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
    unlockers: readonly Unlocker[],
    acts: Acts,
  ): Promise<'updated' | 'conflict'>;
  /** The first item of an epoch stays. */
  archive(
    userId: UserId,
    items: readonly {
      readonly conversationId: ConversationId;
      readonly epoch: number;
      readonly sealed: Uint8Array<ArrayBuffer>;
    }[],
  ): Promise<void>;
  /** Replaces items whose present bytes have this SHA-256; leaves the others. */
  reseal(userId: UserId, items: readonly Resealed[]): Promise<void>;
  /** Newest epoch first, below `before` when it is not null. */
  archived(
    userId: UserId,
    conversationId: ConversationId,
    before: number | null,
    limit: number,
  ): Promise<readonly { readonly epoch: number; readonly sealed: Uint8Array<ArrayBuffer> }[]>;
  item(
    userId: UserId,
    name: string,
  ): Promise<{ readonly version: number; readonly sealed: Uint8Array<ArrayBuffer> } | null>;
  /** Version 0 expects absence. */
  putItem(
    userId: UserId,
    name: string,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<'stored' | 'conflict'>;
}

export interface Leaf {
  /** Index in the ratchet tree (RFC 9420 §4). */
  readonly index: number;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Its device was removed or is idle: it goes with the next commit, while its person has another leaf. */
  readonly leaving?: true | undefined;
}

export interface MemberRecord {
  readonly userId: UserId;
  readonly joinedSequence: number;
  readonly leaving: boolean;
}

/** Entries that somebody may read, both ends included. */
export interface Stay {
  readonly from: number;
  readonly to: number;
}

/** What changes only with commits and departures. */
export interface Roster {
  readonly epoch: number;
  readonly epochSequence: number;
  readonly epochHash: Uint8Array<ArrayBuffer>;
  readonly owner: UserId;
  readonly leaves: readonly Leaf[];
  /** In order of joining. */
  readonly members: readonly MemberRecord[];
  /** Stays that are over, oldest first; absent when nobody ever went. */
  readonly past?: readonly (Stay & { readonly userId: UserId })[] | undefined;
}

export interface ConversationRecord {
  readonly conversationId: ConversationId;
  readonly generation: Generation;
  readonly suite: Suite;
  readonly createdAt: number;
  readonly creator: UserId;
  readonly roster: Roster;
  readonly headSequence: number;
  readonly headHash: Uint8Array<ArrayBuffer>;
  readonly headSentAt: number;
  /** Latest meta entry above the floor, 0 when there is none. */
  readonly metaSequence: number;
  /** Null: nothing was purged. */
  readonly floor: LogFloor | null;
}

/** A change of the roster together with what must be stored with it. */
export interface RosterChange {
  readonly roster: Roster;
  /** Null keeps the stored one (a departure makes no new epoch). */
  readonly groupInfo: Uint8Array<ArrayBuffer> | null;
  readonly welcomes: readonly { readonly deviceId: DeviceId; readonly welcome: Welcome }[];
}

export interface Membership {
  readonly conversationId: ConversationId;
  readonly readSequence: number;
}

export interface ConversationStore {
  create(record: ConversationRecord, entries: readonly Entry[], change: RosterChange): Promise<'created' | 'exists'>;
  load(conversationId: ConversationId): Promise<ConversationRecord | null>;
  /**
   * Appends entries (ascending, gap-free) behind `expectedSequence`, with a roster change if there is one, in one
   * transaction. Calls may overlap: expectedSequence is compared with the last append that was accepted, synced or
   * not, so a caller may pipeline; appends become durable in order and one sync serves many.
   * Rejects with StoreFailure when the sequence is not the expected one: the caller owns the order.
   */
  append(
    conversationId: ConversationId,
    expectedSequence: number,
    entries: readonly Entry[],
    change: RosterChange | null,
  ): Promise<void>;
  groupInfo(conversationId: ConversationId): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Ascending entries with after < sequence, at most limitEntries and about limitBytes (always at least one). */
  readAfter(
    conversationId: ConversationId,
    after: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]>;
  /** The last entries with sequence < before, ascending. */
  readBefore(
    conversationId: ConversationId,
    before: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]>;
  memberships(userId: UserId): Promise<readonly Membership[]>;
  /** Never moves back; returns the mark in force, null when the person is no member. */
  markRead(userId: UserId, conversationId: ConversationId, sequence: number): Promise<number | null>;
}

/** A challenge or other small thing that works once and expires. */
export interface CeremonyStore {
  put(ceremonyId: CeremonyId, value: Uint8Array<ArrayBuffer>, expiresAt: number, acts?: Acts): Promise<void>;
  /** Takes it away: a second take, or one after expiry, gives null. */
  take(ceremonyId: CeremonyId, now: number): Promise<Uint8Array<ArrayBuffer> | null>;
}

export interface Store {
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly invites: InviteStore;
  readonly devices: DeviceStore;
  readonly vaults: VaultStore;
  readonly conversations: ConversationStore;
  readonly ceremonies: CeremonyStore;
  readonly blobs: BlobStore;
  readonly erasure: ErasureStore;
  readonly retention: RetentionStore;
  readonly purged: PurgeRegister;
  readonly leases: LeaseStore;
  readonly audit: AuditStore;
  readonly signInPolicy: SignInPolicyStore;
  readonly directory: DirectoryStore;
  readonly people: PeopleStore;
  readonly checkpoints: CheckpointStore;
  /** False after a write that failed for good or once closed. */
  isOpen(): boolean;
  condition(): StoreCondition;
  /** Waits for writes under way. */
  close(): Promise<void>;
}
