/**
 * The file of the key-encryption key, `keys/kek`: 8192 bytes, allocated whole from the beginning, so that a later key is
 * written over an earlier one in place. Two slots of 4096 bytes; each: generation uint64 · length uint32 · sealed key.
 * A new key goes into the other slot and is synced before the old slot is overwritten, so a power cut leaves one whole.
 * The slot that opens with the highest generation counts.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64, uint32 } from '../bytes.ts';
import { readIfThere, writeWhole } from '../durable-files.ts';
import { uint64 } from '#protocol/envelope.ts';
import { type RecordCipher, sealingBytes } from './record-cipher.ts';

const slotBytes = 4096;
const slots = 2;
const kekBytes = 32;
const sealedBytes = kekBytes + sealingBytes;
const headerBytes = 12;

export interface Kek {
  readonly generation: number;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** `previous`: a change of keys was begun and not ended; what is not wrapped anew yet opens under it. */
export interface Keks {
  readonly current: Kek;
  readonly previous: Kek | null;
}

interface Placed extends Kek {
  readonly place: number;
}

/** Its key-encryption keys, 32 bytes each. Throws CorruptionError('keys') when the file is missing and must not be made, or no slot opens. */
export async function openKek(
  folder: string,
  cipher: RecordCipher,
  mayCreate: boolean,
  random: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<Keks> {
  const path = pathOf(folder);
  const file = await readIfThere(path);
  if (file !== null) {
    const [current, previous = null] = newestFirst(file, cipher);
    return { current, previous };
  }
  if (!mayCreate) throw new CorruptionError('keys', 'the file of the key-encryption key is missing');
  const key = random(kekBytes);
  await writeWhole(path, joinBytes(slot(1, key, cipher), random(slotBytes)));
  return { current: { generation: 1, key }, previous: null };
}

/** Writes a new key into the free slot and syncs it; both open until `endKekChange`. Nothing new when a change is under way. */
export async function beginKekChange(
  folder: string,
  cipher: RecordCipher,
  random: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<Keks> {
  const [current, previous = null] = newestFirst(await readFile(pathOf(folder)), cipher);
  if (previous !== null) return { current, previous };
  const next = { generation: current.generation + 1, key: random(kekBytes) };
  await overwrite(folder, 1 - current.place, slot(next.generation, next.key, cipher));
  return { current: next, previous: current };
}

/** Overwrites the older key in place and syncs. Only when nothing is wrapped under it any more. */
export async function endKekChange(
  folder: string,
  cipher: RecordCipher,
  random: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<void> {
  const [, previous] = newestFirst(await readFile(pathOf(folder)), cipher);
  if (previous !== undefined) await overwrite(folder, previous.place, random(slotBytes));
}

const pathOf = (folder: string): string => join(folder, 'keys', 'kek');

async function overwrite(folder: string, place: number, bytes: Uint8Array): Promise<void> {
  const file: FileHandle = await open(pathOf(folder), 'r+');
  try {
    for (let at = 0; at < bytes.length;) {
      at += (await file.write(bytes, at, bytes.length - at, place * slotBytes + at)).bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

function slot(generation: number, kek: Uint8Array, cipher: RecordCipher): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(slotBytes);
  bytes.set(joinBytes(uint64(generation), uint32(sealedBytes), cipher.seal(uint64(generation), kek)));
  return bytes;
}

function newestFirst(file: Uint8Array, cipher: RecordCipher): readonly [Placed, ...Placed[]] {
  const found: Placed[] = [];
  for (let place = 0; place < slots; place += 1) {
    const bytes = file.subarray(place * slotBytes, (place + 1) * slotBytes);
    const generation = readUint64(bytes, 0);
    if (generation === null) continue;
    try {
      const key = cipher.open(uint64(generation), bytes.subarray(headerBytes, headerBytes + sealedBytes));
      found.push({ generation, key, place });
    } catch (cause) {
      // A slot that was never used, was overwritten or was torn by a power cut; the other one counts then.
      if (!(cause instanceof CorruptionError)) throw cause;
    }
  }
  const [first, ...rest] = found.toSorted((one, other) => other.generation - one.generation);
  if (first === undefined)
    throw new CorruptionError('keys', 'the key-encryption key does not open: another master key, or a damaged file');
  return [first, ...rest];
}
