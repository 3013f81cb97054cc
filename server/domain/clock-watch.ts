/**
 * The clock of the machine against the latest time that the server knows of. A clock that is wrong by months would make
 * everything due at once, and what is erased does not come back when the clock is set right: while it is far ahead, what
 * runs by itself erases nothing until a person says so ([T3]).
 */
import type { LeaseStore } from '../ports/retention-store.ts';
import type { Runtime } from '../ports/runtime.ts';

/** Further ahead than this is more than a long weekend without the server. */
export const clockAheadMsMax = 7 * 86_400_000;
/** Less than this behind is a clock that is being adjusted. */
const behindMsMin = 3_600_000;
/** Where the latest time is kept: as the last run of a job of this name. */
const mark = 'clock';

export type ClockLook =
  | { readonly kind: 'steady' }
  /** `byMs`: against the latest time that is known. */
  | { readonly kind: 'ahead' | 'behind'; readonly byMs: number };

export class ClockWatch {
  readonly #leases: LeaseStore;
  readonly #runtime: Pick<Runtime, 'now'>;

  constructor(leases: LeaseStore, runtime: Pick<Runtime, 'now'>) {
    this.#leases = leases;
    this.#runtime = runtime;
  }

  /** Steady while no time is known. */
  async look(): Promise<ClockLook> {
    const known = await this.#leases.lastRunAt(mark);
    if (known === null) return { kind: 'steady' };
    const byMs = this.#runtime.now() - known;
    if (byMs > clockAheadMsMax) return { kind: 'ahead', byMs };
    return byMs < -behindMsMin ? { kind: 'behind', byMs: -byMs } : { kind: 'steady' };
  }

  /** Of a store that knows of no time yet. */
  async begin(): Promise<void> {
    if ((await this.#leases.lastRunAt(mark)) === null) await this.keep();
  }

  /** The present time is the latest known; what is behind it is no news. For a clock that is far ahead: a person confirmed it. */
  async keep(): Promise<void> {
    const now = this.#runtime.now();
    const lease = await this.#leases.acquire(mark, now, now);
    if (lease !== null) await this.#leases.release(mark, lease.token, now);
  }
}
