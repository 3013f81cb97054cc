/** What every part of the LevelDB adapter works with. */
import { uint64 } from '#protocol/envelope.ts';
import { joinBytes, uint32 } from '../bytes.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { StoreFailure } from '../../ports/store.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import type { AuditWriter } from './audit-writer.ts';
import type { GroupWriter } from './group-writer.ts';
import type { Keeper } from './keeper.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import type { Database } from './table.ts';
import type { Tables } from './tables.ts';

/**
 * The database may be closed and opened anew behind this (keeper.ts): take `database`, `tables`, `writer` and `audit` in
 * each call, together and once, and keep none of them. What an adapter remembers of records it forgets in `onReopened`.
 * Nothing writes but through `writer`: the ledger counts there.
 */
export interface Access {
  readonly database: Database;
  readonly tables: Tables;
  readonly keys: KeyRing;
  readonly writer: GroupWriter;
  /** Writes what an audited act changes. */
  readonly audit: AuditWriter;
  readonly mutex: KeyedMutex;
  readonly arrivals: Arrivals;
  readonly runtime: Pick<Runtime, 'now' | 'random'>;
  /** `run` forgets what is kept in memory of the database that was. */
  onReopened(run: () => void): void;
  /** [Z3] A sync beside the database failed: the store stops for good. */
  failed(cause: StoreFailure): void;
}

/** Always the database that is open now. */
export class LiveAccess implements Access {
  readonly mutex = new KeyedMutex();
  readonly #keeper: Keeper;
  readonly keys: KeyRing;
  readonly runtime: Access['runtime'];

  constructor(keeper: Keeper, keys: KeyRing, runtime: Access['runtime']) {
    this.#keeper = keeper;
    this.keys = keys;
    this.runtime = runtime;
  }

  get database(): Database {
    return this.#keeper.opened.database;
  }
  get tables(): Tables {
    return this.#keeper.opened.tables;
  }
  get writer(): GroupWriter {
    return this.#keeper.opened.writer;
  }
  get audit(): AuditWriter {
    return this.#keeper.opened.audit;
  }
  get arrivals(): Arrivals {
    return this.#keeper.opened.arrivals;
  }
  onReopened(run: () => void): void {
    this.#keeper.onReopened(run);
  }
  failed(cause: StoreFailure): void {
    this.#keeper.failed(cause);
  }
}

/** Orders what arrives: time 8 · count 4. Later calls give higher values, even when the clock stands still or goes back. */
export class Arrivals {
  readonly #runtime: Pick<Runtime, 'now'>;
  #latest: number;
  #count = 0;

  /** `latest`: time of the latest arrival before the store was opened, 0 when there is none. */
  constructor(runtime: Pick<Runtime, 'now'>, latest: number) {
    this.#runtime = runtime;
    // Its counts are over, whatever the clock says now.
    this.#latest = latest + 1;
  }

  next(): Uint8Array<ArrayBuffer> {
    const now = this.#runtime.now();
    this.#count = now > this.#latest ? 0 : this.#count + 1;
    this.#latest = Math.max(now, this.#latest);
    return joinBytes(uint64(this.#latest), uint32(this.#count));
  }
}

/** Key of a record that is alone in its family. */
export const aloneKey = new Uint8Array([0]);
