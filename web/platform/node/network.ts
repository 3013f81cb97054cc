/** A server's origin over fetch and `ws`, with the session cookie that a browser would keep. */
import WebSocket from 'ws';
import { frameBytesMax } from '#protocol/limits.ts';
import type { Network, Socket, SocketHandlers } from '../../engine/ports.ts';
import { closedOnce } from '../closed-once.ts';
import { postJson } from '../post.ts';
import { CookieJar } from './cookie-jar.ts';

/** A WebSocket upgrade without an answer counts as closed after this. */
const handshakeTimeoutMs = 20_000;

function connect(origin: string, jar: CookieJar, handlers: SocketHandlers): Socket {
  const once = closedOnce(handlers);
  const cookie = jar.header();
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/v1/socket`, {
    origin,
    headers: cookie === '' ? {} : { cookie },
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    handshakeTimeout: handshakeTimeoutMs,
    followRedirects: false,
  });
  const end = () => {
    // Lets a closing handshake finish in the background; the engine need not wait for a dead peer.
    socket.close();
    queueMicrotask(once.onClose);
  };
  socket.on('open', once.onOpen);
  socket.on('close', once.onClose);
  // `ws` emits 'close' after every 'error'; without a listener the error would end the process.
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => {
    if (isBinary && Buffer.isBuffer(data)) once.onFrame(new Uint8Array(data));
    else end();
  });
  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: end,
  };
}

/** `origin`: for example `https://chat.example.org`, without a path. Throws TypeError when it is no http(s) origin. */
export function nodeNetwork(origin: string): Network {
  const url = new URL(origin);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError('an origin begins with http: or https:');
  const base = url.origin;
  const jar = new CookieJar();
  return {
    async post(command, body) {
      const cookie = jar.header();
      const headers = { 'content-type': 'application/json', origin: base, ...(cookie === '' ? {} : { cookie }) };
      const answer = await postJson(`${base}/api/v1/${command}`, body, { headers });
      jar.take(answer.headers.getSetCookie());
      return { status: answer.status, body: answer.body };
    },
    connect: (handlers) => connect(base, jar, handlers),
    // Node has no word from the system about the network; the engine's own retries do.
    onOnline: () => () => undefined,
  };
}
