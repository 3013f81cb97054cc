/** A bounded cache: the least recently used goes first, unless it is in use. */
export class Lru<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #entriesMax: number;
  readonly #inUse: (value: V) => boolean;

  /** `inUse` values are never dropped, so the bound may be exceeded by as many as are in use at once. */
  constructor(entriesMax: number, inUse: (value: V) => boolean = () => false) {
    this.#entriesMax = entriesMax;
    this.#inUse = inUse;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    for (const [oldest, held] of this.#entries) {
      if (oldest === key || this.#inUse(held)) continue;
      this.#entries.delete(oldest);
      if (this.#entries.size <= this.#entriesMax) return;
    }
  }
}
