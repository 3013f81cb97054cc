/** Connections that say too little, too slowly, or are too many. */
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ok } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { createOps } from '../../../server/ops/ops.ts';
import { type OpenDoor, openDoor, randomId } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';

let door: OpenDoor;
afterEach(() => door.stop());

const ops = () => createOps({ level: 'silent' });
const counted = async (from: ReturnType<typeof ops>, name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await from.metrics())?.[1]);

interface Slow {
  readonly socket: Socket;
  readonly closed: Promise<void>;
}

/** Writes `first`, then `drip` again and again as long as the other side takes it. */
async function slow(port: number, first: string, drip = ''): Promise<Slow> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const timer = drip === '' ? null : setInterval(() => socket.write(drip), 500);
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      if (timer !== null) clearInterval(timer);
      resolve();
    }),
  );
  if (first !== '') socket.write(first);
  socket.resume();
  return { socket, closed };
}

test(
  '[Q4] half-open connections, heads and bodies that drip are ended and counted, while others are served',
  { timeout: 60_000 },
  async () => {
    const router = new ScriptedRouter();
    router.on('session.get', async () => ({ result: ok({}) }));
    const counters = ops();
    door = await openDoor({ router, overrides: { ops: counters } });
    const port = Number(new URL(door.base).port);
    const { cookie } = door.signIn(randomId<UserId>());
    const body = [
      'POST /api/v1/session.get HTTP/1.1',
      'host: x',
      `origin: ${door.origin}`,
      `cookie: ${cookie}`,
      'content-type: application/json',
      'content-length: 100000',
      '',
      '{',
    ].join('\r\n');
    const kinds: readonly (readonly [string, string?])[] = [
      [''],
      ['GET /api/v1/socket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n'],
      ['GET /healthz HTTP/1.1\r\nhost: x\r\nx: ', 'a'],
    ];
    const silent = await Promise.all(
      kinds.flatMap(([first, drip]) => Array.from({ length: 40 }, () => slow(port, first, drip))),
    );
    const bodies = await Promise.all([
      ...Array.from({ length: 10 }, () => slow(port, body)),
      ...Array.from({ length: 10 }, () => slow(port, body, ' ')),
    ]);
    expect((await fetch(`${door.base}/healthz`)).status).toBe(200);
    expect(await counted(counters, 'lanying_connections')).toBeGreaterThanOrEqual(140);
    await Promise.all([...silent, ...bodies].map(({ closed }) => closed));
    expect(await counted(counters, 'lanying_connections_unheard_total')).toBe(silent.length);
    expect(await counted(counters, 'lanying_bodies_cut_total')).toBe(bodies.length);
    expect((await fetch(`${door.base}/healthz`)).status).toBe(200);
  },
);

test('[Q4] connections beyond what the process has descriptors for are closed at once and counted; those that were there go on', async () => {
  const counters = ops();
  door = await openDoor({ router: new ScriptedRouter(), overrides: { ops: counters, connectionsMax: 20 } });
  const port = Number(new URL(door.base).port);
  const sockets = await Promise.all(
    Array.from({ length: 5 }, () => door.socket(door.signIn(randomId<UserId>()).cookie)),
  );
  const idle = await Promise.all(Array.from({ length: 15 }, () => slow(port, '')));
  const beyond = await Promise.all(Array.from({ length: 30 }, () => slow(port, '')));
  await Promise.all(beyond.map(({ closed }) => closed));
  for (const socket of sockets)
    expect(await socket.call('session.ping', {})).toMatchObject({ kind: 'refusal', code: 'command.unknown' });
  expect(await counted(counters, 'lanying_connections_refused_total')).toBe(30);
  for (const { socket } of idle) socket.destroy();
  for (const socket of sockets) socket.close();
});
