/**
 * The revocation of a device: its person's identity key says that a device speaks for them no more. It never lapses.
 *
 * Layout, 105 bytes: version 1 · user id 16 · device id 16 · revokedAt uint64 ms · Ed25519 signature 64 (RFC 8032) by the
 * identity key over revocationSignedBytes (the context string, then everything before the signature).
 */
import { bytesOfId, type DeviceId, idFromBytes, type UserId } from './ids.ts';

const version = 1;
const bodyBytes = 1 + 16 + 16 + 8;
export const revocationBytes = bodyBytes + 64;
/** The clocks of whoever revokes and of the server may differ by this much; so long behind it entries are still taken. */
export const revocationSlackMs = 10 * 60_000;

const context = new TextEncoder().encode('lanying revocation 1');

export interface Revocation {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Milliseconds since 1970-01-01 UTC, by the clock of whoever revoked. */
  readonly revokedAt: number;
  /** 64 bytes, not verified by parsing. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** The part before the signature, 41 bytes. */
export function encodeRevocationBody({
  userId,
  deviceId,
  revokedAt,
}: Omit<Revocation, 'signature'>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(bodyBytes);
  bytes[0] = version;
  bytes.set(bytesOfId(userId), 1);
  bytes.set(bytesOfId(deviceId), 17);
  new DataView(bytes.buffer).setBigUint64(33, BigInt(revokedAt));
  return bytes;
}

/** What the identity key signs; `bytes` may be a body or a whole revocation. */
export function revocationSignedBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const signed = new Uint8Array(context.length + bodyBytes);
  signed.set(context);
  signed.set(bytes.subarray(0, bodyBytes), context.length);
  return signed;
}

/** Throws RangeError unless they are a body and a signature of 64 bytes. */
export function joinRevocation(body: Uint8Array, signature: Uint8Array): Uint8Array<ArrayBuffer> {
  if (body.length !== bodyBytes || signature.length !== 64) throw new RangeError('not a revocation body and signature');
  const bytes = new Uint8Array(revocationBytes);
  bytes.set(body);
  bytes.set(signature, bodyBytes);
  return bytes;
}

/** Null when the length, version or time is impossible. Verifies no signature. */
export function parseRevocation(bytes: Uint8Array): Revocation | null {
  if (bytes.length !== revocationBytes || bytes[0] !== version) return null;
  const own = new Uint8Array(bytes);
  const revokedAt = new DataView(own.buffer).getBigUint64(33);
  if (revokedAt > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return {
    userId: idFromBytes<UserId>(own.subarray(1, 17)),
    deviceId: idFromBytes<DeviceId>(own.subarray(17, 33)),
    revokedAt: Number(revokedAt),
    signature: own.slice(bodyBytes),
  };
}
