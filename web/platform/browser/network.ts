/** The same origin that served the page: fetch with its cookie, one binary WebSocket. Works in pages and workers. */
import type { Network, Socket, SocketHandlers } from '../../engine/ports.ts';
import { closedOnce } from '../closed-once.ts';
import { postJson } from '../post.ts';

function connect(origin: string, handlers: SocketHandlers): Socket {
  const once = closedOnce(handlers);
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/v1/socket`);
  socket.binaryType = 'arraybuffer';
  // A close that this side asked for is told at once: the closing handshake with a dead peer takes a minute.
  const end = () => {
    socket.close();
    queueMicrotask(once.onClose);
  };
  socket.addEventListener('open', once.onOpen);
  socket.addEventListener('close', once.onClose);
  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) once.onFrame(new Uint8Array(event.data));
    else end();
  });
  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: end,
  };
}

/** `origin`: that of the page, for example `location.origin`. */
export function browserNetwork(origin: string): Network {
  return {
    async post(command, body) {
      const init: RequestInit = { credentials: 'same-origin', headers: { 'content-type': 'application/json' } };
      const { status, body: answer } = await postJson(`${origin}/api/v1/${command}`, body, init);
      return { status, body: answer };
    },
    connect: (handlers) => connect(origin, handlers),
    onOnline(listener) {
      globalThis.addEventListener('online', listener);
      return () => globalThis.removeEventListener('online', listener);
    },
  };
}
