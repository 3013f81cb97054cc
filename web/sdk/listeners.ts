import type { ClientEvents } from './types.ts';

type Listener<Name extends keyof ClientEvents> = (event: ClientEvents[Name]) => void;
type Sets = { readonly [Name in keyof ClientEvents]: Set<Listener<Name>> };

/** Who wants to hear of what. `rethrow` gets the error of a listener, so that the others are still told. */
export class Listeners {
  readonly #sets: Sets = { message: new Set(), conversation: new Set(), connection: new Set(), security: new Set() };

  constructor(readonly rethrow: (cause: unknown) => void) {}

  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<Name>): () => void {
    const set: Set<Listener<Name>> = this.#sets[name];
    // Wrapped, so that the same function subscribed twice is told twice and unsubscribed once at a time.
    const own: Listener<Name> = (event) => listener(event);
    set.add(own);
    return () => void set.delete(own);
  }

  tell<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    const set: Set<Listener<Name>> = this.#sets[name];
    for (const listener of [...set]) {
      try {
        listener(event);
      } catch (cause) {
        this.rethrow(cause);
      }
    }
  }

  clear(): void {
    for (const set of Object.values(this.#sets)) set.clear();
  }
}
