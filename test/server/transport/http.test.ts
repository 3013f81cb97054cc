import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { errors, ok, refuse } from '#protocol/errors.ts';
import type { SessionId, UserId } from '#protocol/ids.ts';
import { bodyBytesMax, guestBodyBytesMax, nestingMax } from '#protocol/limits.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { type OpenDoor, openDoor, randomId } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';

let door: OpenDoor;
let router: ScriptedRouter;
beforeEach(async () => {
  router = new ScriptedRouter();
  router.on('server.info', async () => ({ result: ok({ name: 'test' }) }));
  door = await openDoor({ router });
});
afterEach(() => door.stop());

const user = randomId<UserId>();
const json = { 'content-type': 'application/json' };

/** fetch forbids Origin and Cookie; this sends what it is given. */
function raw(
  path: string,
  { method = 'POST', headers = {}, body = '' }: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${door.base}${path}`, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
const post = (command: string, headers: Record<string, string>, body: string | Uint8Array = '{}') => raw(`/api/v1/${command}`, { headers, body });
const code = (answer: { body: string }) => (JSON.parse(answer.body) as { code?: string }).code;

describe('origin', () => {
  test('[O2] a call without cookie and without Origin passes, unauthenticated', async () => {
    expect(await post('server.info', json)).toMatchObject({ status: 200, body: '{"name":"test"}' });
    expect(router.calls[0]?.context.session).toBeNull();
  });
  test('[O2] the configured Origin passes with a cookie', async () => {
    const { cookie, session } = door.signIn(user);
    expect(await post('server.info', { ...json, cookie, origin: door.origin })).toMatchObject({ status: 200 });
    expect(router.calls[0]?.context.session).toEqual(session);
  });
  test('[O2] a cookie needs an Origin', async () => {
    const answer = await post('server.info', { ...json, cookie: door.signIn(user).cookie });
    expect(answer.status).toBe(403);
    expect(code(answer)).toBe('origin.refused');
    expect(router.calls).toHaveLength(0);
  });
  test.each(['null', 'http://evil.example', 'http://localhost:8080.evil.example', 'http://localhost:80801', 'https://localhost:8080'])(
    '[O2] Origin %s is refused with and without a cookie',
    async (origin) => {
      expect(code(await post('server.info', { ...json, origin }))).toBe('origin.refused');
      expect(code(await post('server.info', { ...json, origin, cookie: door.signIn(user).cookie }))).toBe('origin.refused');
      expect(router.calls).toHaveLength(0);
    },
  );
  test.each(['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json-patch', 'text/json'])(
    '[O3] content type "%s" is refused',
    async (contentType) => {
      const answer = await post('server.info', contentType === '' ? {} : { 'content-type': contentType });
      expect(answer.status).toBe(415);
      expect(code(answer)).toBe('input.content_type');
    },
  );
  test('[O3] a charset of UTF-8 is fine', async () => {
    expect(await post('server.info', { 'content-type': 'application/json; charset=UTF-8' })).toMatchObject({ status: 200 });
  });
});

describe('bodies', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['two values', '{}{}'],
    ['bad UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['too deep', '['.repeat(nestingMax + 1) + ']'.repeat(nestingMax + 1)],
    ['a bomb of brackets', '['.repeat(1_000_000)],
  ])('[F5] %s is input.malformed', async (_name, body) => {
    const answer = await post('server.info', json, body);
    expect(answer.status).toBe(400);
    expect(code(answer)).toBe('input.malformed');
    expect(router.calls).toHaveLength(0);
  });
  test('brackets inside strings are not nesting', async () => {
    expect(await post('server.info', json, JSON.stringify({ text: '[{"\\'.repeat(100) }))).toMatchObject({ status: 200 });
  });
  test('a body beyond the bound is input.too_large, one at the bound is read', async () => {
    const whole = (length: number) => `"${'a'.repeat(length - 2)}"`;
    router.on('session.get', async () => ({ result: ok({}) }));
    const known = { ...json, cookie: door.signIn(user).cookie, origin: door.origin };
    for (const [command, headers, bytesMax] of [['session.get', known, bodyBytesMax], ['server.info', json, guestBodyBytesMax]] as const) {
      expect(await post(command, headers, whole(bytesMax))).toMatchObject({ status: 200 });
      const answer = await post(command, headers, whole(bytesMax + 1));
      expect(answer.status).toBe(413);
      expect(code(answer)).toBe('input.too_large');
    }
    expect(await post('server.info', json)).toMatchObject({ status: 200 });
  });
  test('a peer that goes away in the middle of its body harms nobody', async () => {
    const port = Number(new URL(door.base).port);
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('POST /api/v1/server.info HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{', () => {
          socket.destroy();
          resolve();
        });
      });
    });
    expect(await post('server.info', json)).toMatchObject({ status: 200 });
    expect(router.calls).toHaveLength(1);
  });
  test('a peer that sends its body too slowly is cut off', async () => {
    const lateAfter: (() => void)[] = [];
    const after = (delayMs: number, run: () => void) => {
      if (delayMs !== 15_000) return systemRuntime.after(delayMs, run);
      lateAfter.push(run);
      return { cancel: () => undefined };
    };
    const patient = await openDoor({ router, overrides: { runtime: { ...systemRuntime, after } } });
    const socket = connect(Number(new URL(patient.base).port), '127.0.0.1');
    socket.write('POST /api/v1/server.info HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{');
    const cut = new Promise((resolve) => socket.once('close', resolve));
    while (lateAfter.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const run of lateAfter) run();
    await cut;
    expect(router.calls).toHaveLength(0);
    await patient.stop();
  });
  test('bodies of all peers together are bounded, and what one held is free again when it goes', async () => {
    const port = Number(new URL(door.base).port);
    const { cookie } = door.signIn(user);
    const head = `POST /api/v1/session.get HTTP/1.1\r\nhost: x\r\norigin: ${door.origin}\r\ncookie: ${cookie}\r\ncontent-type: application/json\r\ncontent-length: ${bodyBytesMax}\r\n\r\n`;
    const hogs = await Promise.all(
      Array.from({ length: 32 }, () => new Promise<Socket>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(head);
          socket.write(new Uint8Array(bodyBytesMax - 1), () => resolve(socket));
        });
        socket.on('error', () => undefined);
      })),
    );
    const large = `"${'a'.repeat(1_000)}"`;
    let refused = await post('server.info', json, large);
    // The last bytes may still be on their way.
    while (refused.status === 200) refused = await post('server.info', json, large);
    expect(code(refused)).toBe('server.unavailable');
    for (const hog of hogs) hog.destroy();
    let served = await post('server.info', json, large);
    while (served.status !== 200) served = await post('server.info', json, large);
    expect(served.status).toBe(200);
  });
  test('whatever bytes come as a body, the answer is typed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json({ maxDepth: 30 })), async (body) => {
        const answer = await post('server.info', json, body);
        const array = answer.status === 400 && code(answer) === 'input.invalid' && Array.isArray(JSON.parse(body));
        expect(array || answer.status === 200 || code(answer) === 'input.malformed').toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('refusals', () => {
  test.each(Object.keys(errors) as (keyof typeof errors)[])('[F5] %s has its status from the table', async (name) => {
    router.on('server.info', async () => ({ result: refuse(name) }));
    const answer = await post('server.info', json);
    expect(answer.status).toBe(errors[name].status);
    expect(JSON.parse(answer.body)).toEqual({ code: name, detail: {} });
  });
  test('[A6] rate.limited says how long to wait, in whole seconds and in milliseconds', async () => {
    router.on('server.info', async () => ({ result: refuse('rate.limited', { retryAfterMs: 1_200 }) }));
    const answer = await post('server.info', json);
    expect(answer.headers['retry-after']).toBe('2');
    expect(JSON.parse(answer.body)).toEqual({ code: 'rate.limited', detail: { retryAfterMs: 1_200 } });
  });
  test('a throw is server.internal, told nothing of its cause', async () => {
    router.on('server.info', async () => {
      throw new Error('the secret word');
    });
    const answer = await post('server.info', json);
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret');
  });
  test.each(['no.such', '', 'constructor', '__proto__', 'server.info/more'])('[F2] command "%s" is command.unknown', async (name) => {
    const answer = await post(name, json);
    expect(answer.status).toBe(404);
    expect(code(answer)).toBe('command.unknown');
  });
  test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s on a command is a typed 405', async (method) => {
    const answer = await raw('/api/v1/server.info', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('POST');
    expect(code(answer)).toBe('command.unknown');
  });
});

describe('cookie', () => {
  const started = { result: ok({}), effect: { kind: 'session-started', sessionId: randomId<SessionId>(), secret: new Uint8Array(32), known: 'a-known-browser' } } as const;
  const attributesOf = (answer: { headers: NodeJS.Dict<string | string[]> }) => String([answer.headers['set-cookie'] ?? []].flat()[0]).split(/; /);

  test('[S1] on http: HttpOnly, SameSite=Strict, Path=/', async () => {
    router.on('signIn.password', async () => started);
    const [pair, ...attributes] = attributesOf(await post('signIn.password', json));
    expect(pair).toBe(`lanying=new.${started.effect.sessionId}`);
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Strict', 'Max-Age=2592000']);
  });
  test('[S1] on https also Secure, with the __Host- prefix', async () => {
    const secure = await openDoor({ router, origin: 'https://chat.example.org' });
    router.on('signIn.password', async () => started);
    const response = await fetch(`${secure.base}/api/v1/signIn.password`, { method: 'POST', headers: json, body: '{}' });
    expect(response.headers.getSetCookie()[1]).toBe('__Host-lanying-known=a-known-browser; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000; Secure');
    expect(response.headers.getSetCookie()[0]).toBe(
      `__Host-lanying=new.${started.effect.sessionId}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000; Secure`,
    );
    expect(response.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    await secure.stop();
  });
  test('[S1] signing out clears it', async () => {
    const { cookie, session } = door.signIn(user);
    router.on('session.end', async () => ({ result: ok({}), effect: { kind: 'session-ended', sessionId: session.sessionId } }));
    const [pair, ...attributes] = attributesOf(await post('session.end', { ...json, cookie, origin: door.origin }));
    expect(pair).toBe('lanying=');
    expect(attributes).toContain('Max-Age=0');
  });
  test('[S3] a session that ended is none', async () => {
    const { cookie } = door.signIn(user);
    door.sessions.clear();
    await post('server.info', { ...json, cookie, origin: door.origin });
    expect(router.calls[0]?.context.session).toBeNull();
  });
});

describe('headers and health', () => {
  test.each(['/', '/healthz', '/api/v1/openapi.json', '/nothing.txt', '/api/v1/server.info'])('%s bears the security headers', async (path) => {
    const { headers } = await raw(path, { method: 'GET' });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("require-trusted-types-for 'script'; trusted-types lanying");
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['permissions-policy']).toContain('publickey-credentials-get=(self)');
    expect(headers['strict-transport-security']).toBeUndefined();
  });
  test('/healthz, /readyz and /metrics answer', async () => {
    expect(await raw('/healthz', { method: 'GET' })).toMatchObject({ status: 200 });
    expect(await raw('/readyz', { method: 'GET' })).toMatchObject({ status: 200, body: '{"ready":true,"reasons":[]}' });
    await post('server.info', json);
    const metrics = await raw('/metrics', { method: 'GET' });
    expect(metrics.body).toContain('lanying_calls_total{door="http",command="server.info",outcome="ok"} 1');
  });
  test.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])('/metrics is not passed on by a proxy on this machine: %s', async (name) => {
    expect(await raw('/metrics', { method: 'GET', headers: { [name]: '192.0.2.7' } })).toMatchObject({ status: 403 });
  });
  test('/readyz says why not', async () => {
    const broken = await openDoor({ router, overrides: { unready: () => ['store closed'] } });
    const answer = await fetch(`${broken.base}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, reasons: ['store closed'] });
    await broken.stop();
  });
  test('logs bear neither inputs nor addresses nor cookies', async () => {
    const { cookie } = door.signIn(user);
    await post('server.info', { ...json, cookie, origin: door.origin }, '{"word":"heliotrope"}');
    const log = door.logLines.join('');
    expect(log).toContain('server.info');
    for (const secret of ['heliotrope', '127.0.0.1', cookie, user]) expect(log).not.toContain(secret);
  });
});

test('a second server on the same port is refused in words', async () => {
  const port = Number(new URL(door.base).port);
  await expect(openDoor({ router, overrides: { port } })).rejects.toThrow(/port \d+.*LANYING_PORT/);
});
