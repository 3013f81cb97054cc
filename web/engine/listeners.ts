/** Who wants to hear of something. A listener that is added while others are told waits for the next time. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Returns the way to stop. */
  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}
