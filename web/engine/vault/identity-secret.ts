/**
 * The sealed vault: the identity secret under the vault key, and the vault keys before it (newest first), under which
 * older things may still be sealed. Format: version 1 · nonce 24 · secretbox of (context, user id 16, seed 32, earlier keys
 * 32 each). The box key is derived from the vault key, so that no other use of that key can open it.
 */
import nacl from 'tweetnacl';
import { bytesOfId, type UserId } from '#protocol/ids.ts';
import { identitySeedBytes } from '../identity/identity.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import type { Runtime } from '../ports.ts';
import { context, vaultKeyBytes } from './context.ts';
import { deriveKey } from './derive-key.ts';

const version = 1;
const label = 'lanying identity secret 1';
const nonceBytes = nacl.secretbox.nonceLength;

export const makeVaultKey = (runtime: Pick<Runtime, 'random'>): Uint8Array<ArrayBuffer> => runtime.random(vaultKeyBytes);

function boxKey(vaultKey: Uint8Array): Uint8Array {
  if (vaultKey.length !== vaultKeyBytes) throw new RangeError('a vault key has 32 bytes');
  return deriveKey(vaultKey, new Uint8Array(32), context('lanying vault identity 1'));
}

/** Earlier vault keys that are kept; the oldest go first. */
export const earlierKeysMax = 32;

/** About 140 bytes and 32 for each earlier key. Throws RangeError when vault key or seed have not 32 bytes. */
export function sealIdentitySeed(
  runtime: Pick<Runtime, 'random'>,
  vaultKey: Uint8Array,
  userId: UserId,
  seed: Uint8Array,
  earlier: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  if (seed.length !== identitySeedBytes) throw new RangeError('an identity seed has 32 bytes');
  const nonce = runtime.random(nonceBytes);
  const inside = context(label, bytesOfId(userId), seed, ...earlier.slice(0, earlierKeysMax));
  return Uint8Array.of(version, ...nonce, ...nacl.secretbox(inside, nonce, boxKey(vaultKey)));
}

export type OpenedIdentity =
  | { readonly ok: true; readonly seed: Uint8Array<ArrayBuffer>; readonly earlier: readonly Uint8Array<ArrayBuffer>[] }
  /** `wrong_key`: other vault key or altered bytes; `wrong_person`: another person's vault under this key. */
  | { readonly ok: false; readonly reason: 'malformed' | 'wrong_key' | 'wrong_person' };

/** Never throws on hostile sealed bytes. The caller compares the public key of the seed with the one pinned for itself. */
export function openIdentitySeed(vaultKey: Uint8Array, userId: UserId, sealed: Uint8Array): OpenedIdentity {
  if (sealed[0] !== version || sealed.length <= 1 + nonceBytes) return { ok: false, reason: 'malformed' };
  const nonce = sealed.slice(1, 1 + nonceBytes);
  const inside = nacl.secretbox.open(sealed.slice(1 + nonceBytes), nonce, boxKey(vaultKey));
  if (inside === null) return { ok: false, reason: 'wrong_key' };
  const prefix = context(label);
  const keysAt = prefix.length + 16 + identitySeedBytes;
  const earlierBytes = inside.length - keysAt;
  if (earlierBytes < 0 || earlierBytes % vaultKeyBytes !== 0 || earlierBytes > earlierKeysMax * vaultKeyBytes || !sameBytes(inside.subarray(0, prefix.length), prefix)) {
    return { ok: false, reason: 'malformed' };
  }
  const owner = inside.subarray(prefix.length, prefix.length + 16);
  if (!sameBytes(owner, bytesOfId(userId))) return { ok: false, reason: 'wrong_person' };
  const earlier = Array.from({ length: earlierBytes / vaultKeyBytes }, (_, at) => inside.slice(keysAt + at * vaultKeyBytes, keysAt + (at + 1) * vaultKeyBytes));
  return { ok: true, seed: new Uint8Array(inside.subarray(prefix.length + 16, keysAt)), earlier: earlier.map((key) => new Uint8Array(key)) };
}
