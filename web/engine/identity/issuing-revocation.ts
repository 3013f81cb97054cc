/** Signing that a device speaks for its person no more: apart from checking it, because only few ever do. */
import nacl from 'tweetnacl';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { encodeRevocationBody, joinRevocation, revocationSignedBytes } from '#protocol/revocation.ts';
import type { Identity } from './identity.ts';

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
