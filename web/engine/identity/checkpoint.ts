/** Signed tree heads (C2SP checkpoints) as a client believes them. */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Checkpoint, keyIdOf, parseCheckpoint, parseVerifierKey, signedBytesOf } from '#protocol/checkpoint.ts';
import { sameBytes } from './same-bytes.ts';
import { verifySignature } from './signature.ts';

/** The head when the verifier key signed it, else null. Never throws on hostile text. */
export async function verifiedHead(note: string, verifierKey: string): Promise<Checkpoint | null> {
  const head = parseCheckpoint(note);
  const key = parseVerifierKey(sha256, verifierKey);
  if (head === null || key === null || head.origin !== key.name) return null;
  if (!sameBytes(head.keyId, keyIdOf(sha256, key.name, key.publicKey))) return null;
  return (await verifySignature(key.publicKey, head.signature, signedBytesOf(head))) ? head : null;
}
