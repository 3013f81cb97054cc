/** When a device looks again after trouble: one look for however many troubles, later each time, and not all devices at once. */
import { chance } from './chance.ts';
import type { Runtime, Timer } from './ports.ts';

const delayMsMin = 2_000;
const delayMsMax = 60_000;
/** Without trouble for so long: the next one is a new one. */
const calmMs = 5 * 60_000;

export class Retry {
  readonly #runtime: Runtime;
  readonly #look: () => void;
  #timer: Timer | null = null;
  #attempts = 0;
  #lastAt = 0;

  constructor(runtime: Runtime, look: () => void) {
    this.#runtime = runtime;
    this.#look = look;
  }

  /** Something went wrong: looks between half of the present delay and the whole of it. */
  soon(): void {
    if (this.#timer !== null) return;
    const now = this.#runtime.now();
    this.#attempts = now - this.#lastAt > calmMs ? 0 : this.#attempts + 1;
    this.#lastAt = now;
    const delay = Math.min(delayMsMax, delayMsMin * 2 ** Math.min(this.#attempts, 8));
    this.#after(delay * (0.5 + chance(this.#runtime) / 2));
  }

  /** What kept everybody waiting is over: looks at some moment within `spreadMs`. */
  within(spreadMs: number): void {
    this.stop();
    this.#after(spreadMs * chance(this.#runtime));
  }

  /** Whoever connects anew looks anyway. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#lastAt = 0;
  }

  #after(delayMs: number): void {
    this.#timer = this.#runtime.after(delayMs, () => {
      this.#timer = null;
      this.#look();
    });
  }
}
