/** What is looked for on this device, and what was found: lives as long as the page, so that one comes back to it from a conversation. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Has, SearchAnswer, SearchQuery } from '../../engine/search/query.ts';
import type { ConversationId } from './app.ts';
import { type Filters, noFilters } from './search-tokens.ts';

export type { HistoryView } from '../../engine/finding-api.ts';
export type { Hit, SearchAnswer } from '../../engine/search/query.ts';

/** Who looks: a worker of the browser; tests bring their own. */
export interface SearchHost {
  /** Answers again while more is read and while things change, until it is stopped; null: cannot be read. */
  run(query: SearchQuery, hear: (answer: SearchAnswer | null) => void): () => void;
  /** Forgets what it opened. */
  end(): void;
}
export const noSearch: SearchHost = { run: () => () => undefined, end: () => undefined };

const pageHits = 50;
const hitsMax = 500;

export interface SearchState {
  readonly input: string;
  readonly filters: Filters;
  /** Null until the first answer of this question. */
  readonly answer: SearchAnswer | null;
  readonly failed: boolean;
}

export interface SearchModel {
  readonly state: StoreApi<SearchState>;
  ask(input: string, filters: Filters): void;
  /** Again what was asked, after it failed. */
  again(): void;
  /** More of what was found. */
  more(): void;
  /** Watches while a screen shows it; the returned function rests. */
  watch(): () => void;
  clear(): void;
  /** What was sent in one conversation of a kind, newest first, until it is stopped. */
  collect(conversationId: ConversationId, kind: Has, hear: (answer: SearchAnswer | null) => void): () => void;
}

/** Nothing to look for: what one could still ask is how far back it would reach. */
export const asksNothing = ({ input, filters }: Pick<SearchState, 'input' | 'filters'>): boolean => input.trim() === '' && filtersEmpty(filters);
export const filtersEmpty = ({ from, in: rooms, has, after, before }: Filters): boolean => from.length + rooms.length + has.length === 0 && after === null && before === null;

function queryOf(input: string, { from, in: rooms, has, after, before }: Filters, limit: number): SearchQuery {
  return { text: input, from, in: rooms, has, ...(after === null ? {} : { after }), ...(before === null ? {} : { before }), limit };
}

export function createSearchModel(host: SearchHost): SearchModel {
  const state = createStore<SearchState>(() => ({ input: '', filters: noFilters, answer: null, failed: false }));
  let limit = pageHits;
  let watchers = 0;
  let stop = (): void => undefined;
  const run = (): void => {
    stop();
    if (watchers === 0) return;
    const { input, filters } = state.getState();
    const asked = queryOf(input, filters, asksNothing({ input, filters }) ? 0 : limit);
    stop = host.run(asked, (answer) => state.setState(answer === null ? { failed: true } : { answer, failed: false }));
  };
  return {
    state,
    ask(input, filters) {
      const before = state.getState();
      limit = pageHits;
      // What was found stays until the answer comes: nothing flickers between two letters.
      state.setState({ input, filters, failed: false, ...(asksNothing({ input, filters }) !== asksNothing(before) ? { answer: null } : {}) });
      run();
    },
    again() {
      state.setState({ failed: false });
      run();
    },
    more() {
      if (state.getState().answer?.next === null || limit >= hitsMax) return;
      limit += pageHits;
      run();
    },
    watch() {
      watchers += 1;
      if (watchers === 1) run();
      return () => {
        watchers -= 1;
        if (watchers === 0) stop();
      };
    },
    clear() {
      stop();
      state.setState({ input: '', filters: noFilters, answer: null, failed: false });
    },
    collect: (conversationId, kind, hear) => host.run({ text: '', in: [conversationId], has: [kind], limit: hitsMax }, hear),
  };
}
