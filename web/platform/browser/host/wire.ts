/**
 * Messages between pages and the worker that holds the engine. Both ends are built from one source at one time, and a
 * worker of another build is another worker, so these need no versions and no parsing.
 */
import type { EngineApi, EngineErrorCode, EngineMethod, EngineSnapshot, TimelineView } from '../../../engine/api.ts';
import { LanyingError } from '../../../engine/api.ts';
import type { PasskeyCreated, Passkeys, PasskeyUsed } from '../../../engine/ports.ts';

/** `elsewhere`: another worker holds the lock of this profile's engine. */
export type WorkerState = 'waiting' | 'ready' | 'elsewhere' | 'failed';

/** What travels for a LanyingError: classes do not survive structured clone. */
export interface WireError {
  readonly code: EngineErrorCode;
  readonly detail: LanyingError['detail'];
}
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: WireError };

export type CeremonyRequest = {
  readonly [Method in keyof Passkeys]: { readonly method: Method; readonly options: Parameters<Passkeys[Method]>[0]; readonly prfSalt: Parameters<Passkeys[Method]>[1] };
}[keyof Passkeys];

export type CallRequest = { readonly [Method in EngineMethod]: { readonly method: Method; readonly input: Parameters<EngineApi[Method]> } }[EngineMethod];

export type ToWorker =
  /** First of all: `lock` names a Web Lock that the page holds for as long as it lives. */
  | { readonly kind: 'hello'; readonly lock: string }
  | { readonly kind: 'call'; readonly id: number; readonly request: CallRequest }
  | { readonly kind: 'ceremony'; readonly id: number; readonly outcome: Outcome<PasskeyCreated | PasskeyUsed> }
  | { readonly kind: 'take-over' };

export type ToPage =
  | { readonly kind: 'state'; readonly state: WorkerState }
  | { readonly kind: 'snapshot'; readonly snapshot: EngineSnapshot }
  | { readonly kind: 'timeline'; readonly view: TimelineView }
  | { readonly kind: 'result'; readonly id: number; readonly outcome: Outcome<unknown> }
  | { readonly kind: 'ceremony'; readonly id: number; readonly request: CeremonyRequest };

/** The ends of a channel, as MessagePort and worker globals both are. */
export interface Channel<In, Out> {
  post(message: Out): void;
  listen(listener: (message: In) => void): void;
}
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  /** MessagePorts hold messages back until this; worker globals have none. */
  start?(): void;
}
export const channelOf = <In, Out>(port: Port): Channel<In, Out> => ({
  post: (message) => port.postMessage(message),
  listen(listener) {
    port.addEventListener('message', (event: MessageEvent<In>) => listener(event.data));
    port.start?.();
  },
});

/** Anything thrown, as an error that can travel; what is not ours is our own defect and says nothing of itself. */
export const toWire = (error: unknown): WireError =>
  error instanceof LanyingError ? { code: error.code, detail: error.detail } : { code: 'server.internal', detail: {} };
export const fromWire = (error: WireError): LanyingError => new LanyingError(error.code, error.detail);

export const settle = <T>(call: Promise<T>): Promise<Outcome<T>> =>
  call.then(
    (value): Outcome<T> => ({ ok: true, value }),
    (error: unknown): Outcome<T> => ({ ok: false, error: toWire(error) }),
  );
