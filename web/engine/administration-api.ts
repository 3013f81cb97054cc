/** What administrators do, and everybody about their own data, as screens see it. Plain data, as all that crosses from the engine. */
import type { ActName, AuditEntry } from '#protocol/audit.ts';
import type { Output } from '#protocol/commands/index.ts';
import type { CeremonyId, ConversationId, UserId } from '#protocol/ids.ts';
import type {
  ErasureScope,
  Hold,
  HoldId,
  NoticedRule,
  Receipt,
  ReceiptId,
  RetentionClass,
  RetentionPolicy,
} from '#protocol/retention.ts';

/** Why a head is not believed: the log is shorter than it was, was written anew, has another key, or what came is no signed head. */
export type AuditFault = 'cut' | 'forked' | 'key_changed' | 'unsigned';
/** What this administrator's device knows of the audit log; `size` entries are proven, at `at` for the last time. */
export interface AuditView {
  readonly size: number;
  /** Null when it was never reached. */
  readonly at: number | null;
  /** The server showed something that does not continue those entries. For good: no later head is believed. */
  readonly fault: AuditFault | null;
}

/** All of them must fit; `from` inclusive, `to` exclusive, in milliseconds. */
export interface AuditFilter {
  readonly act?: ActName;
  readonly actor?: UserId;
  readonly from?: number;
  readonly to?: number;
}
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where to go on; null at the end. A page may be empty before the end. */
  readonly next: number | null;
}
export interface RetentionView {
  readonly policies: readonly RetentionPolicy[];
  readonly holds: readonly Hold[];
  /** How far the server's clock jumped ahead, where that keeps scheduled erasing waiting; else null. */
  readonly clockAheadMs: number | null;
}
export type RetentionPreview = Output<'retention.preview'>;
export interface ReceiptView {
  readonly receiptId: ReceiptId;
  readonly at: number;
  /** Null when what was signed cannot be read. */
  readonly receipt: Receipt | null;
  /** The signature holds under the server's key that this device pinned, and it signs this receipt. */
  readonly verified: boolean;
  readonly statement: string;
  readonly signature: Uint8Array;
}
export interface ErasureAsked {
  readonly requestId: CeremonyId;
  readonly confirmBy: number;
}

export interface AdministrationApi {
  /** Newest first, below index `before`. */
  auditPage(filter: AuditFilter, before: number | null): Promise<AuditPage>;
  /** Oldest first, from index `after`; the first page is itself recorded ([U8]). */
  auditLines(format: 'jsonl' | 'csv', filter: AuditFilter, after: number): Promise<{ readonly text: string; readonly next: number | null }>;
  /** Holds the log against the last head that this device kept. Rejects with audit.contradicted, for good, once it did not fit. */
  checkAudit(): Promise<AuditView>;
  retention(): Promise<RetentionView>;
  setRetention(ofClass: RetentionClass, conversationId: ConversationId | null, days: number | null): Promise<void>;
  previewRetention(): Promise<RetentionPreview>;
  /** Null: nothing was due. */
  runRetention(): Promise<Receipt | null>;
  receipts(before: ReceiptId | null): Promise<{ readonly receipts: readonly ReceiptView[]; readonly more: boolean }>;
  placeHold(conversationId: ConversationId | null, reason: string, until: number): Promise<void>;
  confirmHold(holdId: HoldId): Promise<void>;
  releaseHold(holdId: HoldId): Promise<void>;
  requestErasure(userId: UserId, text: string, scope: ErasureScope): Promise<ErasureAsked>;
  confirmErasure(requestId: CeremonyId, handle: string): Promise<void>;
  /** For how long what is kept everywhere; for everybody. */
  retentionRules(): Promise<readonly NoticedRule[]>;
  requestOwnErasure(text: string): Promise<ErasureAsked>;
  /** The account is gone with the answer, and what this device kept of it too. */
  confirmOwnErasure(requestId: CeremonyId, handle: string): Promise<void>;
}
export type AdministrationMethod = keyof AdministrationApi;
