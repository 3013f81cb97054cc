/**
 * A witness beside the store, `store-witness` in the data folder: how many batches the store had written at least, and
 * whether it was closed in order. Written when the store opens and closes and about once a minute between. A store that
 * shows fewer batches than its witness has lost some: a log was cut, or older files were put back.
 * Sealed, and replaced whole. A made store always has it, and without it is not opened.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '#protocol/cbor.ts';
import { CorruptionError } from '../../ports/store.ts';
import { readIfThere, writeWhole } from '../durable-files.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { aloneKey } from './access.ts';

const Testimony = v.strictObject({ commits: v.pipe(v.number(), v.safeInteger()), clean: v.boolean() });
export type Testimony = v.InferOutput<typeof Testimony>;

export const witnessPath = (folder: string): string => join(folder, 'store-witness');

/** Null when there is none. Throws CorruptionError('witness') when it does not open. */
export async function readWitness(folder: string, keys: KeyRing): Promise<Testimony | null> {
  const sealed = await readIfThere(witnessPath(folder));
  return sealed === null ? null : v.parse(Testimony, decodeCbor(keys.system('witness').open(aloneKey, sealed)));
}

export async function writeWitness(folder: string, keys: KeyRing, testimony: Testimony): Promise<void> {
  await writeWhole(witnessPath(folder), keys.system('witness').seal(aloneKey, encodeCbor(testimony)));
}

/** Throws CorruptionError('ledger') when the store has fewer batches than it had. */
export function compareWitness(testimony: Testimony | null, commits: number): void {
  if (testimony === null || commits >= testimony.commits) return;
  throw new CorruptionError(
    'ledger',
    `the store went back: it had ${testimony.commits} batches and has ${commits}; a log was cut, or older files were put back`,
  );
}
