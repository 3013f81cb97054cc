/** Looking for things beyond what is open: one call with a kind, so that its code is loaded when first used. */
import type { ConversationId } from '#protocol/ids.ts';
import type { SearchAnswer, SearchQuery } from './search/query.ts';

export interface HistoryView {
  /** `waiting`: there is more on the server, and it is to be fetched at the next connection. */
  readonly state: 'idle' | 'running' | 'waiting';
  /** Conversations of which older messages are still on the server alone. */
  readonly behind: number;
  readonly conversations: number;
}

export interface Finds {
  /** In this process: for the SDK. Screens have an index in a worker of its own. */
  readonly search: { readonly input: SearchQuery; readonly output: SearchAnswer };
  /**
   * Older messages of all conversations, fetched onto this device at a bounded rate; goes on after a restart until it is
   * done or stopped.
   */
  readonly history: { readonly input: 'look' | 'start' | 'stop'; readonly output: HistoryView };
  /** Sequence of the first message sent at or after a time (milliseconds), fetched if need be; null in an empty conversation. */
  readonly date: { readonly input: { readonly conversationId: ConversationId; readonly at: number }; readonly output: number | null };
}

export interface FindApi {
  find<K extends keyof Finds>(kind: K, input: Finds[K]['input']): Promise<Finds[K]['output']>;
}
