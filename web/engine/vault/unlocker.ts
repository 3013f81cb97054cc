/**
 * Unlockers: the vault key wrapped for what a person holds (DESIGN "Vault": wrap, never derive). Format, 245 bytes:
 * version 2 · kind 1 · salt 32 · ephemeral X25519 key 32 · nonce 24 · secretbox of (context, user id 16, vault key 32) ·
 * nonce 24 · secretbox of the unlocker's own X25519 key 32.
 *
 * The unlocker's X25519 pair comes from HKDF-SHA256(secret, salt, "lanying unlocker 2" ‖ kind ‖ user id): the secrets have
 * 130 bits and more, so no slow hash. Its public half is sealed under the vault key, so that whoever has the vault open
 * can wrap another vault key for it without the person, and nobody else knows it: a server can put no key of its own in
 * its place, and what it stores cannot be opened by breaking X25519 alone.
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

const version = 2;
/** Order is part of the stored format. */
const kinds = ['passkey', 'recovery-code'] as const;
const label = 'lanying vault key 1';
const saltBytes = 32;
const nonceBytes = nacl.secretbox.nonceLength;
const pointBytes = nacl.box.publicKeyLength;
const ephemeralAt = 2 + saltBytes;
const boxAt = ephemeralAt + pointBytes;
const boxBytes = nonceBytes + nacl.secretbox.overheadLength + label.length + 16 + vaultKeyBytes;
const ownAt = boxAt + boxBytes;
const wrapBytes = ownAt + nonceBytes + nacl.secretbox.overheadLength + pointBytes;

type Random = Pick<Runtime, 'random'>;

interface Place {
  readonly userId: UserId;
  /** Its index in `kinds`. */
  readonly kind: number;
  readonly salt: Uint8Array;
}

const placed = (name: string, { userId, kind }: Place, ...more: readonly Uint8Array[]): Uint8Array =>
  context(name, Uint8Array.of(kind), bytesOfId(userId), ...more);

function pairOf(secret: UnlockSecret, place: Place): nacl.BoxKeyPair {
  const material = secret.kind === 'passkey' ? secret.prf : new TextEncoder().encode(secret.code);
  if (secret.kind === 'passkey' && secret.prf.length !== 32) throw new RangeError('a PRF output has 32 bytes');
  return nacl.box.keyPair.fromSecretKey(deriveKey(material, place.salt, placed('lanying unlocker 2', place)));
}

/** Binds both points, so that another form of one of them opens nothing. */
const boxKey = (place: Place, shared: Uint8Array, ephemeral: Uint8Array, own: Uint8Array): Uint8Array =>
  deriveKey(shared, place.salt, placed('lanying unlocker box 2', place, ephemeral, own));

const ownKeyOf = (vaultKey: Uint8Array, place: Place): Uint8Array =>
  deriveKey(vaultKey, place.salt, placed('lanying unlocker point 2', place));

function sealed(runtime: Random, inside: Uint8Array, key: Uint8Array): readonly number[] {
  const nonce = runtime.random(nonceBytes);
  return [...nonce, ...nacl.secretbox(inside, nonce, key)];
}

const opened = (bytes: Uint8Array, key: Uint8Array): Uint8Array | null =>
  nacl.secretbox.open(bytes.slice(nonceBytes), bytes.slice(0, nonceBytes), key);

function wrapFor(runtime: Random, vaultKey: Uint8Array, place: Place, own: Uint8Array): Uint8Array<ArrayBuffer> {
  if (vaultKey.length !== vaultKeyBytes) throw new RangeError('a vault key has 32 bytes');
  const ephemeral = nacl.box.keyPair.fromSecretKey(runtime.random(pointBytes));
  const shared = nacl.scalarMult(ephemeral.secretKey, own);
  const inside = context(label, bytesOfId(place.userId), vaultKey);
  const box = sealed(runtime, inside, boxKey(place, shared, ephemeral.publicKey, own));
  const point = sealed(runtime, own, ownKeyOf(vaultKey, place));
  return Uint8Array.of(version, place.kind, ...place.salt, ...ephemeral.publicKey, ...box, ...point);
}

function placeOf(userId: UserId, wrapped: Uint8Array): Place | null {
  const kind = wrapped[1] ?? kinds.length;
  if (wrapped.length !== wrapBytes || wrapped[0] !== version || kind >= kinds.length) return null;
  return { userId, kind, salt: wrapped.subarray(2, ephemeralAt) };
}

/** Throws RangeError on a vault key or PRF output that has not 32 bytes. */
export function wrapVaultKey(
  runtime: Random,
  vaultKey: Uint8Array,
  userId: UserId,
  secret: UnlockSecret,
): Uint8Array<ArrayBuffer> {
  const place = { userId, kind: kinds.indexOf(secret.kind), salt: runtime.random(saltBytes) };
  return wrapFor(runtime, vaultKey, place, pairOf(secret, place).publicKey);
}

/** The same unlocker for another vault key, by whoever has the vault open; null for one that this vault key did not make. */
export function rewrapVaultKey(
  runtime: Random,
  keys: { readonly from: Uint8Array; readonly to: Uint8Array },
  userId: UserId,
  wrapped: Uint8Array,
): Uint8Array<ArrayBuffer> | null {
  const place = placeOf(userId, wrapped);
  const own = place === null ? null : opened(wrapped.subarray(ownAt), ownKeyOf(keys.from, place));
  return place === null || own === null ? null : wrapFor(runtime, keys.to, place, own);
}

/** The vault key of one wrap; null when the secret does not fit it or it is no wrap at all. */
export function unwrapVaultKey(
  userId: UserId,
  secret: UnlockSecret,
  wrapped: Uint8Array,
): Uint8Array<ArrayBuffer> | null {
  const place = placeOf(userId, wrapped);
  if (place === null || place.kind !== kinds.indexOf(secret.kind)) return null;
  const pair = pairOf(secret, place);
  const ephemeral = wrapped.subarray(ephemeralAt, boxAt);
  const key = boxKey(place, nacl.scalarMult(pair.secretKey, ephemeral), ephemeral, pair.publicKey);
  const inside = opened(wrapped.subarray(boxAt, ownAt), key);
  const prefix = context(label, bytesOfId(userId));
  if (inside === null || !sameBytes(inside.subarray(0, prefix.length), prefix)) return null;
  const vaultKey = new Uint8Array(inside.subarray(prefix.length));
  const own = opened(wrapped.subarray(ownAt), ownKeyOf(vaultKey, place));
  return own !== null && sameBytes(own, pair.publicKey) ? vaultKey : null;
}

export type Unlocked =
  | { readonly ok: true; readonly vaultKey: Uint8Array<ArrayBuffer>; readonly unlockerId: UnlockerId }
  /** `none`: the vault has no unlocker of this kind; `wrong`: it has, but the secret fits none. */
  | { readonly ok: false; readonly reason: 'none' | 'wrong' };

/** Tries every unlocker of the secret's kind (at most unlockersMax, each some milliseconds). */
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
