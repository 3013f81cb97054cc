/**
 * An entry as it is stored, before sealing; the sequence is in the record key.
 * kind 1 · epoch 8 · sentAt 8 · user 16 · device 16 · message id 16 · running hash 32 · body.
 */
import { type Entry, entryKinds, uint64 } from '#protocol/envelope.ts';
import { bytesOfId, type DeviceId, idFromBytes, type MessageId, type UserId } from '#protocol/ids.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';

const headBytes = 1 + 8 + 8 + 16 + 16 + 16 + 32;

export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  return joinBytes(
    Uint8Array.of(entryKinds.indexOf(entry.kind)),
    uint64(entry.epoch),
    uint64(entry.sentAt),
    bytesOfId(entry.user),
    bytesOfId(entry.device),
    bytesOfId(entry.id),
    entry.hash,
    entry.body,
  );
}

/** Throws CorruptionError('log') for anything that encodeEntry does not write. */
export function decodeEntry(sequence: number, plain: Uint8Array<ArrayBuffer>): Entry {
  const kind = entryKinds[plain[0] ?? entryKinds.length];
  const epoch = readUint64(plain, 1);
  const sentAt = readUint64(plain, 9);
  if (plain.length < headBytes || kind === undefined || epoch === null || sentAt === null) {
    throw new CorruptionError('log', 'an entry does not decode');
  }
  return {
    sequence,
    sentAt,
    kind,
    epoch,
    user: idFromBytes<UserId>(plain.subarray(17, 33)),
    device: idFromBytes<DeviceId>(plain.subarray(33, 49)),
    id: idFromBytes<MessageId>(plain.subarray(49, 65)),
    body: plain.slice(headBytes),
    hash: plain.slice(65, headBytes),
  };
}
