/**
 * What two devices of one person compare before one lets the other in. The new device commits to its key and a random
 * value, the old one answers with its own, the new one opens the commitment: whoever stands between them has to choose
 * all that goes into the check before anything of it is known, and one try succeeds 1 time in 2^36. The vault key then
 * crosses in a tweetnacl box between these keys.
 *
 * Commitment: SHA-256("lanying approval commitment 1" ‖ user id 16 ‖ opening). Opening and answer: X25519 key 32 ·
 * random 32. Check: the first 36 bits of SHA-256("lanying approval check 1" ‖ user id ‖ commitment ‖ opening ‖ answer), as
 * six numbers of 0 to 63. Grant: nonce 24 · box of ("lanying approval grant 1" ‖ vault key 32).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import nacl from 'tweetnacl';
import { bytesOfId, type UserId } from '#protocol/ids.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import type { Runtime } from '../ports.ts';
import { context, vaultKeyBytes } from './context.ts';

const keyBytes = nacl.box.publicKeyLength;
const randomBytes = 32;
export const approvalSideBytes = keyBytes + randomBytes;
const nonceBytes = nacl.box.nonceLength;
const label = context('lanying approval grant 1');

export interface Side {
  readonly secret: Uint8Array;
  /** Opening or answer: what the other one gets. */
  readonly told: Uint8Array<ArrayBuffer>;
}

export function makeSide(runtime: Pick<Runtime, 'random'>): Side {
  const pair = nacl.box.keyPair.fromSecretKey(runtime.random(keyBytes));
  return { secret: pair.secretKey, told: Uint8Array.of(...pair.publicKey, ...runtime.random(randomBytes)) };
}

export const commitmentOf = (userId: UserId, opening: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(sha256(context('lanying approval commitment 1', bytesOfId(userId), opening)));

export const opensCommitment = (userId: UserId, commitment: Uint8Array, opening: Uint8Array): boolean =>
  opening.length === approvalSideBytes && sameBytes(commitmentOf(userId, opening), commitment);

/** Six numbers of 0 to 63. */
export function checkOf(userId: UserId, opening: Uint8Array, answer: Uint8Array): readonly number[] {
  const digest = sha256(
    context('lanying approval check 1', bytesOfId(userId), commitmentOf(userId, opening), opening, answer),
  );
  const bits = digest.subarray(0, 5).reduce((all, byte) => all * 256n + BigInt(byte), 0n) >> 4n;
  return [30n, 24n, 18n, 12n, 6n, 0n].map((shift) => Number((bits >> shift) & 63n));
}

export function grantTo(
  runtime: Pick<Runtime, 'random'>,
  own: Side,
  opening: Uint8Array,
  vaultKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const nonce = runtime.random(nonceBytes);
  const box = nacl.box(context('lanying approval grant 1', vaultKey), nonce, opening.slice(0, keyBytes), own.secret);
  return Uint8Array.of(...nonce, ...box);
}

/** The vault key, when exactly the other side of the check boxed it; else null. */
export function openGrant(own: Side, answer: Uint8Array, grant: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (grant.length !== nonceBytes + nacl.box.overheadLength + label.length + vaultKeyBytes) return null;
  const opened = nacl.box.open(
    grant.slice(nonceBytes),
    grant.slice(0, nonceBytes),
    answer.slice(0, keyBytes),
    own.secret,
  );
  return opened !== null && sameBytes(opened.subarray(0, label.length), label)
    ? new Uint8Array(opened.subarray(label.length))
    : null;
}
