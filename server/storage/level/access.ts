/** What every part of the LevelDB adapter works with. */
import { uint64 } from '#protocol/envelope.ts';
import { joinBytes, uint32 } from '../bytes.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import type { AuditWriter } from './audit-writer.ts';
import type { GroupWriter } from './group-writer.ts';
import type { KeyedMutex } from './keyed-mutex.ts';
import type { Tables } from './tables.ts';

export interface Access {
  readonly tables: Tables;
  readonly keys: KeyRing;
  readonly writer: GroupWriter;
  /** Writes what an audited act changes. */
  readonly audit: AuditWriter;
  readonly mutex: KeyedMutex;
  readonly arrivals: Arrivals;
  readonly runtime: Pick<Runtime, 'now' | 'random'>;
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
