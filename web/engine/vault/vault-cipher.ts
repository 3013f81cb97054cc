/**
 * What the vault key seals in bulk: archive items (one for each epoch) and named items (pins, settings). AES-256-GCM by
 * WebCrypto under keys derived from the vault key. Format: version 1 · nonce 12 · ciphertext · tag 16.
 */
import { uint64 } from '#protocol/envelope.ts';
import { bytesOfId, type ConversationId, type UserId } from '#protocol/ids.ts';
import type { Runtime } from '../ports.ts';
import { context, vaultKeyBytes } from './context.ts';

const version = 1;
const nonceBytes = 12;

const text = new TextEncoder();

async function derive(material: CryptoKey, info: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info: text.encode(info) },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

const archivePlace = (userId: UserId, conversation: ConversationId, epoch: number) =>
  context('lanying archive 1', bytesOfId(userId), bytesOfId(conversation), uint64(epoch));

const itemPlace = (userId: UserId, name: string, itemVersion: number) =>
  context('lanying vault item 1', bytesOfId(userId), uint64(itemVersion), text.encode(name));

interface Keys {
  readonly archive: CryptoKey;
  readonly item: CryptoKey;
}

async function keysOf(vaultKey: Uint8Array<ArrayBuffer>): Promise<Keys> {
  if (vaultKey.length !== vaultKeyBytes) throw new RangeError('a vault key has 32 bytes');
  const material = await crypto.subtle.importKey('raw', vaultKey, 'HKDF', false, ['deriveKey']);
  const [archive, item] = await Promise.all([derive(material, 'lanying vault archive 1'), derive(material, 'lanying vault item 1')]);
  return { archive, item };
}

/** One person's open vault. Holds keys that cannot be extracted; the raw vault key need not be kept beside it. */
export class VaultCipher {
  readonly #runtime: Pick<Runtime, 'random'>;
  readonly #userId: UserId;
  /** Of the present vault key, and of those before it. */
  #keys: Keys;
  #earlier: readonly Keys[];

  private constructor(runtime: Pick<Runtime, 'random'>, userId: UserId, keys: Keys, earlier: readonly Keys[]) {
    this.#runtime = runtime;
    this.#userId = userId;
    this.#keys = keys;
    this.#earlier = earlier;
  }

  /** Throws RangeError when the vault key has not 32 bytes. */
  static async create(
    runtime: Pick<Runtime, 'random'>,
    userId: UserId,
    vaultKey: Uint8Array<ArrayBuffer>,
    earlier: readonly Uint8Array<ArrayBuffer>[] = [],
  ): Promise<VaultCipher> {
    return new VaultCipher(runtime, userId, await keysOf(vaultKey), await Promise.all(earlier.map(keysOf)));
  }

  /** From now on it seals under this key, and opens what was sealed under the earlier ones too. */
  async rekey(vaultKey: Uint8Array<ArrayBuffer>, earlier: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const [keys, ...before] = await Promise.all([vaultKey, ...earlier].map(keysOf));
    if (keys === undefined) return;
    this.#keys = keys;
    this.#earlier = before;
  }

  /** `item`: encodeArchiveItem's bytes. */
  sealArchive(conversation: ConversationId, epoch: number, item: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return this.#seal(this.#keys.archive, archivePlace(this.#userId, conversation, epoch), item);
  }

  /** Null unless sealed by this vault for this person, conversation and epoch. */
  openArchive(conversation: ConversationId, epoch: number, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#openAny('archive', archivePlace(this.#userId, conversation, epoch), sealed);
  }

  /** An archive item as the present key seals it; null when it is so already, or opens under no key. */
  async resealArchive(conversation: ConversationId, epoch: number, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    const place = archivePlace(this.#userId, conversation, epoch);
    if ((await this.#open(this.#keys.archive, place, sealed)) !== null) return null;
    const item = await this.#openAny('archive', place, sealed);
    return item === null ? null : this.#seal(this.#keys.archive, place, item);
  }

  /** `itemVersion`: the version that the item will have once stored (vaultItem.put at version n stores n + 1). */
  sealItem(name: string, itemVersion: number, item: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return this.#seal(this.#keys.item, itemPlace(this.#userId, name, itemVersion), item);
  }

  /** Null unless sealed by this vault for this person under this name and version. */
  openItem(name: string, itemVersion: number, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#openAny('item', itemPlace(this.#userId, name, itemVersion), sealed);
  }

  async #openAny(use: keyof Keys, place: Uint8Array<ArrayBuffer>, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    for (const keys of [this.#keys, ...this.#earlier]) {
      const item = await this.#open(keys[use], place, sealed);
      if (item !== null) return item;
    }
    return null;
  }

  async #seal(key: CryptoKey, place: Uint8Array<ArrayBuffer>, item: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = this.#runtime.random(nonceBytes);
    const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: place }, key, item);
    const sealed = new Uint8Array(1 + nonceBytes + ciphertext.byteLength);
    sealed[0] = version;
    sealed.set(nonce, 1);
    sealed.set(new Uint8Array(ciphertext), 1 + nonceBytes);
    return sealed;
  }

  async #open(key: CryptoKey, place: Uint8Array<ArrayBuffer>, sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    if (sealed[0] !== version || sealed.length < 1 + nonceBytes + 16) return null;
    const iv = sealed.slice(1, 1 + nonceBytes);
    try {
      const item = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: place }, key, sealed.slice(1 + nonceBytes));
      return new Uint8Array(item);
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'OperationError') return null;
      throw cause;
    }
  }
}
