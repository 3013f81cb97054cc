/** The person's word that one of their devices speaks for them no more (#protocol/revocation.ts). */
import type { UserId } from '#protocol/ids.ts';
import { parseRevocation, type Revocation, revocationSignedBytes } from '#protocol/revocation.ts';
import { verifySignature } from './signature.ts';

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
