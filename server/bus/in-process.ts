/** The event bus of one process. */
import type { EventBus, Happening } from '../ports/event-bus.ts';

export class InProcessBus implements EventBus {
  readonly #onFailure: (failure: unknown) => void;
  #listeners: readonly ((happening: Happening) => void)[] = [];

  /**
   * `onFailure` hears of listeners that threw: what happened is already stored, so neither the publisher nor the
   * other listeners may suffer from it.
   */
  constructor(onFailure: (failure: unknown) => void) {
    this.#onFailure = onFailure;
  }

  publish(happening: Happening): void {
    // The list is replaced, never changed, so somebody who subscribes or stops meanwhile does not disturb this round.
    for (const listener of this.#listeners) {
      try {
        listener(happening);
      } catch (failure) {
        this.#onFailure(failure);
      }
    }
  }

  subscribe(listener: (happening: Happening) => void): () => void {
    const own = (happening: Happening): void => listener(happening);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }
}
