/** News of the local store for other workers of this origin: which keys were written, never what is in them. */
import * as v from 'valibot';

const News = v.variant('kind', [v.object({ kind: v.literal('written'), keys: v.array(v.string()) }), v.object({ kind: v.literal('erased') })]);
export type News = v.InferOutput<typeof News>;

const channelName = (store: string): string => `${store}-written`;
/** What others follow; everything else is the engine's own. */
const told = /^(?:message|page)\//;

export class Announcer {
  readonly #channel: BroadcastChannel | null;

  constructor(store: string) {
    // Not in every place where the store runs (a page of an old browser).
    this.#channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(channelName(store)) : null;
  }

  written(keys: readonly string[]): void {
    const some = keys.filter((key) => told.test(key));
    if (some.length > 0) this.#channel?.postMessage({ kind: 'written', keys: some } satisfies News);
  }

  erased(): void {
    this.#channel?.postMessage({ kind: 'erased' } satisfies News);
  }

  close(): void {
    this.#channel?.close();
  }
}

export function onNews(store: string, hear: (news: News) => void): void {
  new BroadcastChannel(channelName(store)).addEventListener('message', ({ data }) => {
    const news = v.safeParse(News, data);
    if (news.success) hear(news.output);
  });
}
