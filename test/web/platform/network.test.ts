import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { CookieJar } from '../../../web/platform/node/cookie-jar.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { nodePasskeys } from '../../../web/platform/node/passkeys.ts';

let server: Server;
let sockets: WebSocketServer;
let origin = '';
const seen: { url: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      seen.push({ url: request.url, headers: request.headers, body });
      if (request.url?.endsWith('/page') === true) response.writeHead(502, { 'content-type': 'text/html' }).end('<p>bad gateway');
      else if (request.url?.endsWith('/moved') === true) response.writeHead(307, { location: '/api/v1/echo' }).end();
      else response.writeHead(401, { 'set-cookie': 'session=abc; HttpOnly; SameSite=Strict; Path=/' }).end(JSON.stringify({ code: 'session.required' }));
    });
  });
  sockets = new WebSocketServer({ server, path: '/api/v1/socket' });
  sockets.on('connection', (socket, request) => {
    seen.push({ url: request.url, headers: request.headers, body: '' });
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data) && data[0] === 0) socket.send('text');
      else socket.send(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  origin = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  server.close();
});

describe('Node network', () => {
  it('posts JSON with bytes as base64url, an Origin, and the cookie that it was given', async () => {
    const network = nodeNetwork(origin);
    const answer = await network.post('echo.it', { key: Uint8Array.of(255, 255), list: [1] });
    expect(answer).toEqual({ status: 401, body: { code: 'session.required' } });
    expect(seen.at(-1)).toMatchObject({ url: '/api/v1/echo.it', body: '{"key":"__8","list":[1]}', headers: { origin, 'content-type': 'application/json' } });
    expect(seen.at(-1)?.headers.cookie).toBeUndefined();
    await network.post('echo.it', {});
    expect(seen.at(-1)?.headers.cookie).toBe('session=abc');
  });

  it('rejects with network.unreachable for no answer, a page and a redirect', async () => {
    const unreachable = { code: 'network.unreachable' };
    await expect(nodeNetwork(origin).post('page', {})).rejects.toMatchObject(unreachable);
    await expect(nodeNetwork(origin).post('moved', {})).rejects.toMatchObject(unreachable);
    await expect(nodeNetwork('http://127.0.0.1:1').post('echo', {})).rejects.toMatchObject(unreachable);
    expect(() => nodeNetwork('file:///etc')).toThrow(TypeError);
  });

  it('carries binary frames with Origin and cookie, and tells a close exactly once', async () => {
    const network = nodeNetwork(origin);
    await network.post('echo', {});
    let closes = 0;
    const frame = await new Promise<Uint8Array>((resolve) => {
      const socket = network.connect({
        onOpen: () => socket.send(Uint8Array.of(1, 2, 3)),
        onFrame: (received) => {
          socket.close();
          socket.close();
          resolve(received);
        },
        onClose: () => (closes += 1),
      });
    });
    expect(frame).toEqual(Uint8Array.of(1, 2, 3));
    expect(seen.at(-1)?.headers).toMatchObject({ origin, cookie: 'session=abc' });
    await Promise.all([...sockets.clients].map((client) => once(client, 'close')));
    expect(closes).toBe(1);
  });

  it('closes on a text frame, and when nobody listens', async () => {
    const frames: Uint8Array[] = [];
    await new Promise<void>((resolve) => {
      const socket = nodeNetwork(origin).connect({ onOpen: () => socket.send(Uint8Array.of(0)), onFrame: (frame) => frames.push(frame), onClose: resolve });
    });
    await new Promise<void>((resolve) => {
      nodeNetwork('http://127.0.0.1:1').connect({ onOpen: () => undefined, onFrame: (frame) => frames.push(frame), onClose: resolve });
    });
    expect(frames).toEqual([]);
  });

  it('has no passkeys', async () => {
    await expect(nodePasskeys.create({}, new Uint8Array(32))).rejects.toMatchObject({ code: 'passkey.unsupported' });
    await expect(nodePasskeys.get({}, new Uint8Array(32))).rejects.toMatchObject({ code: 'passkey.unsupported' });
  });
});

describe('cookie jar', () => {
  it('keeps, replaces and deletes, within a bound', () => {
    const jar = new CookieJar();
    jar.take(['a=1; Path=/', 'b=x=y; Max-Age=60', 'nonsense', '=empty']);
    expect(jar.header()).toBe('a=1; b=x=y');
    jar.take(['a=2', 'b=; Max-Age=0']);
    expect(jar.header()).toBe('a=2');
    jar.take(['a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
    expect(jar.header()).toBe('');
    jar.take(Array.from({ length: 40 }, (_, at) => `c${at}=1`));
    expect(jar.header().split('; ')).toHaveLength(16);
  });
});
