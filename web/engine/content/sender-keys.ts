/**
 * Sender keys: AES-256-GCM keys derived from an epoch's content key for one device (DESIGN "Content"), as WebCrypto keys
 * that cannot be extracted. Deriving costs more than using, so the latest are kept, within a bound.
 */
import { bytesOfId, type ConversationId, type DeviceId } from '#protocol/ids.ts';
import { sameBytes } from '../identity/same-bytes.ts';

/** An epoch and the 32 bytes of MLS exporter("lanying content 1", conversation id, 32) (RFC 9420 §8.5). */
export interface EpochSecret {
  readonly conversation: ConversationId;
  readonly epoch: number;
  readonly contentKey: Uint8Array<ArrayBuffer>;
}

export type SenderKeyUse = 'sender' | 'signal';

interface Kept {
  readonly contentKey: Uint8Array<ArrayBuffer>;
  readonly key: Promise<CryptoKey>;
}

const text = new TextEncoder();

async function derive(secret: EpochSecret, device: DeviceId, use: SenderKeyUse): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', secret.contentKey, 'HKDF', false, ['deriveKey']);
  const info = Uint8Array.of(...text.encode(`lanying ${use} 1`), ...bytesOfId(device));
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

export class SenderKeys {
  /** In order of use, the longest unused first. */
  readonly #kept = new Map<string, Kept>();
  readonly #keysMax: number;

  constructor(keysMax = 1_024) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * Throws RangeError when the content key has not 32 bytes. A key kept for another content key of the same epoch (a
   * fork that was healed) is not used.
   */
  async get(secret: EpochSecret, device: DeviceId, use: SenderKeyUse): Promise<CryptoKey> {
    if (secret.contentKey.length !== 32) throw new RangeError('a content key has 32 bytes');
    const name = `${secret.conversation} ${secret.epoch} ${device} ${use}`;
    const found = this.#kept.get(name);
    this.#kept.delete(name);
    const kept =
      found !== undefined && sameBytes(found.contentKey, secret.contentKey)
        ? found
        : { contentKey: secret.contentKey.slice(), key: derive(secret, device, use) };
    this.#kept.set(name, kept);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > this.#keysMax && oldest.done === false) this.#kept.delete(oldest.value);
    return kept.key;
  }

  /** Forgets everything, for signing out. */
  clear(): void {
    this.#kept.clear();
  }
}
