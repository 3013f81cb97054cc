import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** HKDF-SHA256 (RFC 5869), 32 bytes; for the rare, small and synchronous. */
export const deriveKey = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array => hkdf(sha256, secret, salt, info, 32);
