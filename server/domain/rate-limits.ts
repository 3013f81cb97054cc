/** Token buckets, bounded in number. A limited caller is told how long to wait ([A6]). */
import { refuse, type Refusal } from '#protocol/errors.ts';
import { type Allowance, bucketsMax } from '#protocol/limits.ts';
import type { Runtime } from '../ports/runtime.ts';
import { BoundedMap } from './bounded-map.ts';

export type { Allowance } from '#protocol/limits.ts';

interface Bucket {
  tokens: number;
  /** Monotonic milliseconds at which `tokens` was right. */
  at: number;
}

export class RateLimit {
  readonly #buckets = new BoundedMap<string, Bucket>(bucketsMax);

  constructor(
    readonly runtime: Runtime,
    readonly allowance: Allowance,
  ) {}

  /** Takes what the call costs, or says how long until there is that much. A call that costs more than a full bucket waits for a full one. */
  take(key: string, cost = 1): Refusal | null {
    const bucket = this.#current(key);
    const price = Math.min(cost, this.allowance.burst);
    if (bucket.tokens < price) {
      return refuse('rate.limited', { retryAfterMs: Math.ceil((price - bucket.tokens) * this.allowance.refillMs) });
    }
    bucket.tokens -= price;
    return null;
  }

  /** Never more than bucketsMax. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Gives a token back: the try that took it succeeded. */
  refund(key: string): void {
    const bucket = this.#current(key);
    bucket.tokens = Math.min(this.allowance.burst, bucket.tokens + 1);
  }

  #current(key: string): Bucket {
    const now = this.runtime.monotonic();
    const known = this.#buckets.get(key);
    if (known === undefined) {
      const full = { tokens: this.allowance.burst, at: now };
      this.#buckets.set(key, full);
      return full;
    }
    known.tokens = Math.min(this.allowance.burst, known.tokens + (now - known.at) / this.allowance.refillMs);
    known.at = now;
    return known;
  }
}

/** An IPv6 caller owns a /64 at least, so limits count that; IPv4 (mapped too) counts whole. */
export function limitedAddress(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? front : [...front, ...Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0'), ...back];
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}
