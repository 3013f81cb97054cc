/** The HTTP and WebSocket door: routes, static files, health. uWebSockets.js is imported in this folder only. */
import type { HttpRequest, HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { bodyBytesMax, guestBodyBytesMax } from '#protocol/limits.ts';
import type { Ops } from '../ops/ops.ts';
import type { ConnectionParts } from '../session/connection.ts';
import { answerPost, needsSession, type PostHead, type PostParts, refusalAnswer, refuseHead } from '../session/post.ts';
import { readCookie } from '../session/cookie.ts';
import type { Runtime } from '../session/seam.ts';
import { addressKey, isLoopback } from './address.ts';
import { Connected } from './connected.ts';
import type { FileRoutes } from './files.ts';
import { isAmbiguous } from './framing.ts';
import { securityHeaders } from './headers.ts';
import { type Answer, BodyBudgets, Exchange, jsonAnswer, textAnswer } from './http.ts';
import { type Relay, RelayError } from './native.ts';
import { socketBehavior } from './socket.ts';
import { encodedFor, findFile, type StaticFiles } from './static-files.ts';

const commandPath = '/api/v1/';
/** Bodies of all requests under way, together. */
const bodiesBytesMax = 32 * bodyBytesMax;
/** Of them, what those without a live session may hold, and all of them at one address. */
const guestBodiesBytesMax = 8 * bodyBytesMax;
const addressBodiesBytesMax = 2 * bodyBytesMax;
/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it a second server would share the port and take every other connection. */
const exclusivePort = 1;

export interface AppParts {
  readonly relay: Relay;
  readonly origin: string;
  readonly bind: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly files: StaticFiles;
  readonly openApi: string;
  /** Uploads and downloads; null: none (tests of the other routes). */
  readonly fileRoutes: FileRoutes | null;
  readonly post: PostParts;
  readonly connections: ConnectionParts;
  readonly ops: Ops;
  readonly runtime: Runtime;
  /** TCP connections, sockets among them. */
  readonly connectionsMax: number;
  /** Why the server cannot work, as fixed words; empty when it can. */
  readonly unready: () => readonly string[];
}

export interface App {
  /** Resolves to the port. Throws RelayError when the address or port cannot be had. */
  listen(): Promise<number>;
  publish(topic: string, frame: Uint8Array): void;
  /** No new connection; calls on open ones are refused as `server.unavailable`. */
  drain(): void;
  /** Cuts every connection. */
  close(): void;
}

export function createApp(parts: AppParts): App {
  const app = parts.relay.App();
  const security = securityHeaders(parts.origin);
  let listening: us_listen_socket | null = null;
  const budgets = new BodyBudgets(bodiesBytesMax, guestBodiesBytesMax, addressBodiesBytesMax);
  let draining = false;
  const connected = new Connected(parts.connectionsMax, parts.ops.load);
  app.filter((res, change) => connected.changed(res, change));
  app.ws('/api/v1/socket', socketBehavior({
    origin: parts.origin,
    cookie: parts.post.cookie,
    security,
    sessions: parts.post.sessions,
    connections: parts.connections,
    ops: parts.ops,
    draining: () => draining,
    connected,
  }));
  const { fileRoutes } = parts;
  app.any('/*', (res, req) => {
    if (isAmbiguous(req)) return new Exchange(res, security).answerAndClose(jsonAnswer(400, refusalAnswer('input.malformed').body), parts.runtime);
    if (fileRoutes?.takes(req.getUrl()) === true) return fileRoutes.handle(res, req);
    const exchange = new Exchange(res, security);
    const path = req.getUrl();
    const method = req.getMethod();
    if (path.startsWith(commandPath) && path !== '/api/v1/openapi.json') return command(parts, budgets, exchange, res, req, draining);
    const page = method === 'get' || method === 'head';
    if (!page) return exchange.answer(textAnswer(405, 'Method not allowed', [['allow', 'GET, HEAD']]));
    if (path === '/metrics') return void metrics(parts, exchange, isLoopback(new Uint8Array(res.getRemoteAddress())) && !isForwarded(req));
    const found = resource(parts, path, req);
    exchange.answer(found, method === 'head');
  });
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const taken = () =>
          new RelayError(`Cannot listen on ${parts.bind} port ${parts.port}: another program has that port, or the address is not this machine's. Stop it, or set LANYING_PORT or LANYING_BIND.`);
        app.listen(parts.bind, parts.port, exclusivePort, (socket) => {
          if (socket === false) return reject(taken());
          listening = socket;
          resolve(parts.relay.us_socket_local_port(socket));
        });
      }),
    publish: (topic, frame) => void app.publish(topic, frame, true, false),
    drain() {
      draining = true;
      fileRoutes?.drain();
      if (listening !== null) parts.relay.us_listen_socket_close(listening);
      listening = null;
    },
    close: () => void app.close(),
  };
}

