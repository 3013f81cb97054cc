/**
 * An entry as it is stored, before sealing; the sequence is in the record key.
 * kind 1 · epoch 8 · sentAt 8 · user 16 · device 16 · message id 16 · running hash 32 · body.
 */
import { type Entry, entryKinds, putUint64 } from '#protocol/envelope.ts';
import { type DeviceId, idFromBytes, type MessageId, putId, type UserId } from '#protocol/ids.ts';
import { CorruptionError } from '../../ports/store.ts';
import { readUint64 } from '../bytes.ts';

const headBytes = 1 + 8 + 8 + 16 + 16 + 16 + 32;

export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const plain = new Uint8Array(headBytes + entry.body.length);
  const view = new DataView(plain.buffer);
  plain[0] = entryKinds.indexOf(entry.kind);
  putUint64(view, 1, entry.epoch);
  putUint64(view, 9, entry.sentAt);
  putId(plain, 17, entry.user);
  putId(plain, 33, entry.device);
  putId(plain, 49, entry.id);
  plain.set(entry.hash, 65);
  plain.set(entry.body, headBytes);
  return plain;
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
