/**
 * Keys of the store. From the master key by HKDF-SHA256 (RFC 5869, empty salt, labels below): the key of pseudonyms,
 * one key for each family of system records, and the key that seals the key-encryption key in its file.
 * Data keys (one for each conversation and day) are random and wrapped under the key-encryption key, so that a purge
 * can shred them.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Runtime } from '../../ports/runtime.ts';
import { joinBytes } from '../bytes.ts';
import { openKek } from './kek-file.ts';
import { type RecordCipher, recordCipher } from './record-cipher.ts';

export const keyBytes = 32;
export const pseudonymBytes = 16;

const text = new TextEncoder();

function derive(masterKey: Uint8Array, label: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(0), label, keyBytes)));
}

export class KeyRing {
  readonly #pseudonyms: KeyObject;
  readonly #wrapping: RecordCipher;
  readonly #random: Runtime['random'];
  readonly #systemKey: (family: string) => KeyObject;

  private constructor(masterKey: Uint8Array, kek: KeyObject, random: Runtime['random']) {
    this.#pseudonyms = derive(masterKey, 'lanying store 1 pseudonym');
    this.#systemKey = (family) => derive(masterKey, `lanying store 1 record ${family}`);
    this.#wrapping = recordCipher('data-keys', kek, random);
    this.#random = random;
  }

  /**
   * `masterKey`: 32 bytes. `folder`: the data folder; the key-encryption key is in `keys/kek` there and is made only if
   * `mayCreate`. Throws RangeError for a master key of another length, CorruptionError('keys') when the file is missing
   * or does not open under this master key.
   */
  static async open(
    folder: string,
    masterKey: Uint8Array,
    mayCreate: boolean,
    runtime: Pick<Runtime, 'random'>,
  ): Promise<KeyRing> {
    if (masterKey.length !== keyBytes) throw new RangeError(`a master key has ${keyBytes} bytes`);
    const random = (length: number): Uint8Array<ArrayBuffer> => runtime.random(length);
    const file = recordCipher('keys', derive(masterKey, 'lanying store 1 wrapping'), random);
    const kek = await openKek(folder, file, mayCreate, random);
    return new KeyRing(masterKey, createSecretKey(kek), random);
  }

  /**
   * Keyed hash (HMAC-SHA256, truncated to 16 bytes) that stands for a name in record keys. `kind` keeps a user id and a
   * device id of the same bytes apart.
   */
  pseudonym(kind: string, value: string | Uint8Array): Uint8Array<ArrayBuffer> {
    const mac = createHmac('sha256', this.#pseudonyms);
    mac.update(joinBytes(text.encode(kind), Uint8Array.of(0)));
    mac.update(typeof value === 'string' ? text.encode(value) : value);
    return new Uint8Array(mac.digest().subarray(0, pseudonymBytes));
  }

  /** For records that live as long as the store. */
  system(family: string): RecordCipher {
    return recordCipher(family, this.#systemKey(family), this.#random);
  }

  /** Seals under one data key. */
  data(family: string, dataKey: KeyObject): RecordCipher {
    return recordCipher(family, dataKey, this.#random);
  }

  /** A new data key, and as it is stored under `recordKey`. */
  newDataKey(recordKey: Uint8Array): { readonly key: KeyObject; readonly wrapped: Uint8Array<ArrayBuffer> } {
    const secret = this.#random(keyBytes);
    const made = { key: createSecretKey(secret), wrapped: this.#wrapping.seal(recordKey, secret) };
    secret.fill(0);
    return made;
  }

  /** Throws CorruptionError('data-keys') when it does not open. */
  unwrapDataKey(recordKey: Uint8Array, wrapped: Uint8Array): KeyObject {
    const secret = this.#wrapping.open(recordKey, wrapped);
    const key = createSecretKey(secret);
    secret.fill(0);
    return key;
  }
}
