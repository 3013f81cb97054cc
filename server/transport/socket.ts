/** `/api/v1/socket`: upgrades, and the wire between a uWebSockets.js socket and a session's connection. */
import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket, WebSocketBehavior } from 'uWebSockets.js';
import type { SessionId } from '#protocol/ids.ts';
import { backpressureBytesMax, frameBytesMax, socketsPerPersonMax, socketsPerSessionMax } from '#protocol/limits.ts';
import type { Ops } from '../ops/ops.ts';
import { Connection, type ConnectionParts, type Wire } from '../session/connection.ts';
import { type CookieForm, readCookie } from '../session/cookie.ts';
import { refusalAnswer } from '../session/post.ts';
import type { SessionLookup } from '../session/seam.ts';
import { addressKey } from './address.ts';
import type { Connected } from './connected.ts';
import { isAmbiguous } from './framing.ts';
import type { Headers } from './headers.ts';
import { Exchange, jsonAnswer } from './http.ts';

/** Clients ping every 25 s (clientPingEveryMs); seconds, rounded by the relay to about 4. */
const idleTimeoutSeconds = 60;
/** A socket that is gone without a word is found within so long. */
const fullRetryMs = 60_000;
/**
 * Every socket stays on one topic that nothing is published to: the relay frees its bookkeeping of a socket when that
 * leaves its last topic, which must not happen while frames for it wait.
 */
const anchorTopic = 'anchor';

interface SocketData {
  readonly sessionId: SessionId;
  readonly address: string;
  connection: Connection | null;
}

export interface SocketParts {
  readonly origin: string;
  readonly cookie: CookieForm;
  readonly security: Headers;
  readonly sessions: SessionLookup;
  readonly connections: ConnectionParts;
  readonly ops: Ops;
  readonly draining: () => boolean;
  readonly connected: Connected;
}

/**
 * Sockets that are open, for one upgrade to happen inside the cork of another. When the callback of a response's own cork
 * returns, the relay closes a connection whose head said `Connection: close`, and it sees that the response became a socket
 * only when that moved in memory; else it takes the flag from memory that is the response's no longer, and once in some
 * 10,000 upgrades closed a socket in its first millisecond (uWebSockets #1929). While another socket is corked, a response's
 * cork calls back and does nothing more. The first socket of all has no other, and its client comes again.
 */
type OpenSockets = Set<WebSocket<SocketData>>;

function insideAnother(open: OpenSockets, run: () => void): void {
  const [other] = open;
  if (other === undefined) run();
  else other.cork(run);
}

/** For such a head the relay would end what it upgrades; RFC 6455 §4.2.1 wants `Upgrade` there. */
const asksForTheEnd = (req: HttpRequest): boolean => req.getHeader('connection').toLowerCase() === 'close';

function upgrade(
  parts: SocketParts,
  open: OpenSockets,
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
): void {
  const exchange = new Exchange(res, parts.security);
  const refuse = (...refusal: Parameters<typeof refusalAnswer>): void => {
    parts.ops.upgradeRefused(refusal[0]);
    const { status, body, headers } = refusalAnswer(...refusal);
    exchange.answer(jsonAnswer(status, body, headers));
  };
  if (isAmbiguous(req))
    return exchange.answerAndClose(jsonAnswer(400, refusalAnswer('input.malformed').body), parts.connections.runtime);
  if (asksForTheEnd(req)) return refuse('input.malformed');
  // Requests live on the stack of this call: all that is needed later is read now.
  const key = req.getHeader('sec-websocket-key');
  const extensions = req.getHeader('sec-websocket-extensions');
  const value = readCookie(req.getHeader('cookie'), parts.cookie);
  const address = addressKey(new Uint8Array(res.getRemoteAddress().slice(0)));
  if (parts.draining()) return refuse('server.unavailable');
  if (req.getHeader('origin') !== parts.origin) return refuse('origin.refused');
  if (value === null) return refuse('session.required');
  parts.sessions.authenticate(value).then(
    (session) => {
      if (session === null) return refuse('session.required');
      const { directory } = parts.connections;
      const many =
        directory.bySession(session.sessionId).length >= socketsPerSessionMax ||
        directory.countOf(session.userId) >= socketsPerPersonMax;
      if (many) return refuse('rate.limited', { retryAfterMs: fullRetryMs });
      const data: SocketData = { sessionId: session.sessionId, address, connection: null };
      insideAnother(open, () => exchange.release((response) => response.upgrade(data, key, '', extensions, context)));
    },
    (cause: unknown) => {
      parts.ops.callFailed('upgrade', 'socket', cause);
      refuse('server.unavailable');
    },
  );
}

function wireOf(ws: WebSocket<SocketData>): Wire {
  return {
    buffered: () => ws.getBufferedAmount(),
    send: (frame) => void ws.send(frame, true, false),
    subscribe: (topic) => void ws.subscribe(topic),
    unsubscribe: (topic) => void ws.unsubscribe(topic),
    end: (code) => ws.end(code),
    cut: () => ws.close(),
  };
}

export function socketBehavior(parts: SocketParts): WebSocketBehavior<SocketData> {
  const open: OpenSockets = new Set();
  return {
    compression: 0,
    maxPayloadLength: frameBytesMax,
    maxBackpressure: backpressureBytesMax,
    closeOnBackpressureLimit: false,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(parts, open, res, req, context),
    open: (ws) => {
      const data = ws.getUserData();
      const connection = new Connection(parts.connections, wireOf(ws), data.sessionId, data.address);
      data.connection = connection;
      open.add(ws);
      ws.subscribe(anchorTopic);
      parts.connected.upgraded();
      parts.ops.socketOpened();
      connection.open().catch((cause: unknown) => {
        parts.ops.callFailed('open', 'socket', cause);
        connection.goAway();
      });
    },
    // The relay neuters its buffer when this returns: the copy is taken first.
    message: (ws, message, isBinary) =>
      ws.getUserData().connection?.received(new Uint8Array(message.slice(0)), isBinary),
    dropped: (ws) => ws.getUserData().connection?.dropped(),
    drain: (ws) => ws.getUserData().connection?.drained(),
    close: (ws, code) => {
      open.delete(ws);
      ws.getUserData().connection?.closed();
      parts.connected.socketClosed();
      parts.ops.socketClosed(code);
    },
  };
}
