/** One family of sealed records: a sublevel, its cipher and the shape of what is inside. */
import type { ClassicLevel } from 'classic-level';
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '#protocol/cbor.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import type { Operation } from './group-writer.ts';

export type Database = ClassicLevel<Uint8Array, Uint8Array>;

export const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const;

const makeSublevel = (database: Database, name: string) => database.sublevel<Uint8Array, Uint8Array>(name, encodings);
export type Sublevel = ReturnType<typeof makeSublevel>;

/** How many records a scan asks for at a time. */
const scanStep = 128;

/** Errors of LevelDB as the port names them. */
async function reading<T>(family: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause;
    if (cause.code === 'LEVEL_CORRUPTION') throw new CorruptionError(family, 'LevelDB found damage');
    throw new StoreFailure(`reading ${family} failed`, { cause });
  }
}

/** Bounds of a scan; a prefix stands for all keys that begin with it. */
export interface Range {
  readonly gte: Uint8Array;
  readonly lte: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** The range of all keys that begin with `prefix`; keys behind it are at most `keyBytesMax` long. */
export function under(prefix: Uint8Array): { readonly gte: Uint8Array; readonly lte: Uint8Array } {
  const lte = new Uint8Array(prefix.length + 64).fill(0xff);
  lte.set(prefix);
  return { gte: prefix, lte };
}

/** Raw sealed records of a family. `appendOnly`: no place is written twice. */
export class Records {
  readonly family: string;
  readonly #sublevel: Sublevel;
  readonly #fresh: { readonly fresh?: true };

  constructor(database: Database, family: string, appendOnly = false) {
    this.family = family;
    this.#fresh = appendOnly ? { fresh: true } : {};
    this.#sublevel = makeSublevel(database, family);
  }

  async get(key: Uint8Array): Promise<Uint8Array | null> {
    return (await reading(this.family, this.#sublevel.get(key))) ?? null;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
    const found = await reading(this.family, this.#sublevel.getMany([...keys]));
    return found.map((value) => value ?? null);
  }

  async keys(range: Range): Promise<readonly Uint8Array[]> {
    return reading(this.family, this.#sublevel.keys({ ...range, limit: range.limit ?? -1 }).all());
  }

  /** Reads in steps until `take` says false. Holds an iterator no longer than that. */
  async scan(range: Range, take: (key: Uint8Array, value: Uint8Array) => boolean): Promise<void> {
    const iterator = this.#sublevel.iterator({ ...range, limit: range.limit ?? -1 });
    try {
      for (;;) {
        const step = await reading(this.family, iterator.nextv(scanStep));
        if (step.length === 0) return;
        for (const [key, value] of step) if (!take(key, value)) return;
      }
    } finally {
      await iterator.close();
    }
  }

  write(key: Uint8Array, value: Uint8Array): Operation {
    return { type: 'put', key: this.fullKey(key), value, ...this.#fresh };
  }

  remove(key: Uint8Array): Operation {
    return { type: 'del', key: this.fullKey(key) };
  }

  /** As LevelDB has it, behind the name of the family. */
  fullKey(key: Uint8Array): Uint8Array {
    return this.#sublevel.prefixKey(key, 'view', false);
  }
}

/** Records of one shape: CBOR, sealed under the family's system key. */
export class Table<T> {
  /** As they are on disk: for erasures, which look for what was deleted. */
  readonly sealed: Records;
  readonly #records: Records;
  readonly #cipher: RecordCipher;
  readonly #schema: v.GenericSchema<unknown, T>;

  constructor(database: Database, keys: KeyRing, family: string, schema: v.GenericSchema<unknown, T>) {
    this.#records = new Records(database, family);
    this.sealed = this.#records;
    this.#cipher = keys.system(family);
    this.#schema = schema;
  }

  /** Throws CorruptionError when the record does not open or decode. */
  async get(key: Uint8Array): Promise<T | null> {
    const sealed = await this.#records.get(key);
    return sealed === null ? null : this.#open(key, sealed);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (T | null)[]> {
    const found = await this.#records.getMany(keys);
    return found.map((sealed, at) => {
      const key = keys[at];
      return sealed === null || key === undefined ? null : this.#open(key, sealed);
    });
  }

  async has(key: Uint8Array): Promise<boolean> {
    return (await this.#records.get(key)) !== null;
  }

  async hasMany(keys: readonly Uint8Array[]): Promise<readonly boolean[]> {
    return (await this.#records.getMany(keys)).map((sealed) => sealed !== null);
  }

  keys(range: Range): Promise<readonly Uint8Array[]> {
    return this.#records.keys(range);
  }

  async list(range: Range): Promise<readonly { readonly key: Uint8Array; readonly value: T }[]> {
    const found: { readonly key: Uint8Array; readonly value: T }[] = [];
    await this.#records.scan(range, (key, sealed) => {
      found.push({ key, value: this.#open(key, sealed) });
      return true;
    });
    return found;
  }

  put(key: Uint8Array, value: T): Operation {
    return this.#records.write(key, this.#cipher.seal(key, encodeCbor(value)));
  }

  del(key: Uint8Array): Operation {
    return this.#records.remove(key);
  }

  #open(key: Uint8Array, sealed: Uint8Array): T {
    const parsed = v.safeParse(this.#schema, decodeRecord(this.#records.family, this.#cipher.open(key, sealed)));
    if (!parsed.success)
      throw new CorruptionError(this.#records.family, 'a record has another shape than this version writes');
    return parsed.output;
  }
}

function decodeRecord(family: string, plain: Uint8Array): unknown {
  try {
    return decodeCbor(plain);
  } catch {
    throw new CorruptionError(family, 'a record does not decode');
  }
}
