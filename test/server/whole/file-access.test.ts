/** Who may do what with files on the whole server, and how they come back. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileClient, octets } from '../../harness/files.ts';
import { okay } from '../commands/world.ts';
import { created, type FileRoom, offsetOf, openFileRoom, same } from './file-room.ts';

let server: FileRoom['server'];
let world: FileRoom['world'];
let owner: FileRoom['owner'];
let guest: FileRoom['guest'];
let conversationId: FileRoom['conversationId'];
let group: FileRoom['group'];
let alice: FileRoom['alice'];
let bob: FileRoom['bob'];
let clocks: FileRoom['clocks'];
let clientOf: FileRoom['clientOf'];

beforeEach(async () => {
  ({ server, world, owner, guest, conversationId, group, alice, bob, clocks, clientOf } = await openFileRoom());
});
afterEach(() => server.remove());

describe('who', () => {
  test('[B5] nobody without a session, a device and the origin', async () => {
    const path = await created(alice, conversationId, 10);
    const nobody = new FileClient(server.origin, null);
    expect(await nobody.create(conversationId, 10)).toMatchObject({ status: 401, code: 'session.required' });
    expect(await nobody.append(path, 0, randomBytes(1))).toMatchObject({ status: 401 });
    expect(await nobody.download(path)).toMatchObject({ status: 401 });
    const { cookie } = await server.post('signIn.password', {
      handle: 'owner',
      password: 'correct horse battery staple',
    });
    expect(await new FileClient(server.origin, cookie).create(conversationId, 10)).toMatchObject({
      status: 403,
      code: 'device.required',
    });
    for (const origin of ['', 'null', 'http://evil.example', `${server.origin}.evil.example`]) {
      const headers = { origin };
      expect(await alice.create(conversationId, 10, headers)).toMatchObject({ status: 403, code: 'origin.refused' });
      expect(await alice.append(path, 0, randomBytes(1), headers)).toMatchObject({
        status: 403,
        code: 'origin.refused',
      });
      expect(await alice.call('DELETE', path, { headers })).toMatchObject({ status: 403 });
      if (origin !== '') expect(await alice.download(path, headers)).toMatchObject({ status: 403 });
    }
    expect(await offsetOf(alice, path)).toBe('0');
  });

  test('[B5] to others a file does not exist; members read it, and only its uploader changes it', async () => {
    const stranger = clientOf(await world.invited(owner, 'stranger'));
    const path = await alice.upload(conversationId, randomBytes(10));
    const half = await created(alice, conversationId, 10);
    expect(await stranger.create(conversationId, 10)).toMatchObject({ status: 404, code: 'conversation.unknown' });
    for (const to of [path, half, '/api/v1/files/AAAAAAAAAAAAAAAAAAAAAA']) {
      expect(await stranger.download(to)).toMatchObject({ status: 404, code: 'file.unknown' });
      expect(await stranger.append(to, 0, randomBytes(1))).toMatchObject({ status: 404, code: 'file.unknown' });
      expect(await stranger.call('DELETE', to)).toMatchObject({ status: 404 });
    }
    expect(await bob.append(half, 0, randomBytes(1))).toMatchObject({ status: 403, code: 'permission.denied' });
    expect(await bob.call('DELETE', path)).toMatchObject({ status: 403 });
    expect((await bob.download(path)).status).toBe(200);
    const ours = await bob.upload(conversationId, randomBytes(10));
    const { sent } = await owner.commit(group, 1, { remove: [1] });
    okay(await owner.call('conversation.commit', { conversationId, commit: sent }));
    for (const to of [path, ours]) expect(await bob.download(to)).toMatchObject({ status: 404, code: 'file.unknown' });
    expect(await bob.create(conversationId, 10)).toMatchObject({ status: 404 });
    expect(await bob.call('DELETE', ours)).toMatchObject({ status: 404 });
  });

  test('[B5] a download under way ends with its session', async () => {
    const path = await alice.upload(conversationId, randomBytes(25_000_000));
    const outcome = await new Promise<string>((resolve, reject) => {
      const asked = request(
        new URL(path, server.origin),
        { agent: false, headers: { cookie: String(bob.cookie) } },
        (response) => {
          response.once('data', () => {
            response.pause();
            const go = async (): Promise<void> => {
              okay(await guest.call('session.end', {}));
              clocks.monotonicMs += 2_000;
              response.resume();
            };
            go().catch(reject);
          });
          response.on('error', () => resolve('cut'));
          response.on('end', () => resolve('whole'));
        },
      );
      asked.on('error', reject);
      asked.end();
    });
    expect(outcome).toBe('cut');
  });

  test('[B5] an upload under way ends when its person is removed', async () => {
    const path = await created(bob, conversationId, 25_000_000);
    const { sent, answer } = bob.begin('PATCH', path, {
      ...bob.usual,
      'content-type': octets,
      'upload-offset': '0',
      'content-length': '25000000',
    });
    await new Promise<void>((resolve) => sent.write(randomBytes(20_000_000), () => resolve()));
    const removal = await owner.commit(group, 1, { remove: [1] });
    okay(await owner.call('conversation.commit', { conversationId, commit: removal.sent }));
    clocks.monotonicMs += 2_000;
    // A byte less than the whole: only a refusal can answer it.
    sent.write(randomBytes(4_999_999));
    expect(await answer).toMatchObject({ status: 404, code: 'file.unknown' });
  });

  test('[B8] a terminated file is gone for everybody', async () => {
    const path = await alice.upload(conversationId, randomBytes(100_000));
    expect((await alice.call('DELETE', path)).status).toBe(204);
    expect(await bob.download(path)).toMatchObject({ status: 404 });
    expect(await alice.call('DELETE', path)).toMatchObject({ status: 404, code: 'file.unknown' });
  });
});

describe('downloads', () => {
  const bytes = randomBytes(200_000);

  test('[B11] is never shown or run by a browser, nor kept by a cache', async () => {
    const path = await alice.upload(conversationId, bytes);
    const { headers } = await bob.download(path);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'accept-ranges': 'bytes',
      'cross-origin-resource-policy': 'same-origin',
      'content-length': '200000',
    });
    expect(headers['content-security-policy']).toContain('sandbox');
    const head = await bob.bare('HEAD', path, { headers: { cookie: String(bob.cookie) } });
    expect([head.status, head.headers['content-length'], head.headers['etag'], head.body.length]).toEqual([
      200,
      '200000',
      headers.etag,
      0,
    ]);
    expect((await bob.download(path, { 'if-none-match': String(headers.etag) })).status).toBe(304);
    expect((await bob.download(path, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 200_000],
    ['bytes=1-65536', 1, 65_537],
    ['bytes=65535-131072', 65_535, 131_073],
    ['bytes=199999-', 199_999, 200_000],
    ['bytes=-1', 199_999, 200_000],
    ['bytes=-70000', 130_000, 200_000],
    ['bytes=-999999', 0, 200_000],
    ['bytes=100-9999999', 100, 200_000],
    ['Bytes=5-6', 5, 7],
  ])('[B11] %s is a part', async (range, from, to) => {
    const path = await alice.upload(conversationId, bytes);
    const answer = await bob.download(path, { range });
    expect([answer.status, answer.headers['content-range'], answer.headers['content-length']]).toEqual([
      206,
      `bytes ${from}-${to - 1}/200000`,
      String(to - from),
    ]);
    expect(same(answer.body, bytes.subarray(from, to))).toBe(true);
  });

  test('[B11] what lies behind the end is 416; several, malformed or conditional ranges give the whole', async () => {
    const path = await alice.upload(conversationId, bytes);
    for (const range of ['bytes=200000-', 'bytes=200000-200001', 'bytes=-0']) {
      const answer = await bob.download(path, { range });
      expect([answer.status, answer.code, answer.headers['content-range']]).toEqual([
        416,
        'file.range_refused',
        'bytes */200000',
      ]);
    }
    for (const range of [
      'bytes=0-1,5-6',
      'bytes=5-4',
      'bytes=a-b',
      'lines=0-1',
      'bytes=',
      'bytes=-',
      'bytes=99999999999999999999-',
    ]) {
      const answer = await bob.download(path, { range });
      expect([answer.status, answer.body.length]).toEqual([200, 200_000]);
    }
    const { headers } = await bob.download(path);
    expect((await bob.download(path, { range: 'bytes=0-9', 'if-range': String(headers.etag) })).status).toBe(206);
    expect((await bob.download(path, { range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
    expect((await bob.download(path, { range: 'bytes=0-9', 'if-range': 'Mon, 23 Nov 2026 00:00:00 GMT' })).status).toBe(
      200,
    );
  });
});
