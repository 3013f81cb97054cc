/**
 * The engine as screens and the SDK see it. Everything that crosses here is plain data (structured clone), because in
 * a browser the engine lives in a worker and these calls are messages. Snapshots are immutable; identity changes only
 * when the content does.
 */
import type { Output } from '#protocol/commands/index.ts';
import { type ErrorCode, isErrorCode } from '#protocol/errors.ts';
import type { ConversationId, DeviceId, InviteId, MessageId, UserId } from '#protocol/ids.ts';
import type { ApprovalView, DeviceApi, DeviceView, VaultView } from './api-devices.ts';
import type { Role } from '#protocol/model.ts';
import type { NoticedRule } from '#protocol/retention.ts';
import type { Must } from '#protocol/sign-in.ts';
import type { AdministrationApi, AdministrationMethod, AuditFault, AuditView } from './administration-api.ts';
export type { AuditFault, AuditView };
import type { FindApi } from './finding-api.ts';
import type { AskedCommand, AskedInput } from './asked.ts';

/** Codes that arise on the device itself, beside the protocol's. */
export const engineErrors = [
  'network.unreachable',
  'passkey.cancelled',
  'passkey.unsupported',
  'recovery_code.malformed',
  'recovery_code.wrong',
  'vault.locked',
  'audit.contradicted',
  'identity.changed',
  'identity.mismatch',
  'directory.contradicted',
  'message.too_long',
  'message.empty',
  'conversation.left',
  'storage.failed',
  'engine.busy_elsewhere',
  'engine.closed',
  'browser.unsupported',
] as const;
export type EngineErrorCode = ErrorCode | (typeof engineErrors)[number];

/** A code that was stored or came over a wire; one of another version counts as an internal failure. */
export const engineErrorOf = (code: string): EngineErrorCode =>
  isErrorCode(code) ? code : (engineErrors.find((known) => known === code) ?? 'server.internal');

/** A typed refusal that a person or an SDK user may meet. `code` is stable. */
export class LanyingError extends Error {
  override readonly name = 'LanyingError';
  constructor(
    readonly code: EngineErrorCode,
    /** `methods`: with `second_step.required`, what may follow (`totp`, `passkey`, `recovery-code`). */
    readonly detail: { readonly field?: string; readonly reason?: string; readonly retryAfterMs?: number; readonly ceremonyId?: string; readonly methods?: readonly string[] } = {},
  ) {
    super(code);
  }
}

export interface PersonView {
  readonly userId: UserId;
  readonly handle: string;
  readonly displayName: string;
  readonly role: Role;
  /** 60 decimal digits for both of you, equal on both screens; null for oneself or while a key is unknown. */
  readonly safetyNumber: string | null;
  readonly identity: 'pinned' | 'changed' | 'unknown';
  /** Somebody compared safety numbers for the key in force, on any of this person's devices. */
  readonly verified: boolean;
  /** When other keys were first seen, milliseconds, oldest first, the last 8. */
  readonly keyChanges: readonly number[];
}

export type ConnectionView =
  | { readonly state: 'connecting' }
  | { readonly state: 'online' }
  /** Connected, and the server's disk is full: reading goes on, what is written waits here and is sent when there is room. */
  | { readonly state: 'full'; readonly queued: number }
  /** `since`: milliseconds of the clock when the connection was lost. */
  | { readonly state: 'offline'; readonly since: number; readonly queued: number };

