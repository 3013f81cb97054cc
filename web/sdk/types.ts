/** The public types of `lanying/sdk`. Plain strings and numbers: nothing of the engine inside shows through. */
import type { Account, SecondStep } from './account-types.ts';

export type * from './account-types.ts';

/**
 * What went wrong, in words that stay the same between versions. Beside the server's refusals (for example
 * `sign_in.failed`, `invite.used`, `handle.taken`, `permission.denied`, `rate.limited`) there are those of the device:
 * - `network.unreachable`: no answer; calls other than `send` do not wait for the network to come back
 * - `vault.locked`: signed in without a recovery code on a device that is new: history and sending are not available
 * - `recovery_code.malformed`, `recovery_code.wrong`
 * - `identity.changed`: a member's identity key is not the one known here; sending waits for a decision
 * - `identity.mismatch`: somebody or something shows a key that the person's identity does not vouch for
 * - `conversation.left`: left or removed; what was read before stays readable
 * - `message.empty`, `message.too_long` (60 KiB of UTF-8)
 * - `engine.closed`, `engine.busy_elsewhere` (the same store is open elsewhere), `storage.failed`
 */
export type ErrorCode = string;

/** The only kind of error that a call rejects with. */
export interface SdkError extends Error {
  readonly name: 'LanyingError';
  readonly code: ErrorCode;
  readonly detail: { readonly field?: string; readonly reason?: string; readonly retryAfterMs?: number; readonly methods?: readonly string[] };
}

export interface ServerOptions {
  /** Where the server is, for example `https://chat.example.org`, without a path. */
  readonly origin: string;
  /**
   * A folder for this device's keys, history and unsent messages, made if need be. With it a later `signIn` on the same
   * folder is the same device and needs no recovery code. Without it everything is kept in memory and gone with `close`:
   * each sign-in is then a device more, and an account has at most ten.
   */
  readonly store?: string;
  /** What people see in their list of devices, at most 64 characters; "lanying SDK" when absent. */
  readonly deviceLabel?: string;
}

export interface NewAccountOptions extends ServerOptions {
  /** 1 to 32 lower-case letters, digits, dots, hyphens or underscores; begins and ends with a letter or digit. */
  readonly handle: string;
  /** 1 to 64 characters. */
  readonly displayName: string;
  /** 15 to 256 characters. */
  readonly password: string;
}

export interface SetupOptions extends NewAccountOptions {
  /** The one-time token of the setup link. */
  readonly token: string;
}

export interface RegisterOptions extends NewAccountOptions {
  /** An invite link, or the token in it. */
  readonly invite: string;
}

export interface SignInOptions extends ServerOptions {
  readonly handle: string;
  readonly password: string;
  /** Asked when the password is not enough, with what may follow it; without it the call rejects with `second_step.required`. */
  readonly secondStep?: (methods: readonly string[]) => SecondStep | Promise<SecondStep>;
  /** Opens the vault on a device that is new; not needed when `store` holds this person's device already. */
  readonly recoveryCode?: string;
}

export interface Me {
  readonly userId: string;
  readonly deviceId: string;
  readonly handle: string;
  readonly displayName: string;
  readonly role: 'owner' | 'admin' | 'member';
}

export interface Message {
  readonly id: string;
  /** Place in the conversation's log, from 1; greater is later. Gaps are entries that are not messages. */
  readonly sequence: number;
  /** Handle of the sender. */
  readonly from: string;
  /** Milliseconds since 1970-01-01 UTC by the server's clock; never decreases within a conversation. */
  readonly sentAt: number;
  readonly text: string;
}

