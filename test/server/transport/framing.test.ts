/** Heads that two readers could understand in two ways, and bodies of whom nobody knows. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { bodyBytesMax, guestBodyBytesMax } from '#protocol/limits.ts';
import { type OpenDoor, openDoor, randomId } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';

let door: OpenDoor;
let router: ScriptedRouter;
beforeEach(async () => {
  router = new ScriptedRouter();
  router.on('server.info', async () => ({ result: ok({ name: 'test' }) }));
  router.on('session.get', async () => ({ result: ok({}) }));
  door = await openDoor({ router });
});
afterEach(() => door.stop());

/** Everything that comes back for these bytes until the server closes. */
function exchanged(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(door.base).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', reject);
    socket.write(bytes);
  });
}

const head = (...lines: readonly string[]): string =>
  ['POST /api/v1/server.info HTTP/1.1', 'host: localhost', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const statuses = (answer: string): readonly string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '');
/** What a second reader would take for a request of its own. */
const smuggled = head('content-length: 2', 'connection: close') + '{}';

const ambiguous: readonly (readonly [string, string])[] = [
  ['two lengths', `${head('content-length: 2', `content-length: ${2 + smuggled.length}`)}{}`],
  ['two equal lengths', `${head('content-length: 2', 'content-length: 2')}{}`],
  ['a transfer coding that is not known', `${head('transfer-encoding: xchunked')}2\r\n{}\r\n0\r\n\r\n`],
  ['a list of transfer codings', `${head('transfer-encoding: gzip, chunked')}2\r\n{}\r\n0\r\n\r\n`],
  ['two transfer codings', `${head('transfer-encoding: chunked', 'transfer-encoding: identity')}2\r\n{}\r\n0\r\n\r\n`],
  ['a length and a transfer coding', `${head('content-length: 2', 'transfer-encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`],
  ['two origins', `${head('origin: http://localhost:8080', 'origin: http://evil.example', 'content-length: 2')}{}`],
  ['two hosts', `${head('host: evil.example', 'content-length: 2')}{}`],
  [
    'two lengths, for a page',
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n',
  ],
];

describe('[F7] a head that can be read in two ways', () => {
  it.each(ambiguous)('[F7] of %s gets 400 and the end of its connection', async (_what, bytes) => {
    expect(statuses(await exchanged(bytes))).toEqual(['400']);
    expect(router.calls).toHaveLength(0);
  });

  it.each(ambiguous)('[F7] of %s: nothing behind it is heard', async (_what, bytes) => {
    expect(statuses(await exchanged(`${bytes}${smuggled}`))).not.toContain('200');
    expect(router.calls).toHaveLength(0);
  });

  it('[F7] a chunked body and a plain one are as good as ever', async () => {
    const answer = await exchanged(head('transfer-encoding: chunked') + `2\r\n{}\r\n0\r\n\r\n${smuggled}`);
    expect(statuses(answer)).toEqual(['200', '200']);
  });
});

describe('[F8] bodies of whom nobody knows', () => {
  const command = (name: string, length: number, ...lines: readonly string[]): string =>
    [
      `POST /api/v1/${name} HTTP/1.1`,
      'host: localhost',
      'content-type: application/json',
      `content-length: ${length}`,
      ...lines,
      '',
      '',
    ].join('\r\n');
  /** Sends the head and all of the body but its last byte. */
  const begun = (headBytes: string, length: number): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(door.base).port), '127.0.0.1', () => {
        socket.write(headBytes);
        socket.write(new Uint8Array(length - 1).fill(0x20), () => resolve(socket));
      });
      socket.on('error', () => undefined);
    });
  const answered = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        if (text.includes('\r\n\r\n')) resolve(text);
      });
    });

  it.each([
    ['without a cookie', []],
    ['with a cookie that no session stands behind', ['origin: http://localhost:8080', 'cookie: lanying=nobody']],
  ])('[F8] what needs a session is refused %s before the body is there', async (_what, lines) => {
    const socket = await begun(command('session.get', 1_000, ...lines), 100);
    expect(await answered(socket)).toMatch(/^HTTP\/1\.1 401 [^]*session\.required/);
    socket.destroy();
  });

  it('[F8] they hold a small part of the room: whoever has a session is served beside them', async () => {
    const hogs: Socket[] = [];
    const refused = new Promise<string>((resolve) => {
      for (let count = 0; count < 12; count += 1) {
        void begun(command('server.info', guestBodyBytesMax), guestBodyBytesMax).then((hog) => {
          hogs.push(hog);
          return answered(hog).then(resolve);
        });
      }
    });
    expect(await refused).toMatch(/^HTTP\/1\.1 503 [^]*server\.unavailable/);
    const { cookie } = door.signIn(randomId<UserId>());
    const body = `"${'a'.repeat(bodyBytesMax - 2)}"`;
    const served = await exchanged(
      command('session.get', body.length, `origin: ${door.origin}`, `cookie: ${cookie}`, 'connection: close') + body,
    );
    expect(statuses(served)).toEqual(['200']);
    for (const hog of hogs) hog.destroy();
  });
});

it('[F7] an upgrade that asks for the end of its connection is refused, and gets it', async () => {
  const { cookie } = door.signIn(randomId<UserId>());
  const lines = [
    'GET /api/v1/socket HTTP/1.1',
    'host: localhost',
    `origin: ${door.origin}`,
    `cookie: ${cookie}`,
    'upgrade: websocket',
  ];
  const key = `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`;
  const answer = await exchanged(
    [...lines, 'connection: close', 'sec-websocket-version: 13', key, '', ''].join('\r\n'),
  );
  expect(statuses(answer)).toEqual(['400']);
  expect(answer).toContain('input.malformed');
});