function resource(parts: AppParts, path: string, req: HttpRequest): Answer {
  if (path === '/healthz') return textAnswer(200, 'ok\n');
  if (path === '/readyz') {
    const reasons = parts.unready();
    return jsonAnswer(reasons.length === 0 ? 200 : 503, JSON.stringify({ ready: reasons.length === 0, reasons }));
  }
  if (path === '/api/v1/openapi.json') return jsonAnswer(200, parts.openApi);
  const file = findFile(parts.files, path);
  if (file === null) {
    if (path.startsWith('/api/')) return jsonAnswer(404, refusalAnswer('command.unknown').body);
    return textAnswer(404, parts.files.size === 0 ? 'The web client is not built: run `npm run build`.\n' : 'Not found\n');
  }
  const { bytes, encoding } = encodedFor(file, req.getHeader('accept-encoding'));
  const headers: [string, string][] = [
    ['content-type', file.contentType],
    ['cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache'],
    ['etag', file.etag],
    ['vary', 'accept-encoding'],
  ];
  if (req.getHeader('if-none-match').includes(file.etag)) return { status: 304, headers, body: '' };
  if (encoding !== null) headers.push(['content-encoding', encoding]);
  return { status: 200, headers, body: bytes };
}

/** A proxy on this machine passes on what others ask, and says so in one of these (RFC 7239, RFC 9110 §7.6.3). */
const isForwarded = (req: HttpRequest): boolean =>
  ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => req.getHeader(name) !== '');

async function metrics(parts: AppParts, exchange: Exchange, loopback: boolean): Promise<void> {
  if (!loopback) return exchange.answer(textAnswer(403, 'Metrics are for this machine only\n'));
  exchange.answer(textAnswer(200, await parts.ops.metrics()));
}

function command(parts: AppParts, budgets: BodyBudgets, exchange: Exchange, res: HttpResponse, req: HttpRequest, draining: boolean): void {
  // The request lives on the stack of this call: all that is needed later is read now.
  const head: PostHead = {
    method: req.getMethod(),
    command: req.getUrl().slice(commandPath.length),
    origin: req.getHeader('origin'),
    cookie: req.getHeader('cookie'),
    contentType: req.getHeader('content-type'),
    address: addressKey(new Uint8Array(res.getRemoteAddress().slice(0))),
    agent: req.getHeader('user-agent'),
  };
  const send = ({ status, body, headers }: ReturnType<typeof refusalAnswer>): void => exchange.answer(jsonAnswer(status, body, headers), head.method === 'head');
  if (draining) return send(refusalAnswer('server.unavailable'));
  const refused = refuseHead(head, parts.post);
  if (refused !== null) return send(refused);
  const share = budgets.share(head.address);
  const cookie = readCookie(head.cookie, parts.post.cookie);
  if (cookie !== null) {
    // [F8] Asked while the body comes: without a live session, what needs one is refused before it is whole.
    parts.post.sessions.authenticate(cookie).then(
      (session) => {
        if (session !== null) share.vouch();
        else if (needsSession(head.command)) send(refusalAnswer('session.required'));
      },
      (cause: unknown) => parts.ops.callFailed('post', head.command, cause),
    );
  }
  exchange.readBody(needsSession(head.command) ? bodyBytesMax : guestBodyBytesMax, share, parts.runtime, (read) => {
    if (read.kind === 'cut') return parts.ops.load.bodyCut();
    if (read.kind === 'too-large') return send(refusalAnswer('input.too_large'));
    if (read.kind === 'no-room') return send(refusalAnswer('server.unavailable'));
    answerPost(head, read.body, parts.post).then(send, (cause: unknown) => {
      parts.ops.callFailed('post', head.command, cause);
      send(refusalAnswer('server.unavailable'));
    });
  });
}
