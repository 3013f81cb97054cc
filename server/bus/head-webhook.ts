/** Signed tree heads, posted as text/plain to whoever keeps them. */
import type { HeadSink } from '../ports/audit-store.ts';
import type { Runtime } from '../ports/runtime.ts';

const timeoutMs = 10_000;

export class HeadWebhook implements HeadSink {
  readonly name = 'webhook';
  readonly #url: string;
  readonly #runtime: Pick<Runtime, 'after'>;

  constructor(url: string, runtime: Pick<Runtime, 'after'>) {
    this.#url = url;
    this.#runtime = runtime;
  }

  /** Resolves when it was answered with a status of 200 to 299. */
  async deliver(checkpoint: string): Promise<void> {
    const stop = new AbortController();
    const timer = this.#runtime.after(timeoutMs, () => stop.abort());
    try {
      const { status, body } = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: checkpoint,
        redirect: 'error',
        signal: stop.signal,
      });
      await body?.cancel();
      if (status < 200 || status > 299) throw new Error(`the webhook for tree heads answered ${status}`);
    } finally {
      timer.cancel();
    }
  }
}
