/**
 * The file of the key-encryption key, `keys/kek`: 8192 bytes, allocated whole from the beginning, so that a later key is
 * written over an earlier one in place. Two slots of 4096 bytes; each: generation uint64 · length uint32 · sealed key.
 * A new key goes into the other slot and is synced before the old slot is overwritten, so a power cut leaves one whole.
 * The slot that opens with the highest generation counts.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64, uint32 } from '../bytes.ts';
import { uint64 } from '#protocol/envelope.ts';
import { type RecordCipher, sealingBytes } from './record-cipher.ts';

const slotBytes = 4096;
const slots = 2;
const kekBytes = 32;
const sealedBytes = kekBytes + sealingBytes;
const headerBytes = 12;

/** Its key-encryption key, 32 bytes. Throws CorruptionError('keys') when the file is missing and must not be made, or no slot opens. */
export async function openKek(
  folder: string,
  cipher: RecordCipher,
  mayCreate: boolean,
  random: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(folder, 'keys', 'kek');
  const file = await readIfThere(path);
  if (file !== null) return newestKey(file, cipher);
  if (!mayCreate) throw new CorruptionError('keys', 'the file of the key-encryption key is missing');
  const kek = random(kekBytes);
  await writeWhole(path, joinBytes(slot(1, kek, cipher), random(slotBytes)));
  return kek;
}

function slot(generation: number, kek: Uint8Array, cipher: RecordCipher): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(slotBytes);
  bytes.set(joinBytes(uint64(generation), uint32(sealedBytes), cipher.seal(uint64(generation), kek)));
  return bytes;
}

function newestKey(file: Uint8Array, cipher: RecordCipher): Uint8Array<ArrayBuffer> {
  let newest: { readonly generation: number; readonly kek: Uint8Array<ArrayBuffer> } | null = null;
  for (let place = 0; place < slots; place += 1) {
    const bytes = file.subarray(place * slotBytes, (place + 1) * slotBytes);
    const generation = readUint64(bytes, 0);
    if (generation === null || (newest !== null && newest.generation >= generation)) continue;
    try {
      newest = {
        generation,
        kek: cipher.open(uint64(generation), bytes.subarray(headerBytes, headerBytes + sealedBytes)),
      };
    } catch (cause) {
      // A slot that was never used, was overwritten or was torn by a power cut; the other one counts then.
      if (!(cause instanceof CorruptionError)) throw cause;
    }
  }
  if (newest === null)
    throw new CorruptionError('keys', 'the key-encryption key does not open: another master key, or a damaged file');
  return newest.kek;
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

/** Readable by the owner alone; there whole or not at all after a power cut. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = await open(`${path}.new`, 'w', 0o600);
  try {
    await draft.writeFile(bytes);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
  const parent = await open(dirname(path), 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
