/**
 * One socket of one session: requests in, answers and events out, never more memory than its bounds. Knows frames and
 * topics, not sockets: the transport gives it a Wire.
 */
import { decodeRequest, encodeAnswer, encodeEvent, encodeRefusal } from '#protocol/codec.ts';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import type { EventName, EventPayload } from '#protocol/events.ts';
import type { ConversationId, DeviceId, SessionId, UserId } from '#protocol/ids.ts';
import {
  backpressureBytesMax, frameBytesMax, heldBytesMax, inFlightBytesMax, pagesRunningMax, personInFlightBytesMax, protocolVersion, requestsInFlightMax,
} from '#protocol/limits.ts';
import type { CallContext, TailPort } from '../commands/router.ts';
import type { Ops } from '../ops/ops.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { SessionRecord } from '../ports/store.ts';
import type { Directory } from './directory.ts';
import type { Dispatch } from './dispatch.ts';
import { type SessionChange, type SessionState, transition } from './state.ts';

/** Commands whose answers can be pages of megabytes: so few of them run at once on one socket that a slow reader cannot pile them up. */
const pageCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'log.tail', 'log.read', 'welcome.list', 'archive.get', 'keyPackage.claim', 'device.list', 'conversation.list', 'conversation.groupInfo',
]);

/** Inputs this small are not counted against others of the same person. */
const lightBytesMax = 128 * 1024;

export const closeCodes = { malformed: 1007, goingAway: 1001, sessionEnded: 4001 } as const;

export const conversationTopic = (conversationId: ConversationId): string => `c:${conversationId}`;

/** What a connection asks of its socket. Never called after the socket closed. */
export interface Wire {
  /** Bytes that the peer has not taken yet. */
  buffered(): number;
  send(frame: Uint8Array): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Sends a close frame; `Connection.closed` is called before it returns or soon after. */
  end(code: number): void;
  /** Cuts it off with everything that is unread; `Connection.closed` is called before it returns or soon after. */
  cut(): void;
}

export interface ConnectionParts {
  readonly dispatch: Dispatch;
  readonly directory: Directory;
  readonly ops: Ops;
  readonly runtime: Runtime;
  readonly byId: (sessionId: SessionId) => Promise<SessionRecord | null>;
  /** [Z1] Nothing can be stored now. */
  readonly full: () => boolean;
}

interface Pending {
  readonly id: number;
  readonly command: CommandName;
  readonly input: unknown;
  readonly bytes: number;
}

export class Connection {
  readonly sessionId: SessionId;
  readonly #parts: ConnectionParts;
  readonly #wire: Wire;
  readonly #address: string;
  #state: SessionState = { kind: 'opening', bound: null };
  #draining = false;
  #inFlight = 0;
  #inFlightBytes = 0;
  #pagesRunning = 0;
  /** Requests that wait for `ready` or for a slow reader; counted in flight. */
  #waiting: Pending[] = [];
  /** Frames that wait for `ready` or for a slow reader. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  readonly #tailed = new Set<ConversationId>();
  /** Dropped frames since the last `lagged`; non-null until that is sent. */
  #lagged: Set<ConversationId> | null = null;
  /** Requests that went live but are not answered yet: `lagged` must come behind their answers. */
  #tailsUnanswered = 0;

  constructor(parts: ConnectionParts, wire: Wire, sessionId: SessionId, address: string) {
    this.#parts = parts;
    this.#wire = wire;
    this.sessionId = sessionId;
    this.#address = address;
  }

