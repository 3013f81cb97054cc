/**
 * What was deleted and has to be proven gone: keys, to delete them again, and fingerprints of the sealed records, to
 * look for them in the files. A record's fingerprints are the 16 bytes behind its format byte (nonce and first
 * ciphertext) and its last 16 (tag): where a block border of LevelDB's log cuts one, the other is whole.
 */
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes } from '../bytes.ts';
import type { Access } from './access.ts';
import type { Operation } from './group-writer.ts';
import type { Records } from './table.ts';
import type { ErasedRecords } from './retention-tables.ts';

export const fingerprintBytes = 16;

export interface Found {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const fingerprintsOf = (value: Uint8Array): readonly Uint8Array[] =>
  value.length < 1 + fingerprintBytes
    ? []
    : [value.slice(1, 1 + fingerprintBytes), value.slice(value.length - fingerprintBytes)];

/**
 * Deletes records and remembers them for the proof, in the transaction that the operations go into. Proofs delete again
 * what stands at these places, unless somebody else may stand there by then (`taken again`: a handle).
 */
export function erasing(
  access: Pick<Access, 'tables' | 'runtime'>,
  records: Records,
  found: readonly Found[],
  places: 'never again' | 'taken again' = 'never again',
): readonly Operation[] {
  if (found.length === 0) return [];
  const { tables, runtime } = access;
  const keys = found.map(({ key }) => new Uint8Array(records.fullKey(key)));
  const erased: ErasedRecords = {
    ...(places === 'never again' ? { keys } : { keys: [], reused: keys }),
    fingerprints: joinBytes(...found.flatMap(({ value }) => fingerprintsOf(value))),
  };
  return [...found.map(({ key }) => records.remove(key)), tables.erased.put(runtime.random(16), erased)];
}

/** The records of these keys that are there. */
export async function foundOf(records: Records, keys: readonly Uint8Array[]): Promise<readonly Found[]> {
  const values = await records.getMany(keys);
  return keys.flatMap((key, at) => {
    const value = values[at] ?? null;
    return value === null ? [] : [{ key, value }];
  });
}

/** At most `limit` records of a range. */
export async function foundIn(
  records: Records,
  range: { readonly gte: Uint8Array; readonly lte: Uint8Array },
  limit: number,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  await records.scan({ ...range, limit }, (key, value) => {
    found.push({ key, value });
    return true;
  });
  return found;
}

/** Splits what `erasing` joined. Throws CorruptionError('erased') for another length. */
export function splitFingerprints(joined: Uint8Array): readonly Uint8Array[] {
  if (joined.length % fingerprintBytes !== 0) throw new CorruptionError('erased', 'fingerprints are cut off');
  return Array.from({ length: joined.length / fingerprintBytes }, (_, at) =>
    joined.subarray(at * fingerprintBytes, (at + 1) * fingerprintBytes),
  );
}