export type SecurityNotice =
  | { readonly kind: 'identity_changed'; readonly at: number; readonly userId: UserId; readonly conversationId: ConversationId | null }
  /** The server showed a log that cannot be what the members saw. */
  | { readonly kind: 'log_forked'; readonly at: number; readonly conversationId: ConversationId; readonly sequence: number }
  | { readonly kind: 'message_refused'; readonly at: number; readonly conversationId: ConversationId; readonly sequence: number; readonly reason: string }
  | { readonly kind: 'replay_refused'; readonly at: number; readonly conversationId: ConversationId; readonly sequence: number }
  | { readonly kind: 'commit_refused'; readonly at: number; readonly conversationId: ConversationId; readonly sequence: number; readonly reason: string }
  | { readonly kind: 'device_refused'; readonly at: number; readonly userId: UserId; readonly conversationId: ConversationId | null; readonly reason: string }
  /** The server shows administrators an audit log that does not continue the one they saw before. */
  | { readonly kind: 'audit_forked'; readonly at: number; readonly conversationId: null; readonly reason: AuditFault }
  /** Somebody opened this person's vault on one more device. */
  | { readonly kind: 'new_device'; readonly at: number; readonly userId: UserId; readonly conversationId: null; readonly deviceId: DeviceId; readonly label: string }
  /** The server's key directory contradicts what it was, or what a peer's device was shown. */
  | { readonly kind: 'directory_contradicted'; readonly at: number; readonly conversationId: null; readonly reason: 'cut' | 'forked' | 'key_changed' | 'unsigned' }
  /** What this person's device says of the key directory is not signed by the key that this device knows. */
  | { readonly kind: 'directory_peer'; readonly at: number; readonly userId: UserId; readonly conversationId: null }
  /** The server showed an identity key of this person that is not in the key directory. */
  | { readonly kind: 'key_unlisted'; readonly at: number; readonly userId: UserId; readonly conversationId: null }
  /** The key directory has an identity key of one's own that one did not make. */
  | { readonly kind: 'identity_entered'; readonly at: number; readonly userId: UserId; readonly conversationId: null }
  | { readonly kind: 'members_differ'; readonly at: number; readonly conversationId: ConversationId; readonly userId: UserId };

/** `blocked`: proven by two signed heads; nothing is sent until the person decides. `heardFrom`: whose message told. */
export type DirectoryView =
  | { readonly state: 'consistent' }
  | {
      readonly state: 'contradicted';
      /** It got shorter; is another one; is signed by another key; is not signed. */
      readonly fault: 'cut' | 'forked' | 'key_changed' | 'unsigned';
      readonly blocked: boolean;
      readonly at: number;
      readonly heardFrom: UserId | null;
    };

/** One thing in a timeline. `key` is stable from composing through acknowledgement. */
export type TimelineItem =
  | {
      readonly kind: 'text';
      readonly key: string;
      readonly id: MessageId;
      /** Null until acknowledged. */
      readonly sequence: number | null;
      readonly from: UserId;
      readonly own: boolean;
      readonly sentAt: number;
      readonly text: string;
      readonly delivery: 'sending' | 'sent' | { readonly failed: EngineErrorCode };
    }
  | {
      readonly kind: 'event';
      readonly key: string;
      readonly sequence: number;
      readonly sentAt: number;
      readonly actor: UserId;
      readonly event:
        | { readonly type: 'created' }
        | { readonly type: 'titled'; readonly title: string }
        | { readonly type: 'added'; readonly people: readonly UserId[] }
        | { readonly type: 'removed'; readonly people: readonly UserId[] }
        | { readonly type: 'left' }
        | { readonly type: 'new_device'; readonly person: UserId }
        /** What lies here is not this person's: they were out. */
        | { readonly type: 'gap' };
    }
  /** An entry that cannot be shown, and why: the key is not here (yet), or it was refused. */
  | { readonly kind: 'unreadable'; readonly key: string; readonly sequence: number; readonly sentAt: number; readonly reason: 'key_missing' | 'refused' };

export interface ConversationView {
  readonly conversationId: ConversationId;
  /** Null for a conversation without a title: show the names of the others. */
  readonly title: string | null;
  /** From the ratchet tree (or the last tree that this person was in). */
  readonly members: readonly UserId[];
  readonly owner: UserId;
  readonly mayRemove: boolean;
  /** False once left or removed: history stays readable, nothing can be sent. */
  readonly active: boolean;
  readonly unread: number;
  /** What the list shows: text of the latest message. */
  readonly last: { readonly from: UserId; readonly text: string; readonly at: number } | null;
  readonly draft: string;
  readonly failedSends: number;
  /** Somebody's identity key changed: sending is blocked until decided. */
  readonly blockedBy: readonly UserId[];
  /**
   * Nothing more is read or sent: the server contradicts the log that it gave before (`forked`), or it accepted a
   * change of members that this device refuses (`commit_refused`).
   */
  readonly halted: 'forked' | 'commit_refused' | null;
  /** For ordering, newest activity first; milliseconds. */
  readonly activeAt: number;
}

export interface TimelineView {
  readonly conversationId: ConversationId;
  /** Ascending; own unsent items last. */
  readonly items: readonly TimelineItem[];
  readonly more: boolean;
  /** It ends before the newest message: loadNewer goes on, openTimeline goes to the end. */
  readonly newer?: boolean;
  readonly loading: boolean;
  /** Read mark at the time of opening: the unread divider stands behind it. */
  readonly readSequence: number;
  readonly typing: readonly UserId[];
}

