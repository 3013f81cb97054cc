/** A clock that a test moves, while timers and everything else go on as they do. */
import { systemRuntime } from '../../server/ops/system-runtime.ts';

export class MovedClock {
  /** Ahead of the machine's by so much. */
  shiftMs = 0;
  /** A server's. */
  readonly runtime = this.over(systemRuntime);

  /** The same runtime by this clock. */
  over<R extends { now(): number }>(runtime: R): R {
    return { ...runtime, now: () => runtime.now() + this.shiftMs };
  }
}
