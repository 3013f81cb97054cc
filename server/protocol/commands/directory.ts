import * as v from 'valibot';
import { directoryLeafBytes } from '../directory.ts';
import { bytes, Hash, Sequence } from '../envelope.ts';
import * as limits from '../limits.ts';
import { row } from './row.ts';

/** One for each level of the tree. */
const path = v.pipe(v.array(Hash), v.maxLength(128));

export const directoryCommands = {
  'directory.head': row({
    summary:
      'The signed tree head of the key directory (C2SP checkpoint), the key that verifies it, and the consistency proof (RFC 9162 §2.1.4) from the tree of `since` leaves.',
    input: v.strictObject({ since: v.optional(Sequence) }),
    output: v.strictObject({ checkpoint: v.string(), verifierKey: v.string(), consistency: path }),
    errors: ['directory.ahead'],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'directory.leaves': row({
    summary:
      'Leaves of the key directory from index `from` on, of 66 bytes each, one after the other; `more`: there are others behind.',
    input: v.strictObject({
      from: Sequence,
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.directoryLeavesPageMax))),
    }),
    output: v.strictObject({ leaves: bytes(limits.directoryLeavesPageMax * directoryLeafBytes), more: v.boolean() }),
    errors: [],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'directory.proof': row({
    summary:
      'Where leaves of the key directory are, by their leaf hashes, with inclusion proofs (RFC 9162 §2.1.3) in the tree of `size` leaves; null for one that is not in it.',
    input: v.strictObject({
      size: Sequence,
      leaves: v.pipe(v.array(Hash), v.minLength(1), v.maxLength(limits.directoryProofsMax)),
    }),
    output: v.strictObject({ proofs: v.array(v.nullable(v.strictObject({ index: Sequence, inclusion: path }))) }),
    errors: ['directory.ahead'],
    who: 'person',
    resource: 'system',
    audited: { not: 'reads' },
  }),
};
