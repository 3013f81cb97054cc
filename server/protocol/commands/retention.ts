import * as v from 'valibot';
import { bytes, Timestamp } from '../envelope.ts';
import { ConversationId } from '../ids.ts';
import * as limits from '../limits.ts';
import {
  Hold,
  HoldId,
  HoldReason,
  Receipt,
  ReceiptId,
  RetentionClass,
  RetentionDays,
  RetentionPolicy,
  SignedReceipt,
} from '../retention.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const HoldAnswer = v.strictObject({ hold: Hold });

export const retentionCommands = {
  'retention.get': row({
    summary: 'Rules of retention, legal holds, and the key that signs floors and receipts.',
    input: Empty,
    output: v.strictObject({ policies: v.array(RetentionPolicy), holds: v.array(Hold), serverKey: bytes(32, 32) }),
    errors: [],
    who: 'person',
    resource: 'system',
  }),
  'retention.set': row({
    summary: 'Set for how many days messages or files are kept, everywhere or in one conversation; null keeps them.',
    input: v.strictObject({ class: RetentionClass, conversationId: v.nullable(ConversationId), days: RetentionDays }),
    output: v.strictObject({ policy: RetentionPolicy }),
    errors: ['conversation.unknown', 'retention.too_many'],
    who: 'person',
    resource: 'system',
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
      more: v.boolean(),
    }),
    errors: [],
    who: 'person',
    resource: 'system',
  }),
  'retention.run': row({
    summary: 'Erase now what the rules say and no hold keeps; answers with the last receipt when all is verified. Null: there was nothing.',
    input: Empty,
    output: v.strictObject({ receipt: v.nullable(Receipt) }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: ['purge.run'],
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
  }),
  'retention.key': row({
    summary: "The server's Ed25519 key, by which floors of purged logs are signed; clients pin it.",
    input: Empty,
    output: v.strictObject({ publicKey: bytes(32, 32) }),
    errors: [],
    who: 'person',
    resource: 'self',
  }),
  'hold.place': row({
    summary:
      'Propose a legal hold: erasure is suspended at once, and goes on unless somebody else confirms the hold in time.',
    input: v.strictObject({ conversationId: v.nullable(ConversationId), reason: HoldReason, until: Timestamp }),
    output: HoldAnswer,
    errors: ['hold.too_many'],
    who: 'person',
    resource: 'system',
    audited: ['hold.requested'],
  }),
  'hold.confirm': row({
    summary: 'Confirm a hold, or its release, that somebody else asked for.',
    input: v.strictObject({ holdId: HoldId }),
    output: HoldAnswer,
    errors: ['hold.unknown', 'hold.second_person'],
    who: 'person',
    resource: 'system',
    audited: ['hold.placed', 'hold.lifted'],
  }),
  'hold.release': row({
    summary: 'Ask for the release of a hold, which somebody else confirms; or withdraw one that nobody confirmed.',
    input: v.strictObject({ holdId: HoldId }),
    output: HoldAnswer,
    errors: ['hold.unknown'],
    who: 'person',
    resource: 'system',
    audited: ['hold.requested', 'hold.lifted'],
  }),
};
