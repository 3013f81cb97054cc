/** The root of all view models: stores that screens subscribe to, and the engine's calls as their actions. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import {
  type ConversationView,
  type Engine,
  type EngineApi,
  type EngineErrorCode,
  type EngineSnapshot,
  LanyingError,
  type PersonView,
  type TimelineView,
} from '../../engine/api.ts';
import type { EngineHost, HostState } from './host.ts';
import { createSearchModel, noSearch, type SearchHost, type SearchModel } from './search.ts';
import { type StepUp, withStepUp } from './step-up.ts';

export type {
  AccountView,
  ApprovalView,
  ConnectionView,
  ConversationView,
  DeviceView,
  EngineErrorCode,
  EngineSnapshot,
  Grant,
  InviteView,
  Me,
  PersonView,
  RecoveryCodes,
  SecurityNotice,
  TimelineItem,
  TimelineView,
  VaultView,
} from '../../engine/api.ts';
export type { AskedOutput } from '../../engine/asked.ts';
export type ConversationId = ConversationView['conversationId'];
export type UserId = PersonView['userId'];

export interface OpenTimeline {
  readonly open: ConversationId | null;
  readonly view: TimelineView | null;
  readonly target: { readonly sequence: number } | null;
}

export interface AppModel {
  readonly snapshot: StoreApi<EngineSnapshot>;
  /** `view` is null while no conversation is open or its first timeline is under way; `target`: the message that it was opened for. */
  readonly timeline: StoreApi<OpenTimeline>;
  readonly search: SearchModel;
  readonly host: StoreApi<{ readonly state: HostState }>;
  /** Those that want a fresh proof of who is asking wait for `stepUp`. */
  readonly actions: EngineApi;
  readonly stepUp: StepUp;
  /** Unsent text by conversation: outlives a crash of the screens. */
  readonly drafts: Map<ConversationId, string>;
  open(conversationId: ConversationId): () => void;
  /** Shows a message, by its sequence, or (null) the newest ones: of the open conversation now, else of the next that is opened. */
  show(conversationId: ConversationId, sequence: number | null): void;
  takeOver(): void;
}

/** Anything that a call rejected with, as a code that has a text. Foreign errors are our own defects. */
export const codeOf = (error: unknown): EngineErrorCode => (error instanceof LanyingError ? error.code : 'server.internal');

export function createAppModel(host: EngineHost, searchHost: SearchHost = noSearch): AppModel {
  const engine: Engine = host.engine;
  const snapshot = createStore<EngineSnapshot>(() => engine.snapshot());
  const timeline = createStore<OpenTimeline>(() => ({ open: null, view: null, target: null }));
  const hostStore = createStore<{ state: HostState }>(() => ({ state: host.state() }));
  const search = createSearchModel(searchHost);
  let wanted: { readonly conversationId: ConversationId; readonly sequence: number } | null = null;
  engine.onSnapshot((next) => {
    const left = snapshot.getState().account.state === 'ready' && next.account.state !== 'ready';
    snapshot.setState(next, true);
    if (!left) return;
    // Whoever comes next finds nothing of it.
    search.clear();
    searchHost.end();
  });
  engine.onTimeline((view) => {
    if (timeline.getState().open === view.conversationId) timeline.setState({ view });
  });
  host.onState(() => hostStore.setState({ state: host.state() }));
  const { actions, stepUp } = withStepUp(engine);
  const begin = (conversationId: ConversationId): void => {
    const target = wanted?.conversationId === conversationId ? { sequence: wanted.sequence } : null;
    wanted = null;
    timeline.setState({ open: conversationId, view: null, target });
    quietly(engine.openTimeline(conversationId, target?.sequence ?? null));
  };
  const quietly = (call: Promise<void>): void => {
    // Opening and closing fail only with the engine itself, which the host's state already shows.
    call.catch(() => undefined);
  };
  return {
    snapshot,
    timeline,
    host: hostStore,
    actions,
    stepUp,
    search,
    drafts: new Map(),
    show(conversationId, sequence) {
      wanted = sequence === null ? null : { conversationId, sequence };
      if (timeline.getState().open !== conversationId) return;
      begin(conversationId);
    },
    open(conversationId) {
      begin(conversationId);
      return () => {
        if (timeline.getState().open === conversationId) timeline.setState({ open: null, view: null, target: null });
        quietly(engine.closeTimeline(conversationId));
      };
    },
    takeOver: () => host.takeOver(),
  };
}