export interface Me {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly handle: string;
  readonly displayName: string;
  readonly role: Role;
}

export type * from './api-devices.ts';

/** Where this browser stands. `vault-locked`: signed in, but this device cannot open the vault yet. */
export type AccountView =
  | { readonly state: 'starting' }
  | { readonly state: 'signed-out'; readonly setupNeeded: boolean; readonly passwordLengthMin: number; readonly reason: 'none' | 'session_ended' }
  | { readonly state: 'vault-locked'; readonly handle: string; readonly displayName: string; readonly passkeyCanUnlock: boolean }
  | { readonly state: 'ready'; readonly me: Me };

export interface EngineSnapshot {
  readonly account: AccountView;
  readonly connection: ConnectionView;
  /** What this session has to do before it goes on, whatever `account` says: by `ask` or `addPasskey`. Absent: nothing. */
  readonly must?: Must;
  readonly people: readonly PersonView[];
  /** Who had an account here and has none any more: not in `people`, perhaps still in conversations and behind messages. */
  readonly gone: readonly UserId[];
  /** One's own, this one first; empty until the server was asked. */
  readonly devices: readonly DeviceView[];
  /** Null until the server was asked. */
  readonly vault: VaultView | null;
  /** The latest try, until it is put away. */
  readonly approval: ApprovalView | null;
  /** Newest activity first. */
  readonly conversations: readonly ConversationView[];
  /** What all keys are looked up in. */
  readonly directory: DirectoryView;
  /** Newest first, at most 100. */
  readonly notices: readonly SecurityNotice[];
  /** Null for whoever is no administrator, and before the first look. */
  readonly audit: AuditView | null;
}

export type Grant = { readonly kind: 'setup'; readonly token: string } | { readonly kind: 'invite'; readonly token: string };

export interface CreateAccountInput {
  readonly grant: Grant;
  readonly handle: string;
  readonly displayName: string;
  readonly factor: { readonly kind: 'passkey' } | { readonly kind: 'password'; readonly password: string };
  /** Shown in the device list, for example "Chromium, Linux". */
  readonly deviceLabel: string;
}

/** Codes shown once. `spare` is null where a passkey with PRF is the second unlocker. */
export interface RecoveryCodes {
  readonly code: string;
  readonly spare: string | null;
}

export interface InviteView {
  readonly inviteId: InviteId;
  readonly label: string | null;
  readonly role: Role;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly state: 'open' | 'used' | 'revoked' | 'expired';
  readonly usedBy: UserId | null;
}

/** Making an account, signing in, opening the vault. */
export interface AccountApi {
  checkGrant(grant: Grant): Promise<{ readonly invitedBy: string | null; readonly role: Role; readonly expiresAt: number | null; readonly retention: readonly NoticedRule[] }>;
  /** Rejects with handle.taken before anything is made. */
  checkHandle(grant: Grant, handle: string): Promise<void>;
  /**
   * Step 1 of an account: makes identity, vault and codes on this device. Nothing is sent until finishAccount, which
   * the screen calls once the person has confirmed that the recovery code is kept (DESIGN "Vault"). Again with the same
   * grant it keeps the codes that were shown, whatever else changed: what was written down stays good.
   */
  prepareAccount(input: CreateAccountInput): Promise<RecoveryCodes>;
  finishAccount(): Promise<Me>;
  /** Rejects with `second_step.required` and its `methods` where the password is right and not enough: signInSecondStep goes on. */
  signInWithPassword(handle: string, password: string, deviceLabel: string): Promise<void>;
  /** Rejects with `sign_in.failed` (try again), `ceremony.expired` (back to the password). A passkey with PRF opens the vault too. */
  signInSecondStep(step: SecondStepInput): Promise<void>;
  /** Also opens the vault where the passkey has PRF. */
  signInWithPasskey(deviceLabel: string): Promise<void>;
  unlockWithRecoveryCode(code: string): Promise<void>;
  unlockWithPasskey(): Promise<void>;
  /** Ends the session; `forget` also erases keys and history from this device. */
  signOut(forget: boolean): Promise<void>;
}

