/** The real clock, randomness and timers behind the runtime port. */
import { randomBytes } from 'node:crypto';

/** Nonces and ids are small and many: drawn together, used once each, and not left behind. */
const pooledMax = 16;
const pool = { bytes: new Uint8Array(0), used: 0 };

function pooled(length: number): Uint8Array<ArrayBuffer> {
  if (pool.used + length > pool.bytes.length) {
    pool.bytes = new Uint8Array(randomBytes(4096));
    pool.used = 0;
  }
  const drawn = pool.bytes.slice(pool.used, pool.used + length);
  pool.bytes.fill(0, pool.used, pool.used + length);
  pool.used += length;
  return drawn;
}

export const systemRuntime = {
  now: (): number => Date.now(),
  monotonic: (): number => performance.now(),
  random: (length: number): Uint8Array<ArrayBuffer> =>
    length <= pooledMax ? pooled(length) : new Uint8Array(randomBytes(length)),
  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  every(intervalMs: number, run: () => void): { cancel(): void } {
    const timer = setInterval(run, intervalMs);
    return { cancel: () => clearInterval(timer) };
  },
};
