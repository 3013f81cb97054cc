/** Process of strangers who open connections and say too little: `start` opens them and opens anew what is ended, `stop`. */
import { connect, type Socket } from 'node:net';

type Order =
  | { readonly kind: 'start'; readonly port: number; readonly connections: number; readonly cookie: string }
  | { readonly kind: 'stop' };

const dripEveryMs = 1_000;
/** Strangers do not come in the same millisecond. */
const spreadMs = 4_000;
const open = new Set<Socket>();
let running = false;
let ended = 0;

/** What one of them says, and what it goes on to drip. */
function wordsOf(at: number, port: number, cookie: string): readonly [string, string] {
  const upgrade = `GET /api/v1/socket HTTP/1.1\r\nhost: localhost:${port}\r\nupgrade: websocket\r\n`;
  switch (at % 5) {
    case 0:
    case 1:
      return ['', ''];
    case 2:
      return [upgrade, ''];
    case 3:
      return [upgrade, 'x'];
    default:
      return [
        `POST /api/v1/session.get HTTP/1.1\r\nhost: localhost:${port}\r\norigin: http://localhost:${port}\r\ncookie: ${cookie}\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{`,
        ' ',
      ];
  }
}

function begin(at: number, port: number, cookie: string, connected: () => void): void {
  const [first, drip] = wordsOf(at, port, cookie);
  const socket = connect(port, '127.0.0.1');
  open.add(socket);
  const timer = drip === '' ? null : setInterval(() => socket.write(drip), dripEveryMs);
  socket.on('connect', () => {
    connected();
    if (first !== '') socket.write(first);
  });
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.on('close', () => {
    if (timer !== null) clearInterval(timer);
    open.delete(socket);
    if (!running) return;
    ended += 1;
    setTimeout(() => running && begin(at, port, cookie, () => undefined), Math.random() * spreadMs);
  });
}

async function obey(order: Order): Promise<object> {
  if (order.kind === 'stop') {
    running = false;
    for (const socket of open) socket.destroy();
    return { ended };
  }
  running = true;
  ended = 0;
  const { port, connections, cookie } = order;
  await Promise.all(
    Array.from(
      { length: connections },
      (_, at) =>
        new Promise<void>((connected) =>
          setTimeout(() => begin(at, port, cookie, connected), Math.random() * spreadMs),
        ),
    ),
  );
  return {};
}

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer));
});
