/** The real clock, randomness and timers behind the runtime port. */
import { randomBytes } from 'node:crypto';

export const systemRuntime = {
  now: (): number => Date.now(),
  monotonic: (): number => performance.now(),
  random: (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length)),
  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  every(intervalMs: number, run: () => void): { cancel(): void } {
    const timer = setInterval(run, intervalMs);
    return { cancel: () => clearInterval(timer) };
  },
};
