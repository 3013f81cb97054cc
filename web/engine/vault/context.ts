/** Byte strings that bind a sealed thing to its place. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

const text = new TextEncoder();

/** A constant label and the fields behind it, each of fixed length or the last one: no two lists give the same bytes. */
export function context(label: string, ...fields: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([text.encode(label), ...fields].flatMap((part) => [...part]));
}

/** HKDF-SHA256 (RFC 5869), 32 bytes; for the rare, small and synchronous. */
export const deriveKey = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array => hkdf(sha256, secret, salt, info, 32);
