/** The person's word that one of their devices speaks for them no more (#protocol/revocation.ts). */
import nacl from 'tweetnacl';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import {
  encodeRevocationBody,
  joinRevocation,
  parseRevocation,
  type Revocation,
  revocationSignedBytes,
} from '#protocol/revocation.ts';
import type { Identity } from './identity.ts';
import { verifySignature } from './signature.ts';

/** 105 bytes, about 5 ms. `revokedAt`: milliseconds by the server's clock. */
export function issueRevocation(
  identity: Pick<Identity, 'seed'>,
  device: { readonly userId: UserId; readonly deviceId: DeviceId; readonly revokedAt: number },
): Uint8Array<ArrayBuffer> {
  const body = encodeRevocationBody(device);
  return joinRevocation(
    body,
    nacl.sign.detached(revocationSignedBytes(body), nacl.sign.keyPair.fromSeed(identity.seed).secretKey),
  );
}

/** Null unless that identity signed it; never throws on hostile bytes. */
export async function verifyRevocation(
  bytes: Uint8Array,
  userId: UserId,
  identityKey: Uint8Array<ArrayBuffer>,
): Promise<Revocation | null> {
  const claimed = parseRevocation(bytes);
  if (claimed?.userId !== userId) return null;
  return (await verifySignature(identityKey, claimed.signature, revocationSignedBytes(bytes))) ? claimed : null;
}