/** One conversation, as a live handle: `title`, `members` and `active` always tell the present. */
export interface Conversation {
  readonly id: string;
  /** Null when it has none. */
  readonly title: string | null;
  /** Handles of the members, oneself included, from the encryption group itself, never from the server's list. */
  readonly members: readonly string[];
  /** False once left or removed. */
  readonly active: boolean;
  /**
   * Sends a text. Resolves when the server has it on disk; waits through lost connections and restarts of the server and
   * tries again with the same id, so that it arrives once. With a `store` the text survives a crash of this process too.
   * Rejects with `message.empty`, `message.too_long`, `conversation.left`, `identity.changed`, `vault.locked`,
   * `engine.closed`, or a refusal of the server.
   */
  send(message: { readonly text: string }): Promise<{ readonly id: string; readonly sequence: number }>;
  /**
   * Messages, newest first: the last `limit` (default 50, at most 200) ones, of those before the sequence `before` if it
   * is given. An empty page means that there are none before. Fetches older pages from the server where this device does
   * not have them. Messages that were refused or cannot be read are left out.
   */
  messages(page?: { readonly limit?: number; readonly before?: number }): Promise<readonly Message[]>;
  /** Adds a person; resolves when the group has them. `person.unknown`, `member.limit`, `key_package.exhausted`. */
  add(handle: string): Promise<void>;
  /** Removes a person: the owner's to do. `permission.denied`, `commit.refused`, `person.unknown`. */
  remove(handle: string): Promise<void>;
  leave(): Promise<void>;
}

export interface SearchOptions {
  /** Words that all must be in a message, in any order and case, with or without accents; "several words" as one. Absent: whatever the rest leaves. */
  readonly text?: string;
  /** Handle of the sender, or several of which one must be. `person.unknown`. */
  readonly from?: string | readonly string[];
  /** Id of a conversation, or several of which one must be. `conversation.unknown`. */
  readonly in?: string | readonly string[];
  /** All of them. */
  readonly has?: SearchHas | readonly SearchHas[];
  /** Sent before it: milliseconds or a date. */
  readonly before?: number | Date;
  /** Sent at or after it. */
  readonly after?: number | Date;
  /** 1 to 500, 50 when absent. */
  readonly limit?: number;
}
export type SearchHas = 'link' | 'image' | 'file';

export interface Found {
  readonly conversation: Conversation;
  readonly message: Message;
}

/** Something did not add up, was refused, and is shown; what it means is in the README's threat model. */
export interface SecurityEvent {
  readonly kind:
    | 'identity_changed' | 'log_forked' | 'message_refused' | 'replay_refused' | 'commit_refused' | 'device_refused' | 'members_differ'
    | 'directory_contradicted' | 'directory_peer' | 'key_unlisted' | 'identity_entered'
    | 'audit_forked'
    /** This person's vault was opened on one more device. */
    | 'new_device';
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
  readonly conversationId: string | null;
  /** Handle of the person concerned, where there is one and they are known. */
  readonly person: string | null;
  readonly reason: string | null;
}

/** All that is given must fit; `from` inclusive and `to` exclusive, in milliseconds since 1970-01-01 UTC. */
export interface AuditFilter {
  /** User id of who did it. */
  readonly actor?: string;
  /** For example `invite.created` or `sign_in.failed`. */
  readonly act?: string;
  /** Id of what it was done to. */
  readonly object?: string;
  readonly from?: number;
  readonly to?: number;
}

/** One administrative or security act. */
export interface AuditEntry {
  readonly index: number;
  readonly time: number;
  readonly act: string;
  /** A user id, `stranger`, `operator` or `system:…`. */
  readonly actor: string;
  readonly object: { readonly kind: string; readonly id: string } | null;
  readonly reason: string | null;
  readonly before: Readonly<Record<string, string | number | boolean | null>> | null;
  readonly after: Readonly<Record<string, string | number | boolean | null>> | null;
  readonly requestId: string;
  /** What is personal of whom; `fields` is null once it was erased. */
  readonly personal: readonly { readonly subject: string; readonly fields: Readonly<Record<string, string>> | null }[];
}

/** For owner and admins; to everybody else `permission.denied`. */
export interface AuditReader {
  /** Newest first, fetched as they are asked for. */
  list(filter?: AuditFilter): AsyncGenerator<AuditEntry>;
  /** Pieces of a JSON Lines or CSV document, oldest entry first. Exporting is recorded in the log itself. */
  export(format: 'jsonl' | 'csv', filter?: AuditFilter): AsyncGenerator<string>;
}

