/** Clock, randomness and timers (HOUSE rule 11); tests bring their own. */
export interface Timer {
  cancel(): void;
}

export interface Runtime {
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  now(): number;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  monotonic(): number;
  /** Cryptographically secure bytes. */
  random(length: number): Uint8Array<ArrayBuffer>;
  after(delayMs: number, run: () => void): Timer;
  every(intervalMs: number, run: () => void): Timer;
}
