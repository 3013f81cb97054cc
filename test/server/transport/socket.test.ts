import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encode } from 'cborg';
import fc from 'fast-check';
import { encodeRequest } from '#protocol/codec.ts';
import { ok } from '#protocol/errors.ts';
import type { UserId, DeviceId } from '#protocol/ids.ts';
import { frameBytesMax, requestsInFlightMax } from '#protocol/limits.ts';
import { deferred, type OpenDoor, openDoor, randomId, TestSocket } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';

let door: OpenDoor;
let router: ScriptedRouter;
beforeEach(async () => {
  router = new ScriptedRouter();
  door = await openDoor({ router });
});
afterEach(() => door.stop());

const user = randomId<UserId>();
const url = () => `${door.base.replace('http', 'ws')}/api/v1/socket`;

describe('upgrade', () => {
  test.each([
    ['absent', undefined],
    ['null', 'null'],
    ['another', 'http://evil.example'],
    ['a longer one with our end', 'http://evil-localhost:8080'],
    ['ours with a suffix', 'http://localhost:8080.evil.example'],
    ['ours by https', 'https://localhost:8080'],
  ])('[O1] refuses an origin that is %s', async (_name, origin) => {
    const { cookie } = door.signIn(user);
    const answer = await TestSocket.attempt(url(), origin === undefined ? { cookie } : { cookie, origin });
    expect(answer).toMatchObject({ status: 403 });
    expect(answer).toHaveProperty('body', JSON.stringify({ code: 'origin.refused', detail: {} }));
  });

  test.each([['no cookie', ''], ['an unknown value', 'lanying=made-up'], ['two of them', 'lanying=a; lanying=b']])(
    '[S2] refuses %s with session.required',
    async (_name, cookie) => {
      expect(await TestSocket.attempt(url(), { cookie, origin: door.origin })).toMatchObject({ status: 401 });
    },
  );

  test('one session holds a bounded number of sockets; another session is not touched', async () => {
    const { cookie } = door.signIn(user);
    for (let open = 0; open < 32; open += 1) await door.socket(cookie);
    expect(await TestSocket.attempt(url(), { cookie, origin: door.origin })).toMatchObject({ status: 429 });
    expect((await door.socket(door.signIn(user).cookie)).frames).toHaveLength(1);
  });

  test('[S5] the first frame is ready', async () => {
    const device = randomId<DeviceId>();
    const socket = await door.socket(door.signIn(user, device).cookie);
    expect(socket.frames[0]).toMatchObject({ kind: 'event', name: 'ready', payload: { userId: user, deviceId: device, requestsInFlightMax } });
  });
});

describe('requests', () => {
  test('[F2] an answer, a refusal and an unknown command each come once under their id', async () => {
    router.on('session.ping', async () => ({ result: ok({ serverTime: 7 }) }));
    router.on('people.list', async () => ({ result: { ok: false, code: 'permission.denied' } }));
    const socket = await door.socket(door.signIn(user).cookie);
    expect(await socket.call('session.ping', {})).toEqual({ kind: 'answer', id: 1, output: { serverTime: 7 } });
    expect(await socket.call('people.list', {})).toMatchObject({ kind: 'refusal', id: 2, code: 'permission.denied' });
    socket.ws.send(encode([1, 99, 'no.such', {}]));
    expect(await socket.reply(99)).toMatchObject({ kind: 'refusal', code: 'command.unknown' });
    expect(socket.frames.filter((frame) => frame.kind !== 'event')).toHaveLength(3);
  });

  test('a throw in a handler is one typed refusal, and others go on', async () => {
    router.on('session.ping', async () => {
      throw new Error('broken');
    });
    router.on('session.get', async () => ({ result: ok({}) }));
    const socket = await door.socket(door.signIn(user).cookie);
    expect(await socket.call('session.ping', {})).toMatchObject({ kind: 'refusal', code: 'server.internal' });
    expect(await socket.call('session.get', {})).toMatchObject({ kind: 'answer' });
  });

  test.each(['account.create', 'signIn.password', 'signIn.passkey', 'session.end'] as const)('[F5] %s is refused on the socket', async (command) => {
    const socket = await door.socket(door.signIn(user).cookie);
    expect(await socket.call(command, {})).toMatchObject({ kind: 'refusal', code: 'command.http_only' });
    expect(router.calls).toHaveLength(0);
  });

  test('[F4] one more than requestsInFlightMax is refused, and the others are answered', async () => {
    const gate = deferred();
    router.on('session.ping', async () => {
      await gate.opened;
      return { result: ok({ serverTime: 1 }) };
    });
    const socket = await door.socket(door.signIn(user).cookie);
    const ids = Array.from({ length: requestsInFlightMax + 1 }, () => socket.send('session.ping', {}));
    expect(await socket.reply(ids.at(-1) ?? 0)).toMatchObject({ kind: 'refusal', code: 'command.too_many_in_flight' });
    gate.open();
    for (const id of ids.slice(0, -1)) expect(await socket.reply(id)).toMatchObject({ kind: 'answer' });
    expect(await socket.call('session.ping', {})).toMatchObject({ kind: 'answer' });
  });
});

