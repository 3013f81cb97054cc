/**
 * Keys of the store. From the master key by HKDF-SHA256 (RFC 5869, empty salt, labels below): the key of pseudonyms,
 * one key for each family of system records, and the key that seals the key-encryption key in its file.
 * Data keys (one for each conversation and day) are random and wrapped under the key-encryption key, so that a purge
 * can shred them.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Runtime } from '../../ports/runtime.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes } from '../bytes.ts';
import { beginKekChange, endKekChange, type Keks, openKek } from './kek-file.ts';
import { type RecordCipher, recordCipher } from './record-cipher.ts';

export const keyBytes = 32;
export const pseudonymBytes = 16;

const text = new TextEncoder();

function derive(masterKey: Uint8Array, label: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(0), label, keyBytes)));
}

export class KeyRing {
  readonly #pseudonyms: KeyObject;
  readonly #folder: string;
  /** Seals the file of the key-encryption key. */
  readonly #file: RecordCipher;
  readonly #random: (length: number) => Uint8Array<ArrayBuffer>;
  readonly #systemKey: (family: string) => KeyObject;
  #wrapping: RecordCipher;
  /** While a change of keys is under way. */
  #earlier: RecordCipher | null;
  #changesEnded = 0;

  private constructor(
    masterKey: Uint8Array,
    file: { readonly folder: string; readonly cipher: RecordCipher; readonly keks: Keks },
    random: (length: number) => Uint8Array<ArrayBuffer>,
  ) {
    this.#pseudonyms = derive(masterKey, 'lanying store 1 pseudonym');
    this.#systemKey = (family) => derive(masterKey, `lanying store 1 record ${family}`);
    this.#folder = file.folder;
    this.#file = file.cipher;
    this.#random = random;
    this.#wrapping = this.#wrapper(file.keks.current);
    this.#earlier = file.keks.previous === null ? null : this.#wrapper(file.keks.previous);
  }

  #wrapper({ key }: Keks['current']): RecordCipher {
    const wrapper = recordCipher('data-keys', createSecretKey(key), this.#random);
    key.fill(0);
    return wrapper;
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
    const cipher = recordCipher('keys', derive(masterKey, 'lanying store 1 wrapping'), random);
    return new KeyRing(masterKey, { folder, cipher, keks: await openKek(folder, cipher, mayCreate, random) }, random);
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
    const secret = this.#unwrapped(recordKey, wrapped).secret;
    const key = createSecretKey(secret);
    secret.fill(0);
    return key;
  }

  /** A change of the key-encryption key was begun and not ended. */
  get changing(): boolean {
    return this.#earlier !== null;
  }

  /** What was read before this grew may be wrapped under a key that is overwritten now. */
  get changesEnded(): number {
    return this.#changesEnded;
  }

  /** From now on data keys are wrapped under a new key; those that were before still open. Goes on with a change that was begun. */
  async beginChange(): Promise<void> {
    if (this.#earlier !== null) return;
    const { current, previous } = await beginKekChange(this.#folder, this.#file, this.#random);
    this.#wrapping = this.#wrapper(current);
    this.#earlier = previous === null ? null : this.#wrapper(previous);
  }

  /** As it is to be stored now; null when it is wrapped under the present key already. Throws CorruptionError('data-keys'). */
  wrapAnew(recordKey: Uint8Array, wrapped: Uint8Array): Uint8Array<ArrayBuffer> | null {
    const { secret, present } = this.#unwrapped(recordKey, wrapped);
    const anew = present ? null : this.#wrapping.seal(recordKey, secret);
    secret.fill(0);
    return anew;
  }

  /** Overwrites the earlier key. Only when `wrapAnew` gave null for every data key that is stored. */
  async endChange(): Promise<void> {
    await endKekChange(this.#folder, this.#file, this.#random);
    this.#earlier = null;
    this.#changesEnded += 1;
  }

  #unwrapped(
    recordKey: Uint8Array,
    wrapped: Uint8Array,
  ): { readonly secret: Uint8Array<ArrayBuffer>; readonly present: boolean } {
    if (this.#earlier === null) return { secret: this.#wrapping.open(recordKey, wrapped), present: true };
    try {
      return { secret: this.#wrapping.open(recordKey, wrapped), present: true };
    } catch (cause) {
      if (!(cause instanceof CorruptionError)) throw cause;
      return { secret: this.#earlier.open(recordKey, wrapped), present: false };
    }
  }
}
