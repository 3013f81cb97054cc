/**
 * Unlockers: the vault key wrapped for what a person holds (DESIGN "Vault": wrap, never derive). Format, 138 bytes:
 * version 1 · kind 1 · salt 32 · nonce 24 · secretbox of (context, user id 16, vault key 32). The wrapping key is
 * HKDF-SHA256(secret, salt, "lanying unlocker 1" ‖ kind ‖ user id): the secrets have 130 bits and more, so no slow hash.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import nacl from 'tweetnacl';
import { bytesOfId, type UnlockerId, type UserId } from '#protocol/ids.ts';
import type { Unlocker } from '#protocol/model.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import type { Runtime } from '../ports.ts';
import { context, vaultKeyBytes } from './context.ts';
import { deriveKey } from './derive-key.ts';
import type { RecoveryCode } from './recovery-code.ts';

/** What the PRF extension evaluates (WebAuthn Level 3 §10.1.4), 32 bytes, the same for everybody: the credential is the secret. */
export const prfSalt = new Uint8Array(sha256(new TextEncoder().encode('lanying vault prf 1')));

export type UnlockSecret =
  /** 32 bytes from the PRF extension; they never leave the device. */
  | { readonly kind: 'passkey'; readonly prf: Uint8Array }
  | { readonly kind: 'recovery-code'; readonly code: RecoveryCode };

const version = 1;
/** Order is part of the stored format. */
const kinds = ['passkey', 'recovery-code'] as const;
const label = 'lanying vault key 1';
const saltBytes = 32;
const nonceBytes = nacl.secretbox.nonceLength;
const headBytes = 2 + saltBytes + nonceBytes;

function wrappingKey(secret: UnlockSecret, userId: UserId, salt: Uint8Array): Uint8Array {
  const material = secret.kind === 'passkey' ? secret.prf : new TextEncoder().encode(secret.code);
  if (secret.kind === 'passkey' && secret.prf.length !== 32) throw new RangeError('a PRF output has 32 bytes');
  return deriveKey(material, salt, context('lanying unlocker 1', Uint8Array.of(kinds.indexOf(secret.kind)), bytesOfId(userId)));
}

/** Throws RangeError on a vault key or PRF output that has not 32 bytes. */
export function wrapVaultKey(
  runtime: Pick<Runtime, 'random'>,
  vaultKey: Uint8Array,
  userId: UserId,
  secret: UnlockSecret,
): Uint8Array<ArrayBuffer> {
  if (vaultKey.length !== vaultKeyBytes) throw new RangeError('a vault key has 32 bytes');
  const salt = runtime.random(saltBytes);
  const nonce = runtime.random(nonceBytes);
  const inside = context(label, bytesOfId(userId), vaultKey);
  const box = nacl.secretbox(inside, nonce, wrappingKey(secret, userId, salt));
  return Uint8Array.of(version, kinds.indexOf(secret.kind), ...salt, ...nonce, ...box);
}

/** The vault key of one wrap; null when the secret does not fit it or it is no wrap at all. */
export function unwrapVaultKey(userId: UserId, secret: UnlockSecret, wrapped: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const prefix = context(label, bytesOfId(userId));
  const length = headBytes + nacl.secretbox.overheadLength + prefix.length + vaultKeyBytes;
  if (wrapped.length !== length || wrapped[0] !== version || wrapped[1] !== kinds.indexOf(secret.kind)) return null;
  const key = wrappingKey(secret, userId, wrapped.subarray(2, 2 + saltBytes));
  const nonce = wrapped.slice(2 + saltBytes, headBytes);
  const inside = nacl.secretbox.open(wrapped.slice(headBytes), nonce, key);
  if (inside === null || !sameBytes(inside.subarray(0, prefix.length), prefix)) return null;
  return new Uint8Array(inside.subarray(prefix.length));
}

export type Unlocked =
  | { readonly ok: true; readonly vaultKey: Uint8Array<ArrayBuffer>; readonly unlockerId: UnlockerId }
  /** `none`: the vault has no unlocker of this kind; `wrong`: it has, but the secret fits none. */
  | { readonly ok: false; readonly reason: 'none' | 'wrong' };

/** Tries every unlocker of the secret's kind (at most unlockersMax, each well below a millisecond). */
export function unlockVault(
  userId: UserId,
  unlockers: readonly Pick<Unlocker, 'unlockerId' | 'kind' | 'wrapped'>[],
  secret: UnlockSecret,
): Unlocked {
  const candidates = unlockers.filter((unlocker) => unlocker.kind === secret.kind);
  for (const { unlockerId, wrapped } of candidates) {
    const vaultKey = unwrapVaultKey(userId, secret, wrapped);
    if (vaultKey !== null) return { ok: true, vaultKey, unlockerId };
  }
  return { ok: false, reason: candidates.length === 0 ? 'none' : 'wrong' };
}
