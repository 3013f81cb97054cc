/** Retention policies, legal holds and erasure receipts, as both sides see them. */
import * as v from 'valibot';
import { bytes, Sequence, Timestamp } from './envelope.ts';
import { ConversationId, InviteId, UserId } from './ids.ts';
import { holdReasonLengthMax, retentionDaysMax } from './limits.ts';
import { label } from './model.ts';

export type HoldId = string & { readonly '~id': 'hold' };
export type ReceiptId = string & { readonly '~id': 'receipt' };
/** All ids have one form. */
const isId = (input: unknown): boolean => v.is(InviteId, input);
export const HoldId = v.custom<HoldId>(isId, 'must be an id (22 characters of base64url)');
export const ReceiptId = v.custom<ReceiptId>(isId, 'must be an id (22 characters of base64url)');

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Whole UTC days since 1970-01-01. */
const Day = Count;

/**
 * Classes of data that have rules. `sessions`: those that nobody used for so long; `accounts`: what is left of accounts
 * that were closed so long ago. The last three have one rule for everywhere.
 */
export const retentionClasses = ['messages', 'files', 'audit', 'sessions', 'accounts'] as const;
export const serverWideClasses = ['audit', 'sessions', 'accounts'] as const;
export const RetentionClass = v.picklist(retentionClasses);
export type RetentionClass = v.InferOutput<typeof RetentionClass>;

/** Null: kept for as long as the server stands. */
export const RetentionDays = v.nullable(
  v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(retentionDaysMax)),
);

/** One rule; the one of a conversation goes before the one of everywhere (`conversationId` null). */
export const RetentionPolicy = v.strictObject({
  class: RetentionClass,
  conversationId: v.nullable(ConversationId),
  days: RetentionDays,
  setBy: UserId,
  setAt: Timestamp,
});
export type RetentionPolicy = v.InferOutput<typeof RetentionPolicy>;

/** A rule for everywhere, as people are told of it before they give anything. */
export const NoticedRule = v.strictObject({ class: RetentionClass, days: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) });
export type NoticedRule = v.InferOutput<typeof NoticedRule>;

export const HoldReason = label(holdReasonLengthMax);
/**
 * A legal hold suspends erasure. `proposed` (one person, suspends until `confirmBy`) → `active` (a second person) →
 * `releasing` (one person, still suspends) → `released` (a second person). Nothing is suspended from `until` on.
 */
export const Hold = v.strictObject({
  holdId: HoldId,
  /** Null: everywhere. */
  conversationId: v.nullable(ConversationId),
  reason: HoldReason,
  state: v.picklist(['proposed', 'active', 'releasing', 'released']),
  placedBy: UserId,
  placedAt: Timestamp,
  confirmBy: Timestamp,
  confirmedBy: v.nullable(UserId),
  until: Timestamp,
  releaseBy: v.nullable(UserId),
  releasedBy: v.nullable(UserId),
  releasedAt: v.nullable(Timestamp),
});
export type Hold = v.InferOutput<typeof Hold>;

/** Why something was erased. */
export const ErasureReason = v.variant('kind', [
  v.strictObject({
    kind: v.literal('policy'),
    conversationId: v.nullable(ConversationId),
    days: Count,
    setAt: Timestamp,
  }),
  v.strictObject({ kind: v.literal('request'), by: UserId, text: HoldReason }),
  /** An older copy of the data was put back: what had been purged was purged again. */
  v.strictObject({ kind: v.literal('restore') }),
]);
export type ErasureReason = v.InferOutput<typeof ErasureReason>;

export const PurgeCounts = v.strictObject({
  entries: Count,
  bytes: Count,
  dataKeys: Count,
  welcomes: Count,
  archiveItems: Count,
});

export const ErasedRange = v.strictObject({
  conversationId: ConversationId,
  reason: ErasureReason,
  fromSequence: Sequence,
  throughSequence: Sequence,
  fromDay: Day,
  throughDay: Day,
  counts: PurgeCounts,
});
export type ErasedRange = v.InferOutput<typeof ErasedRange>;

/** What was erased otherwise: files of a conversation (ciphertext), entries of the audit log, sessions, accounts. */
export const ErasedOther = v.strictObject({
  class: v.picklist(['files', ...serverWideClasses]),
  conversationId: v.nullable(ConversationId),
  /** Whose account it was. */
  userId: v.optional(UserId),
  reason: ErasureReason,
  count: Count,
  bytes: Count,
  /** Created (a session: last used, an account: closed) before. */
  before: Timestamp,
});
export type ErasedOther = v.InferOutput<typeof ErasedOther>;

/** `account`: it is closed, and what is left of it waits for the rule of accounts. `all`: nothing waits. */
export const ErasureScope = v.picklist(['account', 'all']);
export type ErasureScope = v.InferOutput<typeof ErasureScope>;

/** How it was verified: fingerprints of the erased ciphertext that were looked for in every file of the store. */
export const ErasureProof = v.strictObject({
  fingerprints: Count,
  files: Count,
  bytes: Count,
  found: Count,
  shredded: v.boolean(),
});
export type ErasureProof = v.InferOutput<typeof ErasureProof>;

export const Receipt = v.strictObject({
  receiptId: ReceiptId,
  at: Timestamp,
  ranges: v.array(ErasedRange),
  others: v.array(ErasedOther),
  /** Null when no records of the database were erased (files are overwritten and unlinked). */
  proof: v.nullable(ErasureProof),
});
export type Receipt = v.InferOutput<typeof Receipt>;

/** `statement`: the receipt as JSON, exactly as it was signed; `signature` by the server's key over "lanying erasure receipt 1\\n" and it. */
export const SignedReceipt = v.strictObject({ statement: v.string(), signature: bytes(64, 64) });
export type SignedReceipt = v.InferOutput<typeof SignedReceipt>;

export const receiptPrefix = 'lanying erasure receipt 1\n';