/** Colleagues, invites and what there is to know about security. */
export interface PeopleApi {
  /** `label`: a note on whom it is for, which administrators see until the link is used. */
  createInvite(role: 'admin' | 'member', label?: string): Promise<{ readonly inviteId: InviteId; readonly link: string; readonly expiresAt: number }>;
  listInvites(): Promise<readonly InviteView[]>;
  revokeInvite(inviteId: InviteId): Promise<void>;
  refreshPeople(): Promise<void>;
  /** Adopt a changed identity key after the person compared safety numbers. */
  acceptIdentity(userId: UserId): Promise<void>;
  /** Whether the safety number was compared; `safetyNumber` as it was shown, so that nothing newer is vouched for. Rejects with `identity.mismatch`. */
  setVerified(userId: UserId, safetyNumber: string, verified: boolean): Promise<void>;
  /** Go on with the key directory that the server shows now, after somebody looked into a contradiction. */
  acceptDirectory(): Promise<void>;
  dismissNotices(): Promise<void>;
}

export interface ConversationApi {
  createConversation(input: { readonly title: string | null; readonly members: readonly UserId[] }): Promise<ConversationId>;
  renameConversation(conversationId: ConversationId, title: string): Promise<void>;
  addMembers(conversationId: ConversationId, members: readonly UserId[]): Promise<void>;
  removeMember(conversationId: ConversationId, member: UserId): Promise<void>;
  leaveConversation(conversationId: ConversationId): Promise<void>;
  /** Queued durably on this device when it resolves; delivery shows in the timeline. */
  send(conversationId: ConversationId, text: string): Promise<MessageId>;
  retrySend(conversationId: ConversationId, id: MessageId): Promise<void>;
  discardSend(conversationId: ConversationId, id: MessageId): Promise<void>;
  setDraft(conversationId: ConversationId, text: string): Promise<void>;
  typing(conversationId: ConversationId): Promise<void>;
  /** Starts delivering timeline snapshots of a conversation (see onTimeline): around a sequence that this device has, else from its newest messages. */
  openTimeline(conversationId: ConversationId, around?: number | null): Promise<void>;
  closeTimeline(conversationId: ConversationId): Promise<void>;
  loadOlder(conversationId: ConversationId): Promise<void>;
  loadNewer(conversationId: ConversationId): Promise<void>;
  markRead(conversationId: ConversationId, sequence: number): Promise<void>;
}

export type SecondStepInput =
  | { readonly kind: 'totp'; readonly code: string }
  | { readonly kind: 'recovery-code'; readonly code: string }
  | { readonly kind: 'passkey' };

export interface PasskeyAdded {
  readonly credentialId: string;
  /** For signing in, shown once: they came with the first second step. Else null. */
  readonly recoveryCodes: readonly string[] | null;
  readonly opensVault: boolean;
}

/** Sessions, factors and rules of signing in. */
export interface SecurityApi {
  /** Asks the server as it is; its refusals come as they are. Commands that end this session sign this device out. */
  ask<N extends AskedCommand>(command: N, input: AskedInput<N>): Promise<Output<N>>;
  /** One more passkey for signing in, and for the vault where it can. `step_up.required`, `passkey.cancelled`, … */
  addPasskey(name: string): Promise<PasskeyAdded>;
  /** A fresh proof by a passkey; by password it is `ask('session.stepUp', …)`. Then what was refused with `step_up.required` may be sent again. */
  stepUpWithPasskey(): Promise<Output<'session.stepUp'>>;
}

/** One way in for all that administrators, and people about their own data, do now and then (see AdministrationApi): its code is loaded when first used. */
export interface DeskApi {
  administer<M extends AdministrationMethod>(method: M, ...input: Parameters<AdministrationApi[M]>): Promise<Awaited<ReturnType<AdministrationApi[M]>>>;
}

/** Every call rejects with LanyingError (RPC keeps code and detail) and with nothing else. */
export interface EngineApi extends AccountApi, PeopleApi, DeviceApi, ConversationApi, SecurityApi, DeskApi, FindApi {}
export type EngineMethod = keyof EngineApi;

/** What a host (worker or Node) offers beside the calls. */
export interface Engine extends EngineApi {
  snapshot(): EngineSnapshot;
  onSnapshot(listener: (snapshot: EngineSnapshot) => void): () => void;
  onTimeline(listener: (timeline: TimelineView) => void): () => void;
  close(): Promise<void>;
}