describe('bad frames', () => {
  const deep = (levels: number) => Uint8Array.of(0x84, 0x01, 0x01, 0x61, 0x61, ...Array.from({ length: levels }, () => 0x81), 0x01);
  test.each([
    ['an empty frame', new Uint8Array(0)],
    ['garbage', Uint8Array.of(0xff, 0x00)],
    ['two items', Uint8Array.of(0x01, 0x02)],
    ['a truncated request', encodeRequest(1, 'session.ping', { a: 1 }).subarray(0, 8)],
    ['an event', encode([4, 'ready', {}])],
    ['a negative id', encode([1, -1, 'session.ping', {}])],
    ['deep nesting', deep(5_000)],
    ['a duplicate key', Uint8Array.of(0x84, 0x01, 0x01, 0x61, 0x61, 0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02)],
    ['a length beyond its end', Uint8Array.of(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ])('[F1] %s closes its socket with 1007 and nobody else', async (_name, frame) => {
    router.on('session.ping', async () => ({ result: ok({ serverTime: 1 }) }));
    const other = await door.socket(door.signIn(randomId<UserId>()).cookie);
    const socket = await door.socket(door.signIn(user).cookie);
    socket.ws.send(frame);
    expect(await socket.closeCode()).toBe(1007);
    expect(await other.call('session.ping', {})).toMatchObject({ kind: 'answer' });
  });

  test('[F1] a text frame closes with 1007', async () => {
    const socket = await door.socket(door.signIn(user).cookie);
    socket.ws.send('[1,1,"session.ping",{}]');
    expect(await socket.closeCode()).toBe(1007);
  });

  test('[F1] an oversized frame is refused by the transport', async () => {
    const socket = await door.socket(door.signIn(user).cookie);
    socket.ws.send(new Uint8Array(frameBytesMax + 1));
    expect(await socket.closeCode()).not.toBe(1000);
    expect(router.calls).toHaveLength(0);
  });

  test('[F1] whatever bytes come, the socket is answered typed or closed with 1007, and another one goes on', async () => {
    router.on('session.ping', async () => ({ result: ok({ serverTime: 1 }) }));
    const other = await door.socket(door.signIn(randomId<UserId>()).cookie);
    const { cookie } = door.signIn(user);
    const request = encodeRequest(7, 'session.ping', {});
    const mutated = fc
      .tuple(fc.nat({ max: request.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: request.length }))
      .map(([at, byte, length]) => {
        const copy = request.slice(0, Math.max(1, length));
        copy[Math.min(at, copy.length - 1)] = byte;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ minLength: 0, maxLength: 64 }), mutated), async (frame) => {
        const socket = await door.socket(cookie);
        socket.ws.send(frame);
        await socket.until(() => socket.closed !== null || socket.frames.some(({ kind }) => kind !== 'event'));
        if (socket.closed !== null) expect(socket.closed.code).toBe(1007);
        socket.close();
        expect(await other.call('session.ping', {})).toMatchObject({ kind: 'answer' });
      }),
      { numRuns: 150 },
    );
  });
});
