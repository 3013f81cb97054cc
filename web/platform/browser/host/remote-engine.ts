/** The page's side: the engine's face over a channel, with passkey ceremonies run here. */
import type { Engine, EngineApi, EngineMethod, EngineSnapshot, TimelineView } from '../../../engine/api.ts';
import type { Passkeys } from '../../../engine/ports.ts';
import { share } from './sharing.ts';
import { type CallRequest, type CeremonyRequest, type Channel, fromWire, type Outcome, settle, type ToPage, type ToWorker, type WorkerState } from './wire.ts';

export type RemoteState = 'connecting' | 'ready' | 'elsewhere' | 'failed';
export interface RemoteEngine {
  readonly engine: Engine;
  state(): RemoteState;
  onState(listener: () => void): () => void;
  /** Makes this worker the one that runs the engine; useful while `state()` is `elsewhere`. */
  takeOver(): void;
  /** The worker could not be loaded. */
  fail(): void;
}

const starting: EngineSnapshot = { account: { state: 'starting' }, connection: { state: 'connecting' }, people: [], gone: [], devices: [], vault: null, approval: null, conversations: [], directory: { state: 'consistent' }, notices: [], audit: null };
const states: Readonly<Record<WorkerState, RemoteState>> = { waiting: 'connecting', ready: 'ready', elsewhere: 'elsewhere', failed: 'failed' };

function emitter<T>() {
  const listeners = new Set<(value: T) => void>();
  return {
    emit: (value: T): void => {
      for (const listener of listeners) listener(value);
    },
    on: (listener: (value: T) => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** `lock`: a Web Lock that this page holds while it lives; the worker sees by it when the page has gone. */
export function connectRemoteEngine(channel: Channel<ToPage, ToWorker>, passkeys: Passkeys, lock: string): RemoteEngine {
  const snapshots = emitter<EngineSnapshot>();
  const timelines = emitter<TimelineView>();
  const changes = emitter<undefined>();
  const waiting = new Map<number, (outcome: Outcome<unknown>) => void>();
  const views = new Map<string, TimelineView>();
  let snapshot = starting;
  let state: RemoteState = 'connecting';
  let serial = 0;

  const call = (request: CallRequest): Promise<unknown> =>
    new Promise((resolve, reject) => {
      serial += 1;
      waiting.set(serial, (outcome) => (outcome.ok ? resolve(outcome.value) : reject(fromWire(outcome.error))));
      channel.post({ kind: 'call', id: serial, request });
    });
  const runCeremony = (request: CeremonyRequest) => (request.method === 'create' ? passkeys.create(request.options, request.prfSalt) : passkeys.get(request.options, request.prfSalt));
  const become = (next: RemoteState): void => {
    if (next === state) return;
    state = next;
    changes.emit(undefined);
  };
  const receive = (message: ToPage): void => {
    switch (message.kind) {
      case 'state':
        return become(states[message.state]);
      case 'snapshot':
        snapshot = share(snapshot, message.snapshot);
        return snapshots.emit(snapshot);
      case 'timeline': {
        const view = share(views.get(message.view.conversationId), message.view);
        views.set(view.conversationId, view);
        return timelines.emit(view);
      }
      case 'result':
        waiting.get(message.id)?.(message.outcome);
        waiting.delete(message.id);
        return undefined;
      case 'ceremony':
        settle(runCeremony(message.request)).then((outcome) => channel.post({ kind: 'ceremony', id: message.id, outcome }), () => undefined);
        return undefined;
    }
  };
  channel.listen(receive);
  channel.post({ kind: 'hello', lock });

  const own = {
    snapshot: () => snapshot,
    onSnapshot: snapshots.on,
    onTimeline: timelines.on,
    // The engine belongs to all pages: a page only leaves.
    close: () => Promise.resolve(),
  };
  return {
    engine: { ...remoteApi(call, (id) => views.delete(id)), ...own },
    state: () => state,
    onState: changes.on,
    takeOver: () => channel.post({ kind: 'take-over' }),
    fail: () => become('failed'),
  };
}

const methods = {
  checkGrant: true, checkHandle: true, prepareAccount: true, finishAccount: true, signInWithPassword: true, signInWithPasskey: true,
  unlockWithRecoveryCode: true, unlockWithPasskey: true, signOut: true, createInvite: true, listInvites: true,
  revokeInvite: true, refreshPeople: true, acceptIdentity: true, acceptDirectory: true, setVerified: true, dismissNotices: true, createConversation: true,
  renameConversation: true, addMembers: true, removeMember: true, leaveConversation: true, send: true, retrySend: true,
  discardSend: true, setDraft: true, typing: true, openTimeline: true, closeTimeline: true, loadOlder: true, loadNewer: true, find: true, markRead: true, administer: true, ask: true, signInSecondStep: true, addPasskey: true,
  stepUpWithPasskey: true,
  renameDevice: true, removeDevice: true, prepareRecoveryCode: true, keepRecoveryCode: true, addPasskeyUnlocker: true, removeUnlocker: true, reopenVault: true,
  prepareAnew: true, finishAnew: true, askApproval: true, answerApproval: true, confirmApproval: true, closeApproval: true,
} as const satisfies Record<EngineMethod, true>;

function remoteApi(call: (request: CallRequest) => Promise<unknown>, forget: (conversationId: string) => void): EngineApi {
  const entries = Object.keys(methods).map((method) => [
    method,
    (...input: readonly unknown[]) => {
      if (method === 'closeTimeline' && typeof input[0] === 'string') forget(input[0]);
      // Name and parameters were checked by EngineApi at the call; the channel is as trusted as a function call.
      return call({ method, input } as unknown as CallRequest);
    },
  ]);
  return Object.fromEntries(entries) as EngineApi;
}
