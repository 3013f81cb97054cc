/**
 * A person's identity key: Ed25519 (RFC 8032), made on their first device, sealed in the vault, never sent anywhere.
 * It signs device certificates and nothing else, so that no other protocol can be tricked into a certificate.
 */
import nacl from 'tweetnacl';
import { certificateBodyBytes, type CertificateBody, encodeCertificateBody, joinCertificate, signedBytes } from '#protocol/certificate.ts';
import type { Runtime } from '../ports.ts';

export const identitySeedBytes = 32;

export interface Identity {
  /** 32 bytes; what colleagues pin. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** 32 bytes (RFC 8032 §5.1.5 "private key"); secret. */
  readonly seed: Uint8Array<ArrayBuffer>;
}

/** Throws RangeError when the seed has not 32 bytes. */
export function identityFromSeed(seed: Uint8Array): Identity {
  if (seed.length !== identitySeedBytes) throw new RangeError('an identity seed has 32 bytes');
  return { publicKey: new Uint8Array(nacl.sign.keyPair.fromSeed(seed).publicKey), seed: new Uint8Array(seed) };
}

export const makeIdentity = (runtime: Pick<Runtime, 'random'>): Identity => identityFromSeed(runtime.random(identitySeedBytes));

/** A device certificate of 177 bytes (layout in #protocol/certificate.ts), about 5 ms. Throws RangeError on a device key that has not 32 bytes. */
export function issueCertificate(identity: Identity, device: Omit<CertificateBody, 'identityKey'>): Uint8Array<ArrayBuffer> {
  const body = encodeCertificateBody({ ...device, identityKey: identity.publicKey });
  const secretKey = nacl.sign.keyPair.fromSeed(identity.seed).secretKey;
  return joinCertificate(body.subarray(0, certificateBodyBytes), nacl.sign.detached(signedBytes(body), secretKey));
}
