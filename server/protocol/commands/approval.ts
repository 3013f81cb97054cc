import * as v from 'valibot';
import { bytes, Timestamp } from '../envelope.ts';
import * as limits from '../limits.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
/** Crockford base32 as it is typed. */
export const ApprovalCode = v.pipe(v.string(), v.regex(/^[0-9A-HJKMNP-TV-Z]{8}$/));
const Part = bytes(limits.approvalPartBytesMax, 1);

/**
 * A rendezvous of two devices of one person ([D7]). The server passes opaque parts on, each once: the new device's
 * commitment, the old one's answer, the new one's opening, the old one's grant (web/engine/vault/approval-check.ts).
 */
export const approvalCommands = {
  'approval.open': row({
    summary: 'Ask to be let in by another device of the same person; an earlier request of this session is over.',
    input: v.strictObject({ commitment: bytes(32, 32) }),
    output: v.strictObject({ code: ApprovalCode, expiresAt: Timestamp }),
    errors: ['approval.too_many'],
    who: 'person',
    resource: 'self',
    audited: { not: 'begins' },
  }),
  'approval.answer': row({
    summary: 'Take up the request with this code, once; nothing of the answer is told before its commitment is known.',
    input: v.strictObject({ code: ApprovalCode }),
    output: v.strictObject({ commitment: bytes(32, 32), expiresAt: Timestamp }),
    errors: ['approval.unknown'],
    who: 'device',
    resource: 'self',
    audited: { not: 'begins' },
  }),
  'approval.pass': row({
    summary: 'Pass the next part on: the answer by whoever took it up, the opening by whoever asked, the grant.',
    input: v.strictObject({ code: ApprovalCode, part: Part }),
    output: Empty,
    errors: ['approval.unknown'],
    who: 'person',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'approval.end': row({
    summary: 'Refuse or give up, by either side.',
    input: v.strictObject({ code: ApprovalCode }),
    output: Empty,
    errors: ['approval.unknown'],
    who: 'person',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'approval.get': row({
    summary: 'How far it is.',
    input: v.strictObject({ code: ApprovalCode }),
    output: v.strictObject({
      answer: v.nullable(Part),
      opening: v.nullable(Part),
      grant: v.nullable(Part),
      ended: v.boolean(),
    }),
    errors: ['approval.unknown'],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
};
