import * as v from 'valibot';
import { ActName, AuditEntry, AuditIndex } from '../audit.ts';
import { bytes, Hash, Timestamp } from '../envelope.ts';
import { UserId } from '../ids.ts';
import * as limits from '../limits.ts';
import { row } from './row.ts';

/** All of them must fit; `from` inclusive, `to` exclusive, by the entries' times. */
const filter = {
  actor: v.optional(UserId),
  act: v.optional(ActName),
  /** Id of what it was done to. */
  object: v.optional(v.pipe(v.string(), v.maxLength(64))),
  from: v.optional(Timestamp),
  to: v.optional(Timestamp),
};
/** One for each level of the tree. */
const path = v.pipe(v.array(Hash), v.maxLength(128));

export const auditCommands = {
  'audit.list': row({
    summary: 'Entries of the audit log, newest first, below index `before`; `next` says where to go on, even when a page is empty.',
    input: v.strictObject({
      ...filter,
      before: v.optional(AuditIndex),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.auditPageMax))),
    }),
    output: v.strictObject({ entries: v.array(AuditEntry), next: v.nullable(AuditIndex) }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'audit.head': row({
    summary: 'The signed tree head (C2SP checkpoint), the key that verifies it, and the consistency proof (RFC 9162 §2.1.4) from the tree of `since` entries.',
    input: v.strictObject({ since: v.optional(AuditIndex) }),
    output: v.strictObject({ checkpoint: v.string(), verifierKey: v.string(), consistency: path }),
    errors: ['audit.ahead'],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'audit.proof': row({
    summary: 'One entry as the tree hashes it (CBOR), and its inclusion proof (RFC 9162 §2.1.3) in the tree of `size` entries.',
    input: v.strictObject({ index: AuditIndex, size: AuditIndex }),
    output: v.strictObject({ leaf: bytes(limits.auditLeafBytesMax), inclusion: path }),
    errors: ['audit.unknown', 'audit.ahead'],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'audit.export': row({
    summary: 'Lines of the audit log, oldest first, a page at a time from index `after`: JSON Lines, or CSV with formulas neutralised.',
    input: v.strictObject({ ...filter, format: v.picklist(['jsonl', 'csv']), after: v.optional(AuditIndex) }),
    output: v.strictObject({ text: v.string(), next: v.nullable(AuditIndex) }),
    errors: [],
    who: 'person',
    resource: 'system',
    httpOnly: true,
    audited: ['audit.exported'],
  }),
};
