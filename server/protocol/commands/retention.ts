import * as v from 'valibot';
import { bytes, Timestamp } from '../envelope.ts';
import { CeremonyId, ConversationId, UserId } from '../ids.ts';
import * as limits from '../limits.ts';
import { Handle } from '../model.ts';
import {
  ErasureScope,
  Hold,
  HoldId,
  HoldReason,
  NoticedRule,
  Receipt,
  ReceiptId,
  RetentionClass,
  RetentionDays,
  RetentionPolicy,
  serverWideClasses,
  SignedReceipt,
} from '../retention.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Asked = v.strictObject({ requestId: CeremonyId, confirmBy: Timestamp });
const Confirmed = v.strictObject({ requestId: CeremonyId, handle: Handle });
const erased = ['account.closed', 'account.erased', 'person.shredded', 'audit.trimmed', 'purge.run'] as const;
const HoldAnswer = v.strictObject({ hold: Hold });

export const retentionCommands = {
  'retention.get': row({
    summary:
      'Rules of retention, legal holds, the key that signs floors and receipts, and whether the clock keeps runs waiting.',
    input: Empty,
    output: v.strictObject({
      policies: v.array(RetentionPolicy),
      holds: v.array(Hold),
      serverKey: bytes(32, 32),
      /** How far the clock is ahead of the latest time that is known, where that keeps what runs by itself from erasing ([T3]). */
      clockAheadMs: v.nullable(Count),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'retention.rules': row({
    summary: 'For how many days what is kept everywhere, for everybody to see.',
    input: Empty,
    output: v.strictObject({ rules: v.array(NoticedRule) }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'retention.set': row({
    summary:
      'Set for how many days a class of data is kept, everywhere or (messages, files) in one conversation; null keeps it.',
    input: v.strictObject({ class: RetentionClass, conversationId: v.nullable(ConversationId), days: RetentionDays }),
    output: v.strictObject({ policy: RetentionPolicy }),
    errors: ['conversation.unknown', 'retention.too_many'],
    who: 'person',
    resource: 'system',
    stepUp: true,
    audited: ['policy.changed'],
  }),
  'retention.preview': row({
    summary: 'What a run would erase now, and what a legal hold keeps of it.',
    input: Empty,
    output: v.strictObject({
      items: v.array(
        v.strictObject({
          conversationId: ConversationId,
          fromSequence: Count,
          throughSequence: Count,
          fromDay: Count,
          throughDay: Count,
          /** Of the rule in force. */
          days: Count,
          /** Null: it goes. */
          heldBy: v.nullable(HoldId),
        }),
      ),
      /** Files of conversations, and the classes that have one rule for everywhere. */
      others: v.array(
        v.strictObject({
          class: v.picklist(['files', ...serverWideClasses]),
          conversationId: v.nullable(ConversationId),
          count: Count,
          /** Created (a session: last used, an account: closed) before. */
          before: Timestamp,
          days: Count,
          heldBy: v.nullable(HoldId),
        }),
      ),
      more: v.boolean(),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'retention.run': row({
    summary:
      'Erase now what the rules say and no hold keeps; answers with the last receipt when all is verified. Null: there was nothing.',
    input: Empty,
    output: v.strictObject({ receipt: v.nullable(Receipt) }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: ['purge.run', 'audit.trimmed', 'account.erased', 'person.shredded'],
  }),
  'retention.receipts': row({
    summary: 'Signed receipts of erasures, newest first, behind `before`.',
    input: v.strictObject({
      before: v.optional(ReceiptId),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.receiptsPageMax))),
    }),
    output: v.strictObject({
      receipts: v.array(v.strictObject({ ...SignedReceipt.entries, receiptId: ReceiptId, at: Timestamp })),
      more: v.boolean(),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'retention.key': row({
    summary: "The server's Ed25519 key, by which floors of purged logs are signed; clients pin it.",
    input: Empty,
    output: v.strictObject({ publicKey: bytes(32, 32) }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'hold.place': row({
    summary:
      'Propose a legal hold: erasure is suspended at once, and goes on unless somebody else confirms the hold in time.',
    input: v.strictObject({ conversationId: v.nullable(ConversationId), reason: HoldReason, until: Timestamp }),
    output: HoldAnswer,
    errors: ['hold.too_many'],
    who: 'person',
    resource: 'system',
    stepUp: true,
    audited: ['hold.requested'],
  }),
  'hold.confirm': row({
    summary: 'Confirm a hold, or its release, that somebody else asked for.',
    input: v.strictObject({ holdId: HoldId }),
    output: HoldAnswer,
    errors: ['hold.unknown', 'hold.second_person'],
    who: 'person',
    resource: 'system',
    stepUp: true,
    audited: ['hold.placed', 'hold.lifted'],
  }),
  'hold.release': row({
    summary: 'Ask for the release of a hold, which somebody else confirms; or withdraw one that nobody confirmed.',
    input: v.strictObject({ holdId: HoldId }),
    output: HoldAnswer,
    errors: ['hold.unknown'],
    who: 'person',
    resource: 'system',
    stepUp: true,
    audited: ['hold.requested', 'hold.lifted'],
  }),
  'erasure.request': row({
    summary:
      'Ask for an account to be closed (`account`: what is left of it waits for the rule of accounts) or erased (`all`). Nothing changes before it is confirmed.',
    input: v.strictObject({ userId: UserId, text: HoldReason, scope: ErasureScope }),
    output: Asked,
    errors: ['person.unknown', 'erasure.owner', 'erasure.held'],
    who: 'person',
    resource: 'system',
    stepUp: true,
    audited: ['erasure.requested'],
  }),
  'erasure.confirm': row({
    summary:
      'Confirm it with the handle of the account: it is gone, and what had to go is proven gone, with the answer.',
    input: Confirmed,
    output: v.strictObject({ receipt: v.nullable(Receipt) }),
    errors: ['person.unknown', 'erasure.owner', 'erasure.held', 'erasure.expired'],
    who: 'person',
    resource: 'system',
    audited: erased,
  }),
  'account.requestErasure': row({
    summary:
      "Ask for one's own account and all that is left of it to be erased. Nothing changes before it is confirmed.",
    input: v.strictObject({ text: HoldReason }),
    output: Asked,
    errors: ['erasure.owner', 'erasure.held'],
    who: 'person',
    resource: 'self',
    stepUp: true,
    audited: ['erasure.requested'],
  }),
  'account.confirmErasure': row({
    summary: "Confirm it with one's own handle. With the answer the account is gone and the session has ended.",
    input: Confirmed,
    output: v.strictObject({ receipt: v.nullable(Receipt) }),
    errors: ['erasure.owner', 'erasure.held', 'erasure.expired'],
    who: 'person',
    resource: 'self',
    httpOnly: true,
    audited: erased,
  }),
};
