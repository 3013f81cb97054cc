/** Numbers and bytes that a seed decides. */
import { createCipheriv, createHash } from 'node:crypto';

export class Draw {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Of its own, whatever else is drawn. */
  of(name: string): Draw {
    return new Draw(`${this.#seed} ${name}`);
  }

  /** An integer, 0 ≤ n < `below`. */
  next(below: number): number {
    this.#count += 1;
    return createHash('sha256').update(`${this.#seed} ${this.#count}`).digest().readUInt32BE() % below;
  }

  /** The same each time. */
  bytes(length: number): Buffer {
    const key = createHash('sha256').update(`${this.#seed} bytes`).digest();
    return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
  }
}
