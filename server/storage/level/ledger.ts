/**
 * What the store holds, counted: for each family the number of its records and a sum over them, and over all families
 * the number of batches written. An authenticated record can be lost, or put back in an older form, without looking
 * wrong by itself; then it is missing in the sum of its family, which `lanying verify` recomputes.
 *
 * The sum is a multiset hash (Clarke et al., "Incremental Multiset Hash Functions", 2003: MSet-Add-Hash): the sum
 * modulo 2^256 of a keyed SHA-256 for each record over its place, nonce and tag, which stand for its whole content.
 * Every batch carries the ledger as it is behind it, so both are on disk together or not at all.
 *
 * Not seen by it: the whole folder put back in an older form, together with the ledger.
 */
import { hash } from 'node:crypto';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, sameBytes } from '../bytes.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { aloneKey } from './access.ts';
import type { Operation } from './group-writer.ts';
import type { Database } from './table.ts';
import type { Tables } from './tables.ts';

const sumBytes = 32;
const words = sumBytes / 4;
const nonceBytes = 13;
const tagBytes = 16;
/** Families of the ledger itself. */
export const ledgerFamilies: ReadonlySet<string> = new Set(['ledger', 'ledger-root']);
const scanStep = 512;

/** Count and sum over the records of one family. */
export class Tally {
  count = 0;
  readonly #sum = new Uint32Array(words);

  static of({ count, sum }: { readonly count: number; readonly sum: Uint8Array }): Tally {
    const tally = new Tally();
    tally.count = count;
    const view = new DataView(sum.buffer, sum.byteOffset, sum.byteLength);
    for (let at = 0; at < words; at += 1) tally.#sum[at] = view.getUint32(4 * at);
    return tally;
  }

  copy(): Tally {
    return Tally.of({ count: this.count, sum: this.sum });
  }

  /** 32 bytes. */
  get sum(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(sumBytes);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < words; at += 1) view.setUint32(4 * at, this.#sum[at] ?? 0);
    return bytes;
  }

  equals(other: Tally): boolean {
    return this.count === other.count && sameBytes(this.sum, other.sum);
  }

