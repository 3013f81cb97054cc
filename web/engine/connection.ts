/**
 * One socket to the server, kept alive: connect, wait, reconnect with growing, jittered pauses. Calls are answered, or
 * reject with a typed error; a lost connection rejects what was waiting with `network.unreachable`.
 */
import * as v from 'valibot';
import { decodeServerFrame, encodeRequest, type ServerFrame } from '#protocol/codec.ts';
import { type CommandName, commands, type Output } from '#protocol/commands/index.ts';
import { type EventName, type EventPayload, events } from '#protocol/events.ts';
import { clientPingEveryMs, limitedWaitMsMax, protocolVersion, requestsInFlightMax } from '#protocol/limits.ts';
import { LanyingError } from './api.ts';
import { chance } from './chance.ts';
import type { Network, Runtime, Socket, Timer } from './ports.ts';

const requestTimeoutMs = 30_000;
const pauseMsMin = 250;
const pauseMsMax = 15_000;

/** Before the next try, after so many that failed one after the other; `random`: from 0 to 1. Half of it is jitter, so that a crowd spreads. */
export function reconnectPauseMs(attempts: number, random: number): number {
  const ceiling = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(attempts - 1, 8));
  return ceiling * (0.5 + random / 2);
}

export type LinkState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'opening'; readonly socket: Socket }
  | { readonly kind: 'online'; readonly socket: Socket; readonly ping: Timer; readonly full: boolean }
  | { readonly kind: 'pausing'; readonly timer: Timer };

export type ServerEvent = { [N in EventName]: { readonly name: N; readonly payload: EventPayload<N> } }[EventName];

interface Waiting {
  readonly command: CommandName;
  readonly input: unknown;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: LanyingError) => void;
  readonly timer: Timer;
}

/** Refusals that give way by themselves. Times without the server's word; the same calls wait so long together. */
const limitedCodes = new Set<string>(['rate.limited', 'command.too_many_in_flight']);
const limitedPauseMs = 200;

export interface ConnectionListener {
  onOnline(): void;
  onOffline(): void;
  onEvent(event: ServerEvent): void;
  /** The server has no room to store anything, or has it again ([Z1]). */
  onStorage(full: boolean): void;
  /** The server does not know this session (any more). */
  onRefused(): void;
}

export class Connection {
  #state: LinkState = { kind: 'stopped' };
  #attempts = 0;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #unsent: (() => void)[] = [];
  /** Refused by a limit that gives way soon; sent again then. */
  readonly #limited = new Map<() => void, Timer>();
  readonly #stopOnline: () => void;

