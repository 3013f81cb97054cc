/** The page's side of search: starts its worker with the first question and ends it when nobody is signed in any more. */
import type { SearchAnswer, SearchQuery } from '../../../engine/search/query.ts';
import { type Channel, channelOf } from '../host/wire.ts';
import type { FromSearch, ToSearch } from './wire.ts';

export interface Search {
  /** `hear`: each answer of a question that goes on until it is stopped; null when the store cannot be read. */
  run(query: SearchQuery, hear: (answer: SearchAnswer | null) => void): () => void;
  /** Forgets everything that was opened. */
  end(): void;
}

export function connectSearch(start: () => Worker): Search {
  const heard = new Map<number, (answer: SearchAnswer | null) => void>();
  let worker: Worker | null = null;
  let channel: Channel<FromSearch, ToSearch> | null = null;
  let serial = 0;
  const over = (): void => {
    worker?.terminate();
    worker = null;
    heard.clear();
  };
  const receive = (message: FromSearch): void => {
    if (message.kind === 'over') over();
    else heard.get(message.id)?.(message.kind === 'answer' ? message.answer : null);
  };
  const post = (message: ToSearch): void => {
    if (worker === null) {
      worker = start();
      channel = channelOf(worker);
      channel.listen(receive);
      worker.addEventListener('error', () => {
        for (const hear of heard.values()) hear(null);
        over();
      });
    }
    channel?.post(message);
  };
  return {
    run(query, hear) {
      serial += 1;
      const id = serial;
      heard.set(id, hear);
      post({ kind: 'run', id, query });
      return () => {
        if (heard.delete(id)) post({ kind: 'stop', id });
      };
    },
    end: over,
  };
}
