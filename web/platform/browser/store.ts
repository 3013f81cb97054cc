/**
 * The local store in IndexedDB. Records are sealed by the engine; device keys are WebCrypto keys that cannot be
 * extracted and are kept as objects. Every batch reads the fence in its own transaction, so an engine that was replaced
 * (another tab, a newer version's worker) can write nothing more.
 */
import { type DBSchema, type IDBPDatabase, openDB, unwrap } from 'idb';
import * as v from 'valibot';
import { LanyingError } from '../../engine/api.ts';
import type { DeviceKeys, LocalStore, StoreWrite } from '../../engine/ports.ts';
import { Announcer } from './written.ts';
import { deviceKeysOf, generateDeviceKeys } from '../device-keys.ts';

interface Schema extends DBSchema {
  records: { key: string; value: Uint8Array<ArrayBuffer> };
  /** `fence`: number of opens so far. `device`: DeviceKeyMaterial. */
  profile: { key: 'fence' | 'device'; value: unknown };
}

const StoredBytes = v.custom<Uint8Array<ArrayBuffer>>((input) => input instanceof Uint8Array);
const Fence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Device = v.object({ publicKey: StoredBytes, signKey: v.instance(CryptoKey), storageKey: v.instance(CryptoKey) });
const strict = { durability: 'strict' } as const;

/** Above every key of the engine, whose keys are ASCII. */
const under = (prefix: string): IDBKeyRange => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

/** Own errors pass, the database's become `storage.failed` (or `engine.closed` once it is closed). */
function failure(cause: unknown): LanyingError {
  if (cause instanceof LanyingError) return cause;
  const name = cause instanceof Error ? cause.name : 'unknown';
  return name === 'InvalidStateError' ? new LanyingError('engine.closed') : new LanyingError('storage.failed', { reason: name });
}

interface KeyedStore {
  getAllRecords(options: { readonly query: IDBKeyRange; readonly count: number; readonly direction: 'prev' }): IDBRequest<unknown>;
}
const Records = v.array(v.object({ key: v.string(), value: StoredBytes }));
const isKeyed = (store: unknown): store is KeyedStore => typeof store === 'object' && store !== null && 'getAllRecords' in store;

/** In one request where the browser can (Indexed Database API 3.0, getAllRecords); null where it cannot: a cursor costs a turn for each record. */
function lastOnes(store: unknown, query: IDBKeyRange, count: number): Promise<readonly (readonly [string, Uint8Array<ArrayBuffer>])[]> | null {
  if (!isKeyed(store)) return null;
  const request = store.getAllRecords({ query, count, direction: 'prev' });
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(v.parse(Records, request.result).map(({ key, value }) => [key, value] as const)));
    request.addEventListener('error', () => reject(request.error ?? new Error('request')));
  });
}

class BrowserStore implements LocalStore {
  readonly #db: IDBPDatabase<Schema>;
  readonly #fence: number;
  readonly #announcer: Announcer;

