/** An entry of the audit log as the Merkle tree hashes it and the store keeps it: deterministic CBOR, personal fields sealed. */
// Its order of fields is the canonical one, which the bytes that are hashed keep.
import { encode } from 'cborg';
import * as v from 'valibot';
import { type AuditEntry, AuditEntry as Entry, PersonalFields, Subject } from '#protocol/audit.ts';
import { decodeCbor } from '#protocol/cbor.ts';
import { bytes, uint64 } from '#protocol/envelope.ts';
import { auditLeafBytesMax } from '#protocol/limits.ts';
import type { Act } from '../ports/audit-store.ts';
import { CorruptionError } from '../ports/store.ts';
import { joinBytes } from './bytes.ts';

const format = 1;
const Leaf = v.strictObject({
  ...v.omit(Entry, ['personal']).entries,
  format: v.literal(format),
  personal: v.array(v.strictObject({ subject: Subject, sealed: bytes(4096) })),
});
type Leaf = v.InferOutput<typeof Leaf>;

/** What seals under the key of one subject; null when that key was shredded. */
export interface PersonalCipher {
  seal(place: Uint8Array, plain: Uint8Array): Uint8Array<ArrayBuffer>;
  open(place: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer>;
}
export type CipherOf = (subject: string) => PersonalCipher | null;

const nothing = new Uint8Array(0);
/** So that a sealed field opens only in its own entry. */
const placeOf = (index: number, at: number): Uint8Array => joinBytes(uint64(index), Uint8Array.of(at));

/** Throws RangeError for an act beyond the bounds of the protocol: nothing is stored then. */
export function encodeLeaf(index: number, act: Act, cipherOf: CipherOf): Uint8Array<ArrayBuffer> {
  const personal = act.personal.map(({ subject, fields }, at) => ({
    subject,
    sealed: cipherOf(subject)?.seal(placeOf(index, at), encode(fields)) ?? nothing,
  }));
  const leaf: Leaf = { ...act, format, index, personal };
  if (!v.is(Leaf, leaf)) throw new RangeError(`an entry of ${act.act} has a shape that the audit log does not keep`);
  const encoded = new Uint8Array(encode(leaf));
  if (encoded.length > auditLeafBytesMax) throw new RangeError('an audit entry is too long');
  return encoded;
}

/** Throws CorruptionError('audit') for anything that encodeLeaf does not write, and for an entry of another index. */
export function decodeLeaf(index: number, leaf: Uint8Array): Leaf {
  let item: unknown;
  try {
    item = decodeCbor(leaf);
  } catch {
    throw new CorruptionError('audit', 'an entry does not decode');
  }
  const parsed = v.safeParse(Leaf, item);
  if (!parsed.success) throw new CorruptionError('audit', 'an entry has another shape than this version writes');
  if (parsed.output.index !== index) throw new CorruptionError('audit', 'an entry is not at its place');
  return parsed.output;
}

/** What an entry says about trimming. */
export const trimsOf = ({ act, after }: Leaf): { readonly trims?: number } =>
  act === 'audit.trimmed' && typeof after?.['floor'] === 'number' ? { trims: after['floor'] } : {};

export function entryOf(leaf: Leaf, cipherOf: CipherOf): AuditEntry {
  const { format: _format, personal, ...rest } = leaf;
  return {
    ...rest,
    personal: personal.map(({ subject, sealed }, at) => ({
      subject,
      fields: fieldsOf(cipherOf(subject), placeOf(leaf.index, at), sealed),
    })),
  };
}

function fieldsOf(cipher: PersonalCipher | null, place: Uint8Array, sealed: Uint8Array): PersonalFields | null {
  if (cipher === null || sealed.length === 0) return null;
  const parsed = v.safeParse(PersonalFields, decodeCbor(cipher.open(place, sealed)));
  if (!parsed.success)
    throw new CorruptionError('audit', 'personal fields have another shape than this version writes');
  return parsed.output;
}
