/**
 * The log of a conversation and the sealed body of a message, as both sides see them from outside.
 * What is inside a sealed body is the engine's alone (web/engine/content).
 */
import * as v from 'valibot';
import { bytesOfId, type ConversationId, DeviceId, type Generation, MessageId, putId, UserId } from './ids.ts';

/** Order is part of the stored format: the index is the byte that is hashed. */
export const entryKinds = ['created', 'message', 'commit', 'meta', 'leave'] as const;
export type EntryKind = (typeof entryKinds)[number];

export const Sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const Epoch = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970-01-01 UTC, by the server's clock; never decreases within one log. */
export const Timestamp = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Bytes with a bound. CBOR byte strings on the socket, base64url in JSON. */
export const bytes = (lengthMax: number, lengthMin = 0) =>
  v.pipe(
    v.custom<Uint8Array<ArrayBuffer>>((input) => input instanceof Uint8Array, 'must be bytes'),
    v.check(
      (input) => input.length >= lengthMin && input.length <= lengthMax,
      `must have ${lengthMin} to ${lengthMax} bytes`,
    ),
    v.metadata({ bytes: { lengthMin, lengthMax } }),
  );
export const Hash = bytes(32, 32);

/**
 * One entry of a conversation's log.
 * `epoch`: for message, meta and leave the epoch whose key seals the body; for a commit the epoch that it starts from;
 * for created 0. `hash` is the running hash after this entry (see chainInput).
 */
export const Entry = v.strictObject({
  sequence: Sequence,
  sentAt: Timestamp,
  kind: v.picklist(entryKinds),
  epoch: Epoch,
  user: UserId,
  device: DeviceId,
  id: MessageId,
  body: bytes(1024 * 1024),
  hash: Hash,
});
export type Entry = v.InferOutput<typeof Entry>;

const text = new TextEncoder();

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Unsigned 64-bit big-endian, of a safe integer. */
export function putUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}

/** Unsigned 64-bit big-endian. */
export function uint64(value: number): Uint8Array<ArrayBuffer> {
  const bytesOut = new Uint8Array(8);
  putUint64(new DataView(bytesOut.buffer), 0, value);
  return bytesOut;
}

/** Input of the first link: hash(0) = SHA-256(chainStart). Sequence 0 is the empty log; the first entry has sequence 1. */
export function chainStart(conversation: ConversationId, generation: Generation): Uint8Array<ArrayBuffer> {
  return joined([text.encode('lanying log 1'), bytesOfId(conversation), bytesOfId(generation)]);
}

/**
 * Input of a link: hash(n) = SHA-256(chainInput(hash(n-1), conversation, entry n, SHA-256(body n))).
 * Every field that a reader acts upon is inside, so that a server cannot show two people two histories unseen.
 */
export function chainInput(
  previous: Uint8Array,
  conversation: ConversationId,
  entry: Omit<Entry, 'body' | 'hash'>,
  bodyHash: Uint8Array,
): Uint8Array<ArrayBuffer> {
  // previous 32 · conversation 16 · sequence 8 · kind 1 · epoch 8 · sentAt 8 · user 16 · device 16 · id 16 · body hash 32.
  const input = new Uint8Array(153);
  const view = new DataView(input.buffer);
  input.set(previous, 0);
  putId(input, 32, conversation);
  putUint64(view, 48, entry.sequence);
  input[56] = entryKinds.indexOf(entry.kind);
  putUint64(view, 57, entry.epoch);
  putUint64(view, 65, entry.sentAt);
  putId(input, 73, entry.user);
  putId(input, 89, entry.device);
  putId(input, 105, entry.id);
  input.set(bodyHash, 121);
  return input;
}

export const sealedVersion = 1;
/** version 1 · nonce 12 · seen sequence 8 · seen hash 32, then the ciphertext with its 16-byte tag. */
export const sealedHeaderBytes = 1 + 12 + 8 + 32;
export const sealedBytesMin = sealedHeaderBytes + 16;

export interface SealedHeader {
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** Highest sequence of this conversation that the sending device had processed when it sealed. */
  readonly seenSequence: number;
  /** Its running hash there. */
  readonly seenHash: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

export type Seen = Pick<SealedHeader, 'seenSequence' | 'seenHash'>;

/** What a sealed body says its sender had seen; null as by parseSealed. Copies nothing: `seenHash` lies in the body. */
export function parseSeen(body: Uint8Array<ArrayBuffer>): Seen | null {
  if (body.length < sealedBytesMin || body[0] !== sealedVersion) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const seenSequence = view.getUint32(13) * 0x1_0000_0000 + view.getUint32(17);
  return Number.isSafeInteger(seenSequence) ? { seenSequence, seenHash: body.subarray(21, 53) } : null;
}

/** Splits a sealed body; null when the version is unknown, it is too short, or the sequence is not a safe integer. */
export function parseSealed(body: Uint8Array<ArrayBuffer>): SealedHeader | null {
  const seen = parseSeen(body);
  if (seen === null) return null;
  return {
    nonce: body.slice(1, 13),
    seenSequence: seen.seenSequence,
    seenHash: body.slice(21, 53),
    ciphertext: body.slice(sealedHeaderBytes),
  };
}

/** Inverse of parseSealed. */
export function buildSealed(header: SealedHeader): Uint8Array<ArrayBuffer> {
  return joined([
    Uint8Array.of(sealedVersion),
    header.nonce,
    uint64(header.seenSequence),
    header.seenHash,
    header.ciphertext,
  ]);
}

export interface SealedContext {
  readonly conversation: ConversationId;
  readonly epoch: number;
  readonly device: DeviceId;
  readonly id: MessageId;
  readonly kind: EntryKind | 'signal';
  readonly seenSequence: number;
  readonly seenHash: Uint8Array;
}

/** Associated data of a sealed body, and the prefix of what its signature covers (DESIGN, "Content"). */
export function sealedAssociatedData(context: SealedContext): Uint8Array<ArrayBuffer> {
  return joined([
    text.encode('lanying message 1'),
    Uint8Array.of(sealedVersion),
    bytesOfId(context.conversation),
    uint64(context.epoch),
    bytesOfId(context.device),
    bytesOfId(context.id),
    Uint8Array.of(context.kind === 'signal' ? 0xff : entryKinds.indexOf(context.kind)),
    uint64(context.seenSequence),
    context.seenHash,
  ]);
}
