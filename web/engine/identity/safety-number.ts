/**
 * Safety numbers: 60 digits, equal on both people's screens if and only if both see the same two identity keys.
 * After Signal's numeric fingerprint: 5,200 rounds of SHA-512, so that grinding a look-alike half costs 2^112 and more.
 */
import nacl from 'tweetnacl';
import { bytesOfId, type UserId } from '#protocol/ids.ts';

export const safetyNumberVersion = 1;
const rounds = 5_200;

export interface KnownIdentity {
  readonly userId: UserId;
  /** Ed25519 public key, 32 bytes. */
  readonly identityKey: Uint8Array;
}

/**
 * One person's half, 30 digits: h(0) = version uint16 ‖ key ‖ user id, h(n) = SHA-512(h(n-1) ‖ key); of h(5200) six times
 * 5 bytes, big-endian, modulo 100,000. Costs milliseconds of CPU: compute it when it is shown and keep it.
 */
export function fingerprint(person: KnownIdentity): string {
  const key = person.identityKey;
  let state = Uint8Array.of(safetyNumberVersion >> 8, safetyNumberVersion & 0xff, ...key, ...bytesOfId(person.userId));
  const link = new Uint8Array(64 + key.length);
  link.set(key, 64);
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) link.set(state);
    state = new Uint8Array(nacl.hash(round > 0 ? link : Uint8Array.of(...state, ...key)));
  }
  let digits = '';
  for (let at = 0; at < 30; at += 5) {
    let word = 0;
    for (const byte of state.subarray(at, at + 5)) word = word * 256 + byte;
    digits += String(word % 100_000).padStart(5, '0');
  }
  return digits;
}

/** 60 digits of two halves in either order. */
export const joinFingerprints = (a: string, b: string): string => (a < b ? a + b : b + a);

/** 60 digits, without spaces; symmetric. */
export const safetyNumber = (a: KnownIdentity, b: KnownIdentity): string => joinFingerprints(fingerprint(a), fingerprint(b));

/** `12345 67890 …`: twelve groups of five, as people read it to each other. */
export const groupDigits = (digits: string): string => digits.match(/\d{1,5}/g)?.join(' ') ?? '';
