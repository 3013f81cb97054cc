/** Typed records over the local store: CBOR, sealed under the device's storage key with the record's key as associated data. */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { decodeItem } from '#protocol/codec.ts';
import { LanyingError } from '../api.ts';
import type { DeviceKeys, LocalStore, StoreWrite } from '../ports.ts';

const utf8 = new TextEncoder();

export interface RecordKind<T> {
  /** First part of its keys; ends with a slash where there are many. */
  readonly prefix: string;
  readonly schema: v.GenericSchema<unknown, T>;
}

export class SealedStore {
  readonly #store: LocalStore;
  #keys: DeviceKeys;
  #recalled = false;

  private constructor(store: LocalStore, keys: DeviceKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Of the device that lives here now: others after `erase`. */
  get keys(): DeviceKeys {
    return this.#keys;
  }

  static async open(store: LocalStore): Promise<SealedStore> {
    return new SealedStore(store, await store.deviceKeys());
  }

  /** The same records, by the keys of now, until it is recalled. */
  lend(): SealedStore {
    return new SealedStore(this.#store, this.#keys);
  }

  /** From now on every call rejects with `engine.closed`: work that outlives its sign-in reads and leaves nothing in the next one's store. */
  recall(): void {
    this.#recalled = true;
  }

  get recalled(): boolean {
    return this.#recalled;
  }

  #held(): LocalStore {
    if (this.#recalled) throw new LanyingError('engine.closed');
    return this.#store;
  }

  async get<T>(kind: RecordKind<T>, name = ''): Promise<T | null> {
    const key = kind.prefix + name;
    const sealed = await this.#held().get(key);
    return sealed === null ? null : this.#read(kind, key, sealed);
  }

  /** Records with from <= name < to, ascending (or the last ones first). */
  async range<T>(kind: RecordKind<T>, from: string, to: string, limit: number, reverse = false): Promise<readonly { readonly name: string; readonly value: T }[]> {
    const rows = await this.#held().range(kind.prefix + from, kind.prefix + to, { limit, reverse });
    return Promise.all(rows.map(async ([key, sealed]) => ({ name: key.slice(kind.prefix.length), value: await this.#read(kind, key, sealed) })));
  }

  async put<T>(kind: RecordKind<T>, name: string, value: T): Promise<StoreWrite> {
    const key = kind.prefix + name;
    return { put: [key, await this.#keys.seal(encodeCbor(value), utf8.encode(key))] };
  }

  remove(kind: RecordKind<unknown>, name: string): StoreWrite {
    return { delete: kind.prefix + name };
  }

  async write(writes: readonly StoreWrite[]): Promise<void> {
    await this.#held().batch(writes);
  }

  /** Nothing is left of the device; the next one here begins with keys of its own. */
  async erase(): Promise<void> {
    await this.#store.erase();
    this.#keys = await this.#store.deviceKeys();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #read<T>(kind: RecordKind<T>, key: string, sealed: Uint8Array<ArrayBuffer>): Promise<T> {
    // Recalled while it was read: these may be the next device's records, under keys of its own.
    this.#held();
    const decoded = decodeItem(await this.#keys.open(sealed, utf8.encode(key)));
    const parsed = v.safeParse(kind.schema, decoded?.item);
    if (!parsed.success) throw new LanyingError('storage.failed', { field: kind.prefix });
    return parsed.output;
  }
}
