/** Long work in small steps: others get their turn between them, and it stops with the server. */
import type { Pause } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';

const pauseMs = 5;

export class Steps {
  readonly #runtime: Pick<Runtime, 'after'>;
  #stopping = false;

  constructor(runtime: Pick<Runtime, 'after'>) {
    this.#runtime = runtime;
  }

  /** No longer than a step: what was begun is finished after the next start. */
  stop(): void {
    this.#stopping = true;
  }

  readonly pause: Pause = () =>
    new Promise((resolve, reject) => {
      if (this.#stopping) reject(new Error('the server stops; the purge goes on after the next start'));
      else this.#runtime.after(pauseMs, resolve);
    });
}
