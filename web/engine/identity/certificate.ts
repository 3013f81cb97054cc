/** Whether a certificate vouches for a device, asked before a leaf, a key package or a sender is believed [E1]. */
import { type Certificate, certificateBodyBytes, parseCertificate, signedBytes } from '#protocol/certificate.ts';
import type { UserId } from '#protocol/ids.ts';
import { sameBytes } from './same-bytes.ts';
import { verifySignature } from './signature.ts';

/** A certificate may be dated this far ahead of, or have expired this long before, the time it is checked at. */
export const clockToleranceMs = 5 * 60_000;

export type CertificateRefusal =
  /** Wrong length, version or impossible times. */
  | 'malformed'
  /** Names another person. */
  | 'wrong_person'
  /** Signed by another identity key than the one expected (pinned). */
  | 'wrong_key'
  | 'bad_signature'
  | 'not_yet'
  | 'expired';

/** Only verifyCertificate makes one; a Certificate that was merely parsed does not fit where this is asked for. */
declare const verified: unique symbol;
export type VerifiedCertificate = Certificate & { readonly [verified]: true };

export type CertificateCheck =
  | { readonly ok: true; readonly certificate: VerifiedCertificate }
  | { readonly ok: false; readonly reason: CertificateRefusal };

export interface CertificateExpectation {
  readonly userId: UserId;
  /** The person's pinned identity key, 32 bytes. */
  readonly identityKey: Uint8Array;
  /**
   * Milliseconds: now for a device that is about to be used, the server's time of the entry for one that signed in the
   * past (a device whose certificate expired since must not make history unreadable).
   */
  readonly at: number;
}

/**
 * Checks form, person, key, signature and time, in that order; never throws on hostile bytes. WebCrypto verifies
 * (about 6,600/s, against 97/s for tweetnacl: a group of 500 devices is checked at every join).
 */
export async function verifyCertificate(bytes: Uint8Array, expected: CertificateExpectation): Promise<CertificateCheck> {
  const certificate = parseCertificate(bytes);
  if (certificate === null) return { ok: false, reason: 'malformed' };
  if (certificate.userId !== expected.userId) return { ok: false, reason: 'wrong_person' };
  if (!sameBytes(certificate.identityKey, expected.identityKey)) return { ok: false, reason: 'wrong_key' };
  const signed = signedBytes(bytes.subarray(0, certificateBodyBytes));
  if (!(await verifySignature(certificate.identityKey, certificate.signature, signed))) return { ok: false, reason: 'bad_signature' };
  if (certificate.issuedAt > expected.at + clockToleranceMs) return { ok: false, reason: 'not_yet' };
  if (certificate.expiresAt + clockToleranceMs <= expected.at) return { ok: false, reason: 'expired' };
  return { ok: true, certificate: certificate as VerifiedCertificate };
}
