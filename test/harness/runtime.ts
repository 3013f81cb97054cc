/** A runtime whose clock stands still until it is told to move, and whose randomness repeats for a seed. */
import { createHash } from 'node:crypto';
import type { Runtime, Timer } from '../../server/ports/runtime.ts';

interface Due {
  readonly order: number;
  at: number;
  readonly intervalMs: number | null;
  readonly run: () => void;
}

export class FakeRuntime implements Runtime {
  readonly #seed: string;
  readonly #due = new Set<Due>();
  #wall: number;
  #elapsed = 0;
  #drawn = 0;
  #order = 0;

  /** `startMs`: milliseconds since 1970-01-01 UTC that `now()` begins with. */
  constructor(seed = 'seed', startMs = Date.UTC(2026, 0, 15, 12)) {
    this.#seed = seed;
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  random(length: number): Uint8Array<ArrayBuffer> {
    const drawn = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = createHash('sha256').update(`${this.#seed}/${this.#drawn}`).digest();
      this.#drawn += 1;
      drawn.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return drawn;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#schedule(delayMs, null, run);
  }

  every(intervalMs: number, run: () => void): Timer {
    if (!(intervalMs > 0)) throw new RangeError('an interval is longer than 0 ms');
    return this.#schedule(intervalMs, intervalMs, run);
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#due.size;
  }

  /** Moves both clocks and runs what comes due, in order of time, then of scheduling; timers see the time they were due. */
  advance(durationMs: number): void {
    const end = this.#elapsed + durationMs;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#wall += next.at - this.#elapsed;
      this.#elapsed = next.at;
      if (next.intervalMs === null) this.#due.delete(next);
      else next.at += next.intervalMs;
      next.run();
    }
    this.#wall += end - this.#elapsed;
    this.#elapsed = end;
  }

  /** Like advance, but lets promises settle between timers: a macrotask passes before and after each. */
  async advanceAsync(durationMs: number): Promise<void> {
    const end = this.#elapsed + durationMs;
    await settled();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.advance(Math.max(next.at - this.#elapsed, 0));
      await settled();
    }
    this.advance(end - this.#elapsed);
    await settled();
  }

  /** The wall clock jumps (a corrected clock); the monotonic one and timers stay. */
  jump(durationMs: number): void {
    this.#wall += durationMs;
  }

  #next(end: number): Due | null {
    let first: Due | null = null;
    for (const due of this.#due) {
      if (due.at > end) continue;
      if (first === null || due.at < first.at || (due.at === first.at && due.order < first.order)) first = due;
    }
    return first;
  }

  #schedule(delayMs: number, intervalMs: number | null, run: () => void): Timer {
    const due: Due = { order: this.#order, at: this.#elapsed + Math.max(delayMs, 0), intervalMs, run };
    this.#order += 1;
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
