/** Typed records over the local store: CBOR, sealed under the device's storage key with the record's key as associated data. */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { decodeItem } from '#protocol/codec.ts';
import { LanyingError } from '../api.ts';
import type { DeviceKeys, LocalStore, StoreWrite } from '../ports.ts';
import { getPaged, type Paging, rangePaged } from './pages.ts';

const utf8 = new TextEncoder();

export interface RecordKind<T> {
  /** First part of its keys; ends with a slash where there are many. */
  readonly prefix: string;
  readonly schema: v.GenericSchema<unknown, T>;
  /** Names are group/number, and what is old lies in pages: reading finds it in both places. */
  readonly paging?: Paging<T>;
}

export interface Row<T> {
  readonly name: string;
  readonly value: T;
}

export class SealedStore {
  readonly #store: LocalStore;
  #keys: DeviceKeys;
  #recalled = false;
  readonly #listeners = new Set<(keys: readonly string[]) => void>();

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

  /** Hears keys (and prefixes) that were put or deleted through this lending, once they are on disk. */
  onWritten(listener: (keys: readonly string[]) => void): void {
    this.#listeners.add(listener);
  }

  async get<T>(kind: RecordKind<T>, name = ''): Promise<T | null> {
    return (await this.getAlone(kind, name)) ?? (kind.paging === undefined ? null : getPaged(this, kind.paging, name));
  }

  /** One that has a record of its own. */
  async getAlone<T>(kind: RecordKind<T>, name: string): Promise<T | null> {
    const key = kind.prefix + name;
    const sealed = await this.#held().get(key);
    return sealed === null ? null : this.#read(kind, key, sealed);
  }

  /** Records with from <= name < to, ascending (or the last ones first). */
  async range<T>(kind: RecordKind<T>, from: string, to: string, limit: number, reverse = false): Promise<readonly Row<T>[]> {
    return kind.paging === undefined ? this.rangeAlone(kind, from, to, limit, reverse) : rangePaged(this, kind, kind.paging, { from, to, limit, reverse });
  }

  /** Those that have a record of their own. */
  async rangeAlone<T>(kind: RecordKind<T>, from: string, to: string, limit: number, reverse = false): Promise<readonly Row<T>[]> {
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
    if (this.#listeners.size === 0) return;
    const keys = writes.map((write) => ('put' in write ? write.put[0] : 'delete' in write ? write.delete : write.deletePrefix));
    for (const listener of this.#listeners) listener(keys);
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
