/**
 * The device certificate: a person's identity key vouches for one device. It is the identity of the device's MLS
 * credential (BasicCredential, RFC 9420 §5.3: the identity bytes are exactly the certificate).
 *
 * Layout, 177 bytes: version 1 · user id 16 · device id 16 · device's Ed25519 signature key 32 · issuedAt uint64 ms ·
 * expiresAt uint64 ms · the identity's Ed25519 public key 32 · Ed25519 signature 64 (RFC 8032) by the identity key over
 * signedBytes (the context string, then everything before the signature).
 */
import { bytesOfId, type DeviceId, idFromBytes, type UserId } from './ids.ts';

export const certificateVersion = 1;
export const certificateBodyBytes = 1 + 16 + 16 + 32 + 8 + 8 + 32;
export const certificateBytes = certificateBodyBytes + 64;

const context = new TextEncoder().encode('lanying device 1');

export interface CertificateBody {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Ed25519, 32 bytes: signs messages, MLS leaves and attach challenges of the device. */
  readonly deviceKey: Uint8Array<ArrayBuffer>;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Ed25519, 32 bytes. */
  readonly identityKey: Uint8Array<ArrayBuffer>;
}

export interface Certificate extends CertificateBody {
  /** 64 bytes, not verified by parsing. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** The part before the signature, 113 bytes. Throws RangeError when a key has not 32 bytes. */
export function encodeCertificateBody(body: CertificateBody): Uint8Array<ArrayBuffer> {
  if (body.deviceKey.length !== 32 || body.identityKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  const bytes = new Uint8Array(certificateBodyBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = certificateVersion;
  bytes.set(bytesOfId(body.userId), 1);
  bytes.set(bytesOfId(body.deviceId), 17);
  bytes.set(body.deviceKey, 33);
  view.setBigUint64(65, BigInt(body.issuedAt));
  view.setBigUint64(73, BigInt(body.expiresAt));
  bytes.set(body.identityKey, 81);
  return bytes;
}

/** What the identity key signs: the context string, then the body (encodeCertificateBody, or a certificate's first 113 bytes). */
export function signedBytes(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const signed = new Uint8Array(context.length + certificateBodyBytes);
  signed.set(context);
  signed.set(body.subarray(0, certificateBodyBytes), context.length);
  return signed;
}

/** The whole certificate from its body and the 64-byte signature over signedBytes(body). */
export function joinCertificate(body: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  if (body.length !== certificateBodyBytes || signature.length !== 64) throw new RangeError('not a certificate body and signature');
  const bytes = new Uint8Array(certificateBytes);
  bytes.set(body);
  bytes.set(signature, certificateBodyBytes);
  return bytes;
}

/** Fields of a certificate; null when the length, version or a time is impossible. Verifies no signature and no time. */
export function parseCertificate(bytes: Uint8Array): Certificate | null {
  if (bytes.length !== certificateBytes || bytes[0] !== certificateVersion) return null;
  const own = new Uint8Array(bytes);
  const view = new DataView(own.buffer);
  const issuedAt = view.getBigUint64(65);
  const expiresAt = view.getBigUint64(73);
  const latest = BigInt(Number.MAX_SAFE_INTEGER);
  if (issuedAt > latest || expiresAt > latest || expiresAt <= issuedAt) return null;
  return {
    userId: idFromBytes<UserId>(own.subarray(1, 17)),
    deviceId: idFromBytes<DeviceId>(own.subarray(17, 33)),
    deviceKey: own.slice(33, 65),
    issuedAt: Number(issuedAt),
    expiresAt: Number(expiresAt),
    identityKey: own.slice(81, 113),
    signature: own.slice(113),
  };
}
