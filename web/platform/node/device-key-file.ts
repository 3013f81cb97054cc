/**
 * Device keys of Node in a file that only its owner may read (mode 0600): CBOR [1, public key 32, PKCS #8, AES key 32].
 * In memory they are imported as keys that cannot be extracted.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { decodeItem } from '#protocol/codec.ts';
import { bytes } from '#protocol/envelope.ts';
import { LanyingError } from '../../engine/api.ts';
import type { DeviceKeys } from '../../engine/ports.ts';
import { deviceKeysOf, generateDeviceKeys } from '../device-keys.ts';

const Stored = v.strictTuple([v.literal(1), bytes(32, 32), bytes(256, 1), bytes(32, 32)]);

async function readExisting(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

/** Whole or absent, also after a power cut. */
async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function encodeFresh(): Promise<Uint8Array> {
  const { publicKey, signKey, storageKey } = await generateDeviceKeys(true);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', signKey));
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', storageKey));
  return encodeCbor([1, publicKey, pkcs8, raw]);
}

/** Reads the keys, or makes and keeps them. Rejects with `storage.failed` (reason `device_keys`) when the file is damaged. */
export async function loadDeviceKeys(path: string): Promise<DeviceKeys> {
  const kept = await readExisting(path);
  const content = kept ?? (await encodeFresh());
  const parsed = v.safeParse(Stored, decodeItem(new Uint8Array(content))?.item);
  if (!parsed.success) throw new LanyingError('storage.failed', { reason: 'device_keys' });
  if (kept === null) await writeDurably(path, content);
  const [, publicKey, pkcs8, raw] = parsed.output;
  return deviceKeysOf({
    publicKey: new Uint8Array(publicKey),
    signKey: await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), 'Ed25519', false, ['sign']),
    storageKey: await crypto.subtle.importKey('raw', new Uint8Array(raw), 'AES-GCM', false, ['encrypt', 'decrypt']),
  });
}