  constructor(
    readonly runtime: Runtime,
    readonly network: Network,
    readonly listener: ConnectionListener,
  ) {
    this.#stopOnline = network.onOnline(() => {
      if (this.#state.kind === 'pausing') this.#open();
    });
  }

  get online(): boolean {
    return this.#state.kind === 'online';
  }
  /** Connected, and the server cannot store anything now. */
  get full(): boolean {
    return this.#state.kind === 'online' && this.#state.full;
  }
  /** Connected, and what is sent can be stored. */
  get writable(): boolean {
    return this.#state.kind === 'online' && !this.#state.full;
  }

  start(): void {
    if (this.#state.kind === 'stopped') this.#open();
  }

  stop(): void {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    if (state.kind === 'pausing') state.timer.cancel();
    if (state.kind === 'online') state.ping.cancel();
    if (state.kind === 'online' || state.kind === 'opening') state.socket.close();
    this.#rejectAll();
  }

  close(): void {
    this.stop();
    this.#stopOnline();
  }

  /** Sends a command; the answer has passed the row's schema. */
  async call<N extends CommandName>(command: N, input: v.InferInput<(typeof commands)[N]['input']>): Promise<Output<N>> {
    const output = await new Promise<unknown>((resolve, reject) => this.#send(command, input, resolve, reject));
    const parsed = v.safeParse(commands[command].output, output);
    if (!parsed.success) throw new LanyingError('server.internal', { reason: 'answer' });
    return parsed.output;
  }

  #send(command: CommandName, input: unknown, resolve: (output: unknown) => void, reject: (error: LanyingError) => void): void {
    const state = this.#state;
    if (state.kind !== 'online') return reject(new LanyingError('network.unreachable'));
    if (this.#waiting.size >= requestsInFlightMax - 1) {
      this.#unsent.push(() => this.#send(command, input, resolve, reject));
      return;
    }
    const id = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    const timer = this.runtime.after(requestTimeoutMs, () => state.socket.close());
    this.#waiting.set(id, { command, input, resolve, reject, timer });
    state.socket.send(encodeRequest(id, command, input));
  }

  #open(): void {
    if (this.#state.kind === 'pausing') this.#state.timer.cancel();
    const socket: Socket = this.network.connect({
      onOpen: () => undefined,
      onFrame: (frame) => this.#onFrame(socket, frame),
      onClose: () => this.#onClose(socket),
    });
    this.#state = { kind: 'opening', socket };
  }

  #isCurrent(socket: Socket): boolean {
    return (this.#state.kind === 'opening' || this.#state.kind === 'online') && this.#state.socket === socket;
  }

  #onClose(socket: Socket): void {
    if (!this.#isCurrent(socket)) return;
    const wasOnline = this.#state.kind === 'online';
    if (this.#state.kind === 'online') this.#state.ping.cancel();
    this.#attempts += 1;
    const timer = this.runtime.after(reconnectPauseMs(this.#attempts, chance(this.runtime)), () => this.#open());
    this.#state = { kind: 'pausing', timer };
    this.#rejectAll();
    if (wasOnline) this.listener.onOffline();
    if (this.#attempts % 3 === 1) void this.#askSession();
  }

  /** A refused upgrade looks like a lost connection; only a plain call tells that the session has ended. */
  async #askSession(): Promise<void> {
    try {
      const { status } = await this.network.post('session.get', {});
      if (status === 401 && this.#state.kind === 'pausing') this.listener.onRefused();
    } catch (cause) {
      if (!(cause instanceof LanyingError)) throw cause;
    }
  }

  #rejectAll(): void {
    const error = new LanyingError('network.unreachable');
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { timer, reject } of waiting) {
      timer.cancel();
      reject(error);
    }
    const limited = [...this.#limited];
    this.#limited.clear();
    for (const [, timer] of limited) timer.cancel();
    for (const retry of [...this.#unsent.splice(0), ...limited.map(([again]) => again)]) retry();
  }

  /** [Q2] The server said how long: the same call again then. A longer wait is the caller's to tell. */
  #again({ command, input, resolve, reject }: Waiting, error: LanyingError): void {
    const { retryAfterMs = limitedPauseMs } = error.detail;
    if (!limitedCodes.has(error.code) || retryAfterMs > limitedWaitMsMax) return reject(error);
    const again = (): void => {
      this.#limited.delete(again);
      this.#send(command, input, resolve, reject);
    };
    this.#limited.set(again, this.runtime.after(retryAfterMs + chance(this.runtime) * limitedPauseMs, again));
  }

  #onFrame(socket: Socket, bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isCurrent(socket)) return;
    const frame = decodeServerFrame(bytes);
    // A frame of a later version, or nonsense: without it nothing is lost that the log does not have.
    if (frame === null) return;
    if (frame.kind === 'event') this.#onEvent(socket, frame);
    else this.#onAnswer(frame);
  }

  #onAnswer(frame: Exclude<ServerFrame, { kind: 'event' }>): void {
    const waiting = this.#waiting.get(frame.id);
    if (waiting === undefined) return;
    this.#waiting.delete(frame.id);
    waiting.timer.cancel();
    if (frame.kind === 'answer') waiting.resolve(frame.output);
    else this.#again(waiting, new LanyingError(frame.code, frame.detail));
    this.#unsent.shift()?.();
  }

  #onEvent(socket: Socket, frame: ServerFrame & { kind: 'event' }): void {
    const parsed = v.safeParse(events[frame.name], frame.payload);
    if (!parsed.success) return;
    const event = { name: frame.name, payload: parsed.output } as ServerEvent;
    if (event.name === 'ready') {
      if (event.payload.protocol !== protocolVersion) return socket.close();
      this.#attempts = 0;
      this.#state = { kind: 'online', socket, ping: this.#pingLater(), full: false };
      this.listener.onOnline();
      return;
    }
    if (this.#state.kind !== 'online') return;
    if (event.name !== 'storage') return this.listener.onEvent(event);
    this.#state = { ...this.#state, full: event.payload.full };
    this.listener.onStorage(event.payload.full);
  }

  #pingLater(): Timer {
    return this.runtime.after(clientPingEveryMs, () => {
      if (this.#state.kind !== 'online') return;
      this.#state = { ...this.#state, ping: this.#pingLater() };
      // A ping without an answer closes the socket by its time-out; its own rejection says nothing more.
      this.#send('session.ping', {}, () => undefined, () => undefined);
    });
  }
}