  get userId(): UserId | null {
    return this.#state.kind === 'ready' ? this.#state.session.userId : null;
  }
  get deviceId(): DeviceId | null {
    return this.#state.kind === 'ready' ? this.#state.session.deviceId : null;
  }
  get inFlight(): number {
    return this.#inFlight;
  }
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }
  /** What waits in memory for the peer to read it. */
  get unreadBytes(): number {
    const open = this.#state.kind === 'opening' || this.#state.kind === 'ready';
    return open ? this.#heldBytes + this.#wire.buffered() : 0;
  }

  /** Looks the session up once more: it may have ended between the upgrade's look and now. */
  async open(): Promise<void> {
    this.#parts.directory.opened(this);
    const session = await this.#parts.byId(this.sessionId);
    if (this.#state.kind !== 'opening') return;
    if (session === null) return this.#close(closeCodes.sessionEnded);
    this.#change({ kind: 'authenticated', session });
    const { userId, deviceId } = this;
    if (userId === null) return;
    // [A17] Until it has done what comes first it hears of nothing.
    if (session.must === undefined) this.#parts.directory.ready(this, userId, deviceId);
    this.#wire.send(
      encodeEvent('ready', { protocol: protocolVersion, serverTime: this.#parts.runtime.now(), userId, deviceId, requestsInFlightMax }),
    );
    if (this.#parts.full()) this.#wire.send(encodeEvent('storage', { full: true }));
    this.drained();
  }

  /** `frame` is the connection's own copy. */
  received(frame: Uint8Array, isBinary: boolean): void {
    if (this.#state.kind === 'closing' || this.#state.kind === 'closed') return;
    const request = isBinary ? decodeRequest(frame) : null;
    if (request === null) {
      this.#parts.ops.frameRefused();
      return this.#close(closeCodes.malformed);
    }
    if (request.kind === 'unknown') return this.#refuse(request.id, 'command.unknown');
    if ('httpOnly' in commands[request.command]) return this.#refuse(request.id, 'command.http_only');
    if (this.#draining) return this.#refuse(request.id, 'server.unavailable');
    if (!this.#takesMore(frame.length)) return this.#refuse(request.id, 'command.too_many_in_flight');
    this.#inFlight += 1;
    this.#inFlightBytes += frame.length;
    this.#waiting.push({ id: request.id, command: request.command, input: request.input, bytes: frame.length });
    this.#startWaiting();
  }

  /** [F4] [Q3] */
  #takesMore(bytes: number): boolean {
    if (this.#inFlight >= requestsInFlightMax) return false;
    if (this.#inFlight > 0 && this.#inFlightBytes + bytes > inFlightBytesMax) return false;
    const { userId } = this;
    if (userId === null || bytes < lightBytesMax) return true;
    const others = this.#parts.directory.byUser(userId).reduce((sum, connection) => sum + connection.inFlightBytes, 0);
    return others === 0 || others + bytes <= personInFlightBytesMax;
  }

  event<N extends EventName>(name: N, payload: EventPayload<N>): void {
    if (this.#state.kind === 'ready') this.#deliver(encodeEvent(name, payload));
  }
  /** An ephemeral event: a slow reader misses it. */
  glance(frame: Uint8Array): void {
    if (this.#state.kind === 'ready' && !this.#congested()) this.#wire.send(frame);
  }

  /** [S4] The session became a device's. */
  bound(deviceId: DeviceId): void {
    const before = this.deviceId;
    const userId = this.userId;
    this.#change({ kind: 'bound', deviceId });
    if (userId === null || this.deviceId === before) return;
    this.#parts.directory.bound(this, before, deviceId);
  }

  /** [A17] */
  freed(): void {
    const { userId, deviceId } = this;
    if (userId !== null) this.#parts.directory.ready(this, userId, deviceId);
  }
  /** [A17] Its session may do less than when this was opened: the client comes again and hears what. */
  beginAgain(): void {
    this.#close(closeCodes.goingAway);
  }

  /** [S3] */
  end(reason: EventPayload<'sessionEnded'>['reason']): void {
    if (this.#state.kind === 'ready' && !this.#congested()) this.#wire.send(encodeEvent('sessionEnded', { reason }));
    this.#close(closeCodes.sessionEnded);
  }
  /** The server is about to stop: what is under way is answered, further requests are refused. */
  drain(): void {
    this.#draining = true;
    this.event('draining', {});
  }
  goAway(): void {
    this.#close(closeCodes.goingAway);
  }
  /** [L8] Leaves too much unread: no close frame would reach it in time, and its memory is needed now. */
  cutOverload(): void {
    if (this.#state.kind === 'closing' || this.#state.kind === 'closed') return;
    this.#wire.cut();
  }
  endIfExpired(): void {
    if (this.#state.kind === 'ready' && this.#state.session.expiresAt <= this.#parts.runtime.now()) this.end('expired');
  }

  /** [C7] Nothing that is published from here on reaches it. */
  cutOff(conversationId: ConversationId): void {
    this.#untail(conversationId);
    this.#lagged?.delete(conversationId);
    this.event('removed', { conversationId });
  }

  /**
   * The socket dropped a published frame. Runs inside the relay's own walk over its topics, where nothing may be
   * unsubscribed: that waits for a turn of its own. What is published until then still comes in ascending order.
   */
  dropped(): void {
    if (this.#state.kind !== 'ready' || this.#lagged !== null) return;
    this.#lagged = new Set();
    this.#parts.runtime.after(0, () => this.#settleLag());
  }

  /** The peer took bytes: pass on what waits, then say what it missed. */
  drained(): void {
    while (this.#state.kind === 'ready' && this.#wire.buffered() <= backpressureBytesMax) {
      const frame = this.#held.shift();
      if (frame === undefined) break;
      this.#heldBytes -= frame.length;
      this.#wire.send(frame);
    }
    this.#startWaiting();
    this.#settleLag();
  }

  /** The socket is gone. */
  closed(): void {
    const { userId, deviceId } = this;
    for (const conversationId of this.#tailed) this.#parts.directory.untailed(this, conversationId);
    this.#tailed.clear();
    this.#lagged = null;
    this.#waiting = [];
    this.#held = [];
    this.#parts.directory.closed(this, userId, deviceId);
    this.#change({ kind: 'gone' });
  }

  #change(change: SessionChange): void {
    this.#state = transition(this.#state, change);
  }

  #close(code: number): void {
    if (this.#state.kind === 'closing' || this.#state.kind === 'closed') return;
    const { userId, deviceId } = this;
    // Off the directory at once: a closing socket is nobody's any more.
    for (const conversationId of this.#tailed) this.#untail(conversationId);
    this.#parts.directory.closed(this, userId, deviceId);
    this.#change({ kind: 'close', code });
    this.#wire.end(code);
  }

  #congested(): boolean {
    return this.#held.length > 0 || this.#wire.buffered() > backpressureBytesMax;
  }

  #deliver(frame: Uint8Array): void {
    if (this.#state.kind === 'closing' || this.#state.kind === 'closed') return;
    if (this.#state.kind === 'ready' && !this.#congested()) return this.#wire.send(frame);
    this.#held.push(frame);
    this.#heldBytes += frame.length;
    // A close frame would wait behind all that, and keep it.
    if (this.#heldBytes > heldBytesMax) this.cutOverload();
  }

  #refuse(id: number, code: ErrorCode): void {
    this.#deliver(encodeRefusal(id, code));
  }

  #startWaiting(): void {
    while (this.#state.kind === 'ready' && !this.#congested()) {
      const at = this.#waiting.findIndex(({ command }) => this.#pagesRunning < pagesRunningMax || !pageCommands.has(command));
      const [request] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (request === undefined) return;
      if (this.#state.session.expiresAt <= this.#parts.runtime.now()) return this.end('expired');
      void this.#run(request, this.#state.session);
    }
  }

  /** Never rejects: dispatch turns throws into refusals. */
  async #run(request: Pending, session: SessionRecord): Promise<void> {
    const page = pageCommands.has(request.command) ? 1 : 0;
    this.#pagesRunning += page;
    const tail = this.#tailOf();
    const context: CallContext = { session, address: this.#address, tail };
    const { result } = await this.#parts.dispatch('socket', request.command, request.input, context);
    this.#pagesRunning -= page;
    this.#inFlight -= 1;
    this.#inFlightBytes -= request.bytes;
    if (result.ok) this.#answer(request, result.value);
    else this.#deliver(encodeRefusal(request.id, result.code, result.detail));
    if (tail.wentLive()) this.#tailsUnanswered -= 1;
    this.#settleLag();
    this.#startWaiting();
  }

  #answer(request: Pending, value: unknown): void {
    const frame = encodeAnswer(request.id, value);
    if (frame.length <= frameBytesMax) return this.#deliver(frame);
    // Clients refuse such a frame whole: the command must bound its pages.
    this.#parts.ops.callFailed('-', request.command, new Error(`an answer of ${frame.length} bytes is longer than a frame may be`));
    this.#refuse(request.id, 'server.internal');
  }

  #tailOf(): TailPort & { wentLive(): boolean } {
    let live = false;
    return {
      subscribe: (conversationId) => {
        if (this.#state.kind !== 'ready') return;
        if (!live) this.#tailsUnanswered += 1;
        live = true;
        // While it lags it would be taken off again at once: it hears so behind the answer.
        if (this.#lagged !== null) return void this.#lagged.add(conversationId);
        this.#tailed.add(conversationId);
        this.#parts.directory.tailing(this, conversationId);
        this.#wire.subscribe(conversationTopic(conversationId));
      },
      wentLive: () => live,
    };
  }

  #untail(conversationId: ConversationId): void {
    if (!this.#tailed.delete(conversationId)) return;
    this.#parts.directory.untailed(this, conversationId);
    this.#wire.unsubscribe(conversationTopic(conversationId));
  }

  /** [L8] Off the topics at once; told when it reads again and every answer that said "live" is written. */
  #settleLag(): void {
    const lagged = this.#lagged;
    if (lagged === null || this.#state.kind !== 'ready') return;
    for (const conversationId of this.#tailed) {
      lagged.add(conversationId);
      this.#untail(conversationId);
    }
    if (this.#wire.buffered() > 0 || this.#held.length > 0 || this.#tailsUnanswered > 0) return;
    this.#lagged = null;
    if (lagged.size === 0) return;
    this.#parts.ops.socketLagged(lagged.size);
    this.#wire.send(encodeEvent('lagged', { conversationIds: [...lagged] }));
  }
}
