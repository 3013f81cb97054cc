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

function upgrade(parts: SocketParts, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  const exchange = new Exchange(res, parts.security);
  const refuse = (...refusal: Parameters<typeof refusalAnswer>): void => {
    parts.ops.upgradeRefused(refusal[0]);
    const { status, body, headers } = refusalAnswer(...refusal);
    exchange.answer(jsonAnswer(status, body, headers));
  };
  if (isAmbiguous(req)) return exchange.answerAndClose(jsonAnswer(400, refusalAnswer('input.malformed').body), parts.connections.runtime);
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
      const many = directory.bySession(session.sessionId).length >= socketsPerSessionMax || directory.countOf(session.userId) >= socketsPerPersonMax;
      if (many) return refuse('rate.limited', { retryAfterMs: fullRetryMs });
      const data: SocketData = { sessionId: session.sessionId, address, connection: null };
      exchange.release((response) => response.upgrade(data, key, '', extensions, context));
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
  return {
    compression: 0,
    maxPayloadLength: frameBytesMax,
    maxBackpressure: backpressureBytesMax,
    closeOnBackpressureLimit: false,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(parts, res, req, context),
    open: (ws) => {
      const data = ws.getUserData();
      const connection = new Connection(parts.connections, wireOf(ws), data.sessionId, data.address);
      data.connection = connection;
      ws.subscribe(anchorTopic);
      parts.connected.upgraded();
      parts.ops.socketOpened();
      connection.open().catch((cause: unknown) => {
        parts.ops.callFailed('open', 'socket', cause);
        connection.goAway();
      });
    },
    // The relay neuters its buffer when this returns: the copy is taken first.
    message: (ws, message, isBinary) => ws.getUserData().connection?.received(new Uint8Array(message.slice(0)), isBinary),
    dropped: (ws) => ws.getUserData().connection?.dropped(),
    drain: (ws) => ws.getUserData().connection?.drained(),
    close: (ws, code) => {
      ws.getUserData().connection?.closed();
      parts.connected.socketClosed();
      parts.ops.socketClosed(code);
    },
  };
}
