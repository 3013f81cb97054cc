/** Uploads on the whole server, by a client that keeps to nothing but the protocol. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { FileClient, metadataFor, octets } from '../../harness/files.ts';
import { created, dayMs, type FileRoom, offsetOf, openFileRoom, same } from './file-room.ts';

let server: FileRoom['server'];
let conversationId: FileRoom['conversationId'];
let alice: FileRoom['alice'];
let bob: FileRoom['bob'];
let clocks: FileRoom['clocks'];

beforeEach(async () => {
  ({ server, conversationId, alice, bob, clocks } = await openFileRoom());
});
afterEach(() => server.remove());

describe('uploads', () => {
  test('says what it can', async () => {
    const { status, headers } = await new FileClient(server.origin, null).bare('OPTIONS', '/api/v1/files');
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'tus-resumable': '1.0.0',
      'tus-version': '1.0.0',
      'tus-max-size': '30000000',
      'tus-checksum-algorithm': 'sha256,sha1',
      'tus-extension': 'creation,creation-with-upload,termination,checksum,expiration',
    });
  });

  test('[B1] creation, appends, progress, and the very bytes back for whoever is in the conversation', async () => {
    const bytes = randomBytes(700_000);
    const { status, headers } = await alice.create(conversationId, bytes.length);
    expect(status).toBe(201);
    expect(headers.location).toMatch(/^\/api\/v1\/files\/[A-Za-z0-9_-]{22}$/);
    expect(Date.parse(String(headers['upload-expires']))).toBeGreaterThan(systemRuntime.now() + 2 * dayMs);
    const path = String(headers.location);
    expect((await bob.download(path)).code).toBe('file.unfinished');
    for (const [from, to] of [
      [0, 1],
      [1, 300_000],
      [300_000, 699_999],
      [699_999, 700_000],
    ] as const) {
      const progress = await alice.call('HEAD', path);
      expect(progress.status).toBe(200);
      expect(progress.headers).toMatchObject({
        'upload-offset': String(from),
        'upload-length': '700000',
        'cache-control': 'no-store',
      });
      const answer = await alice.append(path, from, bytes.subarray(from, to));
      expect([answer.status, answer.headers['upload-offset'], answer.headers['tus-resumable']]).toEqual([
        204,
        String(to),
        '1.0.0',
      ]);
      expect(answer.headers['content-length']).toBeUndefined();
    }
    for (const client of [alice, bob]) expect(same((await client.download(path)).body, bytes)).toBe(true);
    await server.restart();
    expect(same((await bob.download(path)).body, bytes)).toBe(true);
  });

  test('creation may bring the first bytes, all of them, or be of an empty file', async () => {
    const bytes = randomBytes(200_000);
    const part = await alice.create(conversationId, bytes.length, {}, bytes.subarray(0, 150_000));
    expect([part.status, part.headers['upload-offset']]).toEqual([201, '150000']);
    expect((await alice.append(String(part.headers.location), 150_000, bytes.subarray(150_000))).status).toBe(204);
    expect(same((await bob.download(String(part.headers.location))).body, bytes)).toBe(true);
    expect(same((await bob.download(await alice.upload(conversationId, bytes))).body, bytes)).toBe(true);
    const none = await alice.create(conversationId, 0);
    expect([none.status, none.headers['upload-offset'], none.headers['upload-expires']]).toEqual([201, '0', undefined]);
    const empty = await bob.download(String(none.headers.location));
    expect([empty.status, empty.headers['content-length'], empty.body.length]).toEqual([200, '0', 0]);
  });

  test('[B4] another offset is refused, and so is a body beyond the size', async () => {
    const path = await created(alice, conversationId, 100);
    expect(await alice.append(path, 0, randomBytes(60))).toMatchObject({ status: 204 });
    for (const offset of [0, 59, 61, 100])
      expect(await alice.append(path, offset, randomBytes(1))).toMatchObject({
        status: 409,
        code: 'file.offset_mismatch',
      });
    expect(await alice.append(path, 60, randomBytes(41))).toMatchObject({ status: 413, code: 'file.too_large' });
    expect(await offsetOf(alice, path)).toBe('60');
    const chunked = alice.begin('PATCH', path, {
      ...alice.usual,
      'content-type': octets,
      'upload-offset': '60',
      'transfer-encoding': 'chunked',
    });
    chunked.sent.end(randomBytes(41));
    expect(await chunked.answer).toMatchObject({ status: 413, code: 'file.too_large' });
    const last = alice.begin('PATCH', path, {
      ...alice.usual,
      'content-type': octets,
      'upload-offset': String(await offsetOf(alice, path)),
      'transfer-encoding': 'chunked',
    });
    last.sent.end(randomBytes(40));
    expect(await last.answer).toMatchObject({ status: 204 });
    expect(await alice.append(path, 100, randomBytes(1))).toMatchObject({ status: 409 });
  });

  /** An append of 25 MB that never ends: more is on its way than sockets hold, so the server has taken some of it. */
  async function endless(path: string, bytes: Uint8Array) {
    const { sent, answer } = alice.begin('PATCH', path, {
      ...alice.usual,
      'content-type': octets,
      'upload-offset': '0',
      'content-length': String(bytes.length),
    });
    const heard = answer.catch((cause: unknown) => cause);
    await new Promise<void>((resolve, reject) =>
      sent.write(bytes.subarray(0, 20_000_000), (cause) => (cause ? reject(cause) : resolve())),
    );
    return { sent, heard };
  }

  test("[B4] a second writer is refused; the uploader's HEAD ends a stale append, and keeps what arrived", async () => {
    const bytes = randomBytes(25_000_000);
    const path = await created(alice, conversationId, bytes.length);
    const { heard } = await endless(path, bytes);
    const second = await alice.append(path, 0, randomBytes(1));
    expect([second.status, second.code, second.headers['retry-after']]).toEqual([423, 'file.busy', '1']);
    expect((await bob.call('HEAD', path)).status).toBe(403);
    const kept = Number(await offsetOf(alice, path));
    expect(kept > 0 && kept <= 20_000_000).toBe(true);
    expect(await heard).toBeInstanceOf(Error);
    expect((await alice.append(path, kept, bytes.subarray(kept))).status).toBe(204);
    expect(same((await bob.download(path)).body, bytes)).toBe(true);
  });

  test('[B4] what arrived of an append whose peer went away is kept', async () => {
    const bytes = randomBytes(25_000_000);
    const path = await created(alice, conversationId, bytes.length);
    const { sent, heard } = await endless(path, bytes);
    sent.destroy();
    expect(await heard).toBeInstanceOf(Error);
    const kept = Number(await offsetOf(alice, path));
    expect(kept > 0 && kept <= 20_000_000).toBe(true);
    await server.restart();
    expect(await offsetOf(alice, path)).toBe(String(kept));
    expect((await alice.append(path, kept, bytes.subarray(kept))).status).toBe(204);
    expect(same((await bob.download(path)).body, bytes)).toBe(true);
  });

  test('[B4] a server that stops keeps what arrived', async () => {
    const bytes = randomBytes(25_000_000);
    const path = await created(alice, conversationId, bytes.length);
    const { heard } = await endless(path, bytes);
    await server.restart();
    expect(await heard).toBeInstanceOf(Error);
    const kept = Number(await offsetOf(alice, path));
    expect(kept > 0 && kept <= 20_000_000).toBe(true);
    expect((await alice.append(path, kept, bytes.subarray(kept))).status).toBe(204);
    expect(same((await bob.download(path)).body, bytes)).toBe(true);
  });

  test.each(['sha256', 'sha1'])(
    '[B3] %s: a body that matches is kept, one that does not is thrown away whole',
    async (algorithm) => {
      const bytes = randomBytes(150_000);
      const digest = (part: Uint8Array) => `${algorithm} ${createHash(algorithm).update(part).digest('base64')}`;
      const path = await created(alice, conversationId, bytes.length);
      const first = bytes.subarray(0, 100_000);
      expect(await alice.append(path, 0, first, { 'upload-checksum': digest(bytes) })).toMatchObject({
        status: 460,
        code: 'file.checksum_mismatch',
      });
      expect(await offsetOf(alice, path)).toBe('0');
      expect(await alice.append(path, 0, first, { 'upload-checksum': digest(first) })).toMatchObject({ status: 204 });
      expect(await offsetOf(alice, path)).toBe('100000');
      for (const bad of ['md5 1B2M2Y8AsgTpgAmY7PhCfg==', `${algorithm} AAAA`, algorithm, `${digest(first)} x`]) {
        expect(await alice.append(path, 100_000, randomBytes(1), { 'upload-checksum': bad })).toMatchObject({
          status: 400,
          code: 'input.invalid',
        });
      }
      const withFirst = await alice.create(conversationId, 10, { 'upload-checksum': digest(first) }, randomBytes(10));
      expect(withFirst).toMatchObject({ status: 460, code: 'file.checksum_mismatch' });
      const rest = bytes.subarray(100_000);
      expect((await alice.append(path, 100_000, rest, { 'upload-checksum': digest(rest) })).status).toBe(204);
      expect(same((await bob.download(path)).body, bytes)).toBe(true);
    },
  );

  test('what is not tus 1.0.0, or not to be understood, is refused by name', async () => {
    const path = await created(alice, conversationId, 10);
    const refusal = async (method: string, to: string, headers: Record<string, string>, body?: Uint8Array) => {
      const { status, code } = await alice.call(method, to, { headers, ...(body === undefined ? {} : { body }) });
      return `${status} ${code ?? ''}`.trim();
    };
    for (const version of ['', '0.2.2', '1.0', '2.0.0']) {
      const { status, code, headers } = await alice.call('PATCH', path, {
        headers: { 'tus-resumable': version },
        body: randomBytes(1),
      });
      expect([status, code, headers['tus-version']]).toEqual([412, 'file.version_refused', '1.0.0']);
    }
    const metadata = { 'upload-metadata': metadataFor(conversationId) };
    for (const length of ['', '-1', '1.5', '1e3', '0x10', '9007199254740992', '99999999999999999999', ' 1 1']) {
      expect(await refusal('POST', '/api/v1/files', { ...metadata, 'upload-length': length })).toBe(
        '400 input.invalid',
      );
    }
    expect(await refusal('POST', '/api/v1/files', { ...metadata, 'upload-defer-length': '1' })).toBe(
      '400 input.invalid',
    );
    expect(
      await refusal('POST', '/api/v1/files', { ...metadata, 'upload-length': '1', 'upload-concat': 'partial' }),
    ).toBe('400 input.invalid');
    expect(await refusal('POST', '/api/v1/files', { ...metadata, 'upload-length': '30000001' })).toBe(
      '413 file.too_large',
    );
    expect(
      await refusal(
        'PATCH',
        path,
        { 'upload-offset': '0', 'content-type': 'application/octet-stream' },
        randomBytes(1),
      ),
    ).toBe('415 input.content_type');
    expect(await refusal('PATCH', path, { 'upload-offset': 'x' }, randomBytes(1))).toBe('400 input.invalid');
    expect(await refusal('PATCH', '/api/v1/files/nothing', { 'upload-offset': '0' }, randomBytes(1))).toBe(
      '404 file.unknown',
    );
    expect(await refusal('GET', '/api/v1/files', {})).toBe('405 command.unknown');
    expect(await refusal('PUT', path, {})).toBe('405 command.unknown');
    expect(await offsetOf(alice, path)).toBe('0');
  });

  test('a method override stands for its method, from POST alone', async () => {
    const path = await created(alice, conversationId, 4);
    const override = (method: string) => ({ 'x-http-method-override': method });
    expect(
      (
        await alice.call('POST', path, {
          headers: { ...override('PATCH'), 'upload-offset': '0' },
          body: randomBytes(4),
        })
      ).status,
    ).toBe(204);
    expect((await alice.call('GET', path, { headers: override('DELETE') })).status).toBe(200);
    expect((await alice.call('POST', path, { headers: override('DELETE') })).status).toBe(204);
    expect((await alice.download(path)).status).toBe(404);
  });

  test('[B6] names, types and anything else about a file are refused: they are content', async () => {
    const conversation = metadataFor(conversationId);
    for (const metadata of [
      '',
      'conversation',
      `${conversation},filename Zm9v`,
      `filename Zm9v,${conversation}`,
      'conversation !!!',
      `conversation ${conversationId}`,
      `${conversation} x`,
    ]) {
      const { status, body } = await alice.create(conversationId, 5, { 'upload-metadata': metadata });
      expect([status, JSON.parse(body.toString())]).toEqual([
        400,
        { code: 'input.invalid', detail: { field: 'Upload-Metadata' } },
      ]);
    }
  });

  test('[B7] beyond the quotas it says which one; a removed file makes room', async () => {
    const path = await created(alice, conversationId, 30_000_000);
    expect(await alice.create(conversationId, 10_000_001)).toMatchObject({ status: 413, code: 'file.quota_exceeded' });
    await created(bob, conversationId, 30_000_000);
    expect(await bob.create(conversationId, 1)).toMatchObject({ status: 507, code: 'file.storage_full' });
    expect((await alice.call('DELETE', path)).status).toBe(204);
    await created(bob, conversationId, 10_000_000);
  });

  test('a disk without space is told with 507, keeps what was durable, and the server serves on', async ({ skip }) => {
    const folder = join(server.dataFolder, 'files');
    mkdirSync(folder, { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' });
    if (mounted.status !== 0) return skip('needs the right to mount a small file system');
    try {
      const bytes = randomBytes(20_000_000);
      const path = await created(alice, conversationId, bytes.length);
      expect((await alice.append(path, 0, bytes.subarray(0, 1_000_000))).status).toBe(204);
      expect(await alice.append(path, 1_000_000, bytes.subarray(1_000_000))).toMatchObject({
        status: 507,
        code: 'file.storage_full',
      });
      expect(await offsetOf(alice, path)).toBe('1000000');
      // The last bytes of a body find the disk full as well.
      expect(await alice.append(path, 1_000_000, bytes.subarray(1_000_000, 4_500_000))).toMatchObject({ status: 507 });
      expect((await alice.call('DELETE', path)).status).toBe(204);
      expect(
        same(
          (await bob.download(await alice.upload(conversationId, bytes.subarray(0, 2_000_000)))).body,
          bytes.subarray(0, 2_000_000),
        ),
      ).toBe(true);
    } finally {
      spawnSync('umount', ['-l', folder]);
    }
  });

  test('[B9] an expired upload is refused with 410, a whole file stays', async () => {
    const path = await created(alice, conversationId, 10);
    const whole = await alice.upload(conversationId, randomBytes(10));
    clocks.wallMs = 4 * dayMs;
    for (const answer of [await alice.append(path, 0, randomBytes(10)), await alice.download(path)]) {
      expect(answer).toMatchObject({ status: 410, code: 'file.expired' });
    }
    expect((await alice.call('HEAD', path)).status).toBe(410);
    expect((await bob.download(whole)).status).toBe(200);
  });
});