  constructor(db: IDBPDatabase<Schema>, fence: number) {
    this.#db = db;
    this.#fence = fence;
    this.#announcer = new Announcer(db.name);
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return (await this.#told(() => this.#db.get('records', key))) ?? null;
  }

  range(from: string, to: string, { limit, reverse }: { readonly limit: number; readonly reverse: boolean }) {
    return this.#told(async () => {
      if (limit <= 0 || from >= to) return [];
      const span = IDBKeyRange.bound(from, to, false, true);
      const { store } = this.#db.transaction('records');
      if (reverse) {
        const records = lastOnes(unwrap(store), span, limit);
        if (records !== null) return records;
      }
      if (!reverse) {
        const [keys, values] = await Promise.all([store.getAllKeys(span, limit), store.getAll(span, limit)]);
        return keys.flatMap((key, at) => {
          const value = values[at];
          return value === undefined ? [] : [[key, value] as const];
        });
      }
      const found: (readonly [string, Uint8Array<ArrayBuffer>])[] = [];
      for (let cursor = await store.openCursor(span, 'prev'); cursor !== null && found.length < limit; cursor = await cursor.continue()) {
        found.push([cursor.key, cursor.value]);
      }
      return found;
    });
  }

  async batch(writes: readonly StoreWrite[]): Promise<void> {
    await this.#write((records) => {
      for (const write of writes) {
        if ('put' in write) records.put(write.put[1], write.put[0]);
        else records.delete('delete' in write ? write.delete : under(write.deletePrefix));
      }
    });
    this.#announcer.written(writes.flatMap((write) => ('put' in write ? [write.put[0]] : 'delete' in write ? [write.delete] : [])));
  }

  async deviceKeys(): Promise<DeviceKeys> {
    const kept = await this.#told(() => this.#db.get('profile', 'device'));
    if (kept !== undefined) return deviceKeysOf(v.parse(Device, kept));
    const made = await generateDeviceKeys(false).catch(() => Promise.reject(new LanyingError('browser.unsupported', { reason: 'ed25519' })));
    // Another call may have been first: the keys that the transaction finds win.
    let settled: unknown = made;
    await this.#write(async (_records, profile) => {
      settled = (await profile.get('device')) ?? made;
      await profile.put(settled, 'device');
    });
    return deviceKeysOf(v.parse(Device, settled));
  }

  async erase(): Promise<void> {
    await this.#write((records, profile) => {
      records.clear();
      profile.delete('device');
    });
    this.#announcer.erased();
  }

  close(): Promise<void> {
    this.#announcer.close();
    this.#db.close();
    return Promise.resolve();
  }

  /** One strict transaction in which the fence was read and is still this opener's. */
  #write(
    run: (records: { put(value: Uint8Array<ArrayBuffer>, key: string): unknown; delete(key: string | IDBKeyRange): unknown; clear(): unknown },
      profile: { get(key: 'device'): Promise<unknown>; put(value: unknown, key: 'device'): Promise<unknown>; delete(key: 'device'): unknown }) => void | Promise<void>,
  ): Promise<void> {
    return this.#told(async () => {
      const transaction = this.#db.transaction(['records', 'profile'], 'readwrite', strict);
      const [records, profile] = [transaction.objectStore('records'), transaction.objectStore('profile')];
      // `done` rejects when a request fails or the transaction is aborted; the requests' own promises end with it.
      const work = (async () => {
        if ((await profile.get('fence')) !== this.#fence) {
          transaction.abort();
          throw new LanyingError('engine.busy_elsewhere');
        }
        const caught = <T>(request: Promise<T>): Promise<T> => {
          request.catch(() => undefined);
          return request;
        };
        await run(
          {
            put: (value, key) => caught(records.put(value, key)),
            delete: (key) => caught(records.delete(key)),
            clear: () => caught(records.clear()),
          },
          {
            get: (key) => caught(profile.get(key)),
            put: (value, key) => caught(profile.put(value, key)),
            delete: (key) => caught(profile.delete(key)),
          },
        );
      })();
      const [worked, done] = await Promise.allSettled([work, transaction.done]);
      if (worked.status === 'rejected') throw worked.reason;
      if (done.status === 'rejected') throw done.reason;
    });
  }

  async #told<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (cause) {
      throw failure(cause);
    }
  }
}

const openProfile = (name: string): Promise<IDBPDatabase<Schema>> =>
  openDB<Schema>(name, 1, {
    upgrade(made) {
      made.createObjectStore('records');
      made.createObjectStore('profile');
    },
    // A later version of this store wants to change it: this one lets go.
    blocking: (_current, _blocked, event) => {
      if (event.target instanceof IDBDatabase) event.target.close();
    },
  });

/** To read beside the engine: without a fence, and everything that writes rejects with `engine.busy_elsewhere`. Rejects with `storage.failed` where there is no device. */
export async function openBrowserStoreToRead(name = 'lanying'): Promise<LocalStore> {
  try {
    const db = await openProfile(name);
    if ((await db.get('profile', 'device')) === undefined) throw new LanyingError('storage.failed', { reason: 'empty' });
    // No opener ever has this fence.
    return new BrowserStore(db, 0);
  } catch (cause) {
    throw failure(cause);
  }
}

/** Opens (or makes) the profile and fences off whoever opened it before. Rejects with `storage.failed`. */
export async function openBrowserStore(name = 'lanying'): Promise<LocalStore> {
  try {
    const db = await openProfile(name);
    const transaction = db.transaction('profile', 'readwrite', strict);
    const before = v.safeParse(Fence, await transaction.store.get('fence'));
    const fence = (before.success ? before.output : 0) + 1;
    await transaction.store.put(fence, 'fence');
    await transaction.done;
    return new BrowserStore(db, fence);
  } catch (cause) {
    throw failure(cause);
  }
}
