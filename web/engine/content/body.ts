/**
 * Sealed bodies (DESIGN "Content"): AES-256-GCM under the sender key, random nonce; inside, padded, the content and the
 * device's Ed25519 signature over associated data ‖ content. The hot path: WebCrypto only.
 */
import { buildSealed, parseSealed, sealedAssociatedData, sealedBytesMin, sealedHeaderBytes, sealedVersion } from '#protocol/envelope.ts';
import { type DeviceId, idBytes, idFromBytes, type MessageId } from '#protocol/ids.ts';
import { messageBytesMax, signalBytesMax } from '#protocol/limits.ts';
import { verifySignature } from '../identity/signature.ts';
import type { DeviceKeys, Runtime } from '../ports.ts';
import type { BodyKind } from './content.ts';
import { insidePrefixBytes, pad, signatureBytes, unpad } from './padding.ts';
import { type EpochSecret, SenderKeys } from './sender-keys.ts';

const overheadBytes = sealedHeaderBytes + 16;
const insideBytesMax = (kind: BodyKind): number => (kind === 'signal' ? signalBytesMax : messageBytesMax) - overheadBytes;

/** Largest encoded content of a body, bytes: 65,399 in messages, 3,959 in signals. */
export const contentBytesMax = (kind: BodyKind): number => insideBytesMax(kind) - insidePrefixBytes;

/** Signals are not in the log and have no id; this one stands in their associated data. */
export const signalId: MessageId = idFromBytes<MessageId>(new Uint8Array(idBytes));

/** Who sends what where; conversation and epoch come from the epoch's secret. */
export interface OuterFields {
  readonly device: DeviceId;
  /** `signalId` for a signal. */
  readonly id: MessageId;
  readonly kind: BodyKind;
}

export interface SeenMark {
  /** Highest sequence that this device has processed in the conversation, and the running hash there (32 bytes). */
  readonly seenSequence: number;
  readonly seenHash: Uint8Array<ArrayBuffer>;
}

export type SealedBody = { readonly ok: true; readonly body: Uint8Array<ArrayBuffer> } | { readonly ok: false; readonly reason: 'too_long' };

export type BodyRefusal =
  /** First byte names a version that is not known here. */
  | 'version'
  /** Too short or too long, or an impossible seen sequence. */
  | 'malformed'
  /** Does not open: other key, other outer fields, or altered bytes. */
  | 'not_authentic'
  /** The content length inside reaches beyond the end. */
  | 'length'
  /** Not padded to its step with zeros. */
  | 'padding'
  /** Opens, but was not signed by the device that it names. */
  | 'signature';

export type OpenedBody =
  | { readonly ok: true; readonly content: Uint8Array<ArrayBuffer>; readonly seenSequence: number; readonly seenHash: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly reason: BodyRefusal };

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

const useOf = (kind: BodyKind) => (kind === 'signal' ? 'signal' : 'sender');

export class BodyCipher {
  readonly #runtime: Pick<Runtime, 'random'>;
  readonly #keys: SenderKeys;

  constructor(runtime: Pick<Runtime, 'random'>, keys = new SenderKeys()) {
    this.#runtime = runtime;
    this.#keys = keys;
  }

  /** Seals encoded content. Throws RangeError on a seen hash or content key that has not 32 bytes. */
  async seal(
    secret: EpochSecret,
    outer: OuterFields,
    seen: SeenMark,
    content: Uint8Array<ArrayBuffer>,
    signer: Pick<DeviceKeys, 'sign'>,
  ): Promise<SealedBody> {
    if (seen.seenHash.length !== 32) throw new RangeError('a running hash has 32 bytes');
    const { conversation, epoch } = secret;
    const associated = sealedAssociatedData({ conversation, epoch, ...outer, ...seen });
    if (content.length > contentBytesMax(outer.kind)) return { ok: false, reason: 'too_long' };
    const signature = await signer.sign(concat(associated, content));
    if (signature.length !== signatureBytes) throw new RangeError('an Ed25519 signature has 64 bytes');
    const inside = pad(signature, content, insideBytesMax(outer.kind));
    if (inside === null) return { ok: false, reason: 'too_long' };
    const key = await this.#keys.get(secret, outer.device, useOf(outer.kind));
    const nonce = this.#runtime.random(12);
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: associated }, key, inside);
    return { ok: true, body: buildSealed({ nonce, ...seen, ciphertext: new Uint8Array(sealed) }) };
  }

  /**
   * Opens a body that stands in the log (or came as a signal) with these outer fields. `deviceKey`: the Ed25519 key of the
   * sending device's verified certificate, of a device that was in the group in that epoch — the caller's to know [E3].
   * Never throws on hostile bytes.
   */
  async open(secret: EpochSecret, outer: OuterFields, body: Uint8Array<ArrayBuffer>, deviceKey: Uint8Array<ArrayBuffer>): Promise<OpenedBody> {
    const insideMax = insideBytesMax(outer.kind);
    if (body.length < sealedBytesMin || body.length > insideMax + overheadBytes) return { ok: false, reason: 'malformed' };
    if (body[0] !== sealedVersion) return { ok: false, reason: 'version' };
    const header = parseSealed(body);
    if (header === null) return { ok: false, reason: 'malformed' };
    const { seenSequence, seenHash } = header;
    const { conversation, epoch } = secret;
    const associated = sealedAssociatedData({ conversation, epoch, ...outer, seenSequence, seenHash });
    const key = await this.#keys.get(secret, outer.device, useOf(outer.kind));
    const inside = await decrypt(key, header.nonce, associated, header.ciphertext);
    if (inside === null) return { ok: false, reason: 'not_authentic' };
    const unpadded = unpad(inside, insideMax);
    if (!unpadded.ok) return unpadded;
    const { content, signature } = unpadded;
    if (!(await verifySignature(deviceKey, signature, concat(associated, content)))) return { ok: false, reason: 'signature' };
    return { ok: true, content, seenSequence, seenHash };
  }
}

/** Null when the tag does not match (OperationError, Web Cryptography API §29.4.2). */
async function decrypt(
  key: CryptoKey,
  nonce: Uint8Array<ArrayBuffer>,
  associated: Uint8Array<ArrayBuffer>,
  ciphertext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce, additionalData: associated }, key, ciphertext));
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'OperationError') return null;
    throw cause;
  }
}