export interface ClientEvents {
  /** A message of anybody, oneself included, became part of the log here: once for each, in order within a conversation. */
  message: { readonly conversation: Conversation; readonly message: Message };
  /** A conversation is new here, or its title, members or state changed. */
  conversation: { readonly conversation: Conversation };
  /** `full`: connected to a server whose disk is full; reading goes on, and what is sent waits until there is room. */
  connection: { readonly state: 'connecting' | 'online' | 'full' | 'offline' };
  security: SecurityEvent;
}

/** One of one's own devices. */
export interface Device {
  readonly id: string;
  readonly label: string;
  readonly createdAt: number;
  /** To the day. */
  readonly usedAt: number;
  /** The one that this process is. */
  readonly here: boolean;
}

export interface Devices {
  /** This one first, then the latest used; once the first synchronisation is through. */
  list(): Promise<readonly Device[]>;
  /** `device.unknown`. */
  rename(id: string, label: string): Promise<void>;
  /** For good: its sessions end at once, its leaves go from every conversation, and the vault gets another key. `device.unknown`. */
  remove(id: string): Promise<void>;
}

export interface VerifiedPerson {
  /** `changed`: another identity key than the known one is on offer, and nothing is sent until `acceptIdentity`. */
  readonly identity: 'pinned' | 'changed' | 'unknown';
  readonly verified: boolean;
  /** 60 digits, the same on both sides; null until it is worked out, and for oneself. */
  readonly safetyNumber: string | null;
  /** When other keys were first seen, milliseconds since 1970-01-01 UTC. */
  readonly keyChanges: readonly number[];
}

/** Who is who: safety numbers of people by handle, and the server's key directory. */
export interface Verification {
  /** `person.unknown`. */
  of(handle: string): Promise<VerifiedPerson>;
  /** Says that this very number was compared with the person; all devices of this account know it then. `identity.mismatch`. */
  verify(handle: string, safetyNumber: string): Promise<void>;
  /** Goes on with the changed key of a person whose safety number was compared. */
  acceptIdentity(handle: string): Promise<void>;
  /** `contradicted`: the server's list of keys is not what it was, or not what others see; see the event `security`. */
  directory(): 'consistent' | 'contradicted';
  /** Goes on with the list as the server shows it now. */
  acceptDirectory(): Promise<void>;
}

export interface Client {
  readonly me: Me;
  readonly verification: Verification;
  /** After `setup` and `register`: opens the vault on another device. Shown here once and kept nowhere: store it safely. Else null. */
  readonly recoveryCode: string | null;
  /** A second recovery code, as good as the first, to be kept apart from it. Else null. */
  readonly spareRecoveryCode: string | null;
  /** A single-use link for one more account. `permission.denied`, `invite.too_many`. */
  createInvite(options?: { readonly role?: 'admin' | 'member' }): Promise<{ readonly link: string; readonly expiresAt: number }>;
  readonly conversations: {
    /** Always makes a new one, with oneself and the people named. `person.unknown`, `key_package.exhausted`. */
    create(options: { readonly title?: string; readonly members: readonly string[] }): Promise<Conversation>;
    /** All of this person's conversations, latest activity first, once the first synchronisation is through. */
    list(): Promise<readonly Conversation[]>;
  };
  readonly audit: AuditReader;
  readonly account: Account;
  readonly devices: Devices;
  /**
   * Messages on this device, newest first. Older ones that only the server has are not looked through: what
   * `Conversation.messages` has fetched is. Rejects with `input.invalid`, `person.unknown`, `conversation.unknown`.
   */
  search(options: SearchOptions): Promise<readonly Found[]>;
  /** Returns the way to stop listening. A listener that throws does not disturb others: its error is rethrown from a timer. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
  /** Disconnects and lets go of the store. The session stays signed in on the server until it expires. */
  close(): Promise<void>;
}