  /** Least significant word last. */
  add(element: Uint8Array): void {
    const view = new DataView(element.buffer, element.byteOffset, sumBytes);
    let carry = 0;
    for (let at = words - 1; at >= 0; at -= 1) {
      const sum = (this.#sum[at] ?? 0) + view.getUint32(4 * at) + carry;
      this.#sum[at] = sum;
      carry = sum > 0xffff_ffff ? 1 : 0;
    }
    this.count += 1;
  }

  remove(element: Uint8Array): void {
    const view = new DataView(element.buffer, element.byteOffset, sumBytes);
    let borrow = 0;
    for (let at = words - 1; at >= 0; at -= 1) {
      const difference = (this.#sum[at] ?? 0) - view.getUint32(4 * at) - borrow;
      this.#sum[at] = difference;
      borrow = difference < 0 ? 1 : 0;
    }
    this.count -= 1;
  }
}

export type Tallies = ReadonlyMap<string, Tally>;

/** `!family!rest`, as sublevels write it. Throws CorruptionError for a key of another form. */
export function familyOf(key: Uint8Array): string {
  const end = key.indexOf(0x21, 1);
  if (key[0] !== 0x21 || end < 0) throw new CorruptionError('store', 'a record stands outside of all families');
  return Buffer.from(key.buffer, key.byteOffset + 1, end - 1).toString('latin1');
}

/** Stands for a record in the sum; `secret` is 32 bytes. */
function elementOf(secret: Uint8Array, key: Uint8Array, value: Uint8Array): Uint8Array {
  const nonce = value.subarray(0, nonceBytes);
  const tag = value.subarray(Math.max(nonceBytes, value.length - tagBytes));
  const keyAt = secret.length + 4;
  const nonceAt = keyAt + key.length;
  // For every record that is written: one piece of memory, not one for each part.
  const input = Buffer.allocUnsafe(nonceAt + nonce.length + tag.length);
  input.set(secret);
  input.writeUInt32BE(key.length, secret.length);
  input.set(key, keyAt);
  input.set(nonce, nonceAt);
  input.set(tag, nonceAt + nonce.length);
  return hash('sha256', input, 'buffer');
}

/** Every record of the store, family by family, in steps. `each` sees keys without their family. */
export async function scanStore(
  database: Database,
  each: (family: string, key: Uint8Array, value: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const iterator = database.iterator();
  try {
    for (;;) {
      const step = await iterator.nextv(scanStep);
      if (step.length === 0) return;
      for (const [key, value] of step) {
        const family = familyOf(key);
        await each(family, key.subarray(family.length + 2), value);
      }
    }
  } finally {
    await iterator.close();
  }
}

/** The sums as the records themselves give them. */
export class Counting {
  readonly tallies = new Map<string, Tally>();
  readonly #secret: Uint8Array;

  constructor(keys: KeyRing) {
    this.#secret = keys.pseudonym('ledger', 'secret');
  }

  add(family: string, key: Uint8Array, value: Uint8Array): void {
    if (ledgerFamilies.has(family)) return;
    const tally = this.tallies.get(family) ?? new Tally();
    this.tallies.set(family, tally);
    tally.add(elementOf(this.#secret, joinBytes(Buffer.from(`!${family}!`, 'latin1'), key), value));
  }
}

interface Stamped {
  readonly operations: readonly Operation[];
  /** The batch is on disk. */
  accept(): void;
}

export class Ledger {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #secret: Uint8Array;
  readonly #tallies: Map<string, Tally>;
  #commits: number;

  private constructor(
    database: Database,
    tables: Tables,
    keys: KeyRing,
    state: { readonly tallies: Map<string, Tally>; readonly commits: number },
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#secret = keys.pseudonym('ledger', 'secret');
    this.#tallies = state.tallies;
    this.#commits = state.commits;
  }

  /** Batches written since the store was made. */
  get commits(): number {
    return this.#commits;
  }
  get tallies(): Tallies {
    return this.#tallies;
  }

  /** Throws CorruptionError('ledger') when a part of it is missing, or older than the rest. */
  static async load(database: Database, tables: Tables, keys: KeyRing): Promise<Ledger> {
    const root = await tables.ledgerRoot.get(aloneKey);
    if (root === null) throw new CorruptionError('ledger', 'the count of batches is missing');
    const stored = await tables.ledger.list({ gte: new Uint8Array(0), lte: new Uint8Array(64).fill(0xff) });
    const tallies = new Map(stored.map(({ value }) => [value.family, Tally.of(value)] as const));
    if (!sameBytes(digestOf(tallies), root.digest))
      throw new CorruptionError('ledger', 'the sums of the families are not those of the last batch');
    return new Ledger(database, tables, keys, { tallies, commits: root.commits });
  }

  /** For a new store. */
  static begin(database: Database, tables: Tables, keys: KeyRing): Ledger {
    return new Ledger(database, tables, keys, { tallies: new Map(), commits: 0 });
  }

  /** The operations and the ledger behind them. One batch at a time: `accept` the one before or drop this ledger. */
  async stamp(operations: readonly Operation[]): Promise<Stamped> {
    const changed = new Map<string, Tally>();
    const tallyOf = (family: string): Tally => {
      const tally = changed.get(family) ?? this.#tallies.get(family)?.copy() ?? new Tally();
      changed.set(family, tally);
      return tally;
    };
    const before = await this.#before(operations);
    for (const operation of operations) {
      const tally = tallyOf(familyOf(operation.key));
      const name = isFresh(operation) ? null : nameOf(operation.key);
      const old = name === null ? null : (before.get(name) ?? null);
      if (old !== null) tally.remove(elementOf(this.#secret, operation.key, old));
      if (operation.type === 'put') tally.add(elementOf(this.#secret, operation.key, operation.value));
      // The same place may come again in this batch.
      if (name !== null) before.set(name, operation.type === 'put' ? operation.value : null);
    }
    const next = new Map([...this.#tallies, ...changed]);
    const root = { commits: this.#commits + 1, digest: digestOf(next) };
    const parts = [...changed].map(([family, { count, sum }]) =>
      this.#tables.ledger.put(Buffer.from(family, 'latin1'), { family, count, sum }),
    );
    return {
      operations: [...operations, ...parts, this.#tables.ledgerRoot.put(aloneKey, root)],
      accept: () => {
        for (const [family, tally] of changed) this.#tallies.set(family, tally);
        this.#commits = root.commits;
      },
    };
  }

  /** What stands at the places that are written or deleted; those of new records are not read. */
  async #before(operations: readonly Operation[]): Promise<Map<string, Uint8Array | null>> {
    const keys = new Map<string, Uint8Array>();
    for (const operation of operations) if (!isFresh(operation)) keys.set(nameOf(operation.key), operation.key);
    if (keys.size === 0) return new Map();
    const found = await this.#database.getMany([...keys.values()]);
    return new Map([...keys.keys()].map((name, at) => [name, found[at] ?? null]));
  }
}

const isFresh = (operation: Operation): boolean => operation.type === 'put' && operation.fresh === true;
const nameOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');

/** Over all families that have records, in the order of their names. */
function digestOf(tallies: Tallies): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const [family, { count, sum }] of [...tallies].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    parts.push(Buffer.from(`${family} ${count} `, 'latin1'), sum);
  }
  return new Uint8Array(hash('sha256', Buffer.concat(parts), 'buffer'));
}
