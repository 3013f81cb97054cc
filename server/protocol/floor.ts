/** Floors of purged logs. */
import * as v from 'valibot';
import { bytes, Hash, Sequence, Timestamp, uint64 } from './envelope.ts';
import { bytesOfId, type ConversationId, type Generation } from './ids.ts';

const text = new TextEncoder();

/** Where a purged log begins, as the server says it to clients. */
export const Floor = v.strictObject({
  /** Everything up to and including this entry is gone. */
  sequence: Sequence,
  /** Running hash there. */
  hash: Hash,
  purgedAt: Timestamp,
  /** By the server's key over `floorStatement`. */
  signature: bytes(64, 64),
});
export type Floor = v.InferOutput<typeof Floor>;

/** What the server signs for a floor (Ed25519, RFC 8032). */
export function floorStatement(
  conversation: ConversationId,
  generation: Generation,
  floor: Pick<Floor, 'sequence' | 'hash' | 'purgedAt'>,
): Uint8Array<ArrayBuffer> {
  const parts = [
    text.encode('lanying floor 1'),
    bytesOfId(conversation),
    bytesOfId(generation),
    uint64(floor.sequence),
    floor.hash,
    uint64(floor.purgedAt),
  ];
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
