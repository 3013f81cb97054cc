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

export interface AppModel {
  readonly snapshot: StoreApi<EngineSnapshot>;
  /** Null while no conversation is open or its first timeline is under way. */
  readonly timeline: StoreApi<{ readonly open: ConversationId | null; readonly view: TimelineView | null }>;
  readonly host: StoreApi<{ readonly state: HostState }>;
  /** Those that want a fresh proof of who is asking wait for `stepUp`. */
  readonly actions: EngineApi;
  readonly stepUp: StepUp;
  /** Unsent text by conversation: outlives a crash of the screens. */
  readonly drafts: Map<ConversationId, string>;
  open(conversationId: ConversationId): () => void;
  takeOver(): void;
}

/** Anything that a call rejected with, as a code that has a text. Foreign errors are our own defects. */
export const codeOf = (error: unknown): EngineErrorCode => (error instanceof LanyingError ? error.code : 'server.internal');

export function createAppModel(host: EngineHost): AppModel {
  const engine: Engine = host.engine;
  const snapshot = createStore<EngineSnapshot>(() => engine.snapshot());
  const timeline = createStore<{ open: ConversationId | null; view: TimelineView | null }>(() => ({ open: null, view: null }));
  const hostStore = createStore<{ state: HostState }>(() => ({ state: host.state() }));
  engine.onSnapshot((next) => snapshot.setState(next, true));
  engine.onTimeline((view) => {
    if (timeline.getState().open === view.conversationId) timeline.setState({ view });
  });
  host.onState(() => hostStore.setState({ state: host.state() }));
  const { actions, stepUp } = withStepUp(engine);
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
    drafts: new Map(),
    open(conversationId) {
      timeline.setState({ open: conversationId, view: null });
      quietly(engine.openTimeline(conversationId));
      return () => {
        if (timeline.getState().open === conversationId) timeline.setState({ open: null, view: null });
        quietly(engine.closeTimeline(conversationId));
      };
    },
    takeOver: () => host.takeOver(),
  };
}
