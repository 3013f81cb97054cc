/** Large files through a server process: killed in the middle, watched for its memory. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Upload } from 'tus-js-client';
import type { ConversationId } from '#protocol/ids.ts';
import { FileClient, octets } from '../../harness/files.ts';
import { ServerProcess } from '../../harness/process.ts';
import { postTo } from '../../harness/server.ts';
import { type Peer, talk } from '../commands/world.ts';
import { Served } from './served.ts';

const mib = 1024 * 1024;
let server: ServerProcess;
let world: Served;
let owner: Peer;
let conversationId: ConversationId;

beforeEach(async () => {
  server = await ServerProcess.start({
    LANYING_FILES_PERSON_MAX: '60000G',
    LANYING_FILES_TOTAL_MAX: '60000G',
    LANYING_FILES_FREE_MIN: '1M',
  });
  world = new Served({
    setupToken: server.setupToken,
    post: (command, input, cookie = null) => postTo(server.origin, command, input, cookie),
  });
  owner = await world.owner();
});
afterEach(() => server.remove());

const clientOf = (peer: Peer): FileClient => new FileClient(server.origin, world.cookie(peer));

/** SHA-256 of a download, read as fast as it comes; `each` hears of every part. */
function fetched(client: FileClient, path: string, each: (bytes: number) => void = () => undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, server.origin),
      { agent: false, headers: { cookie: String(client.cookie) } },
      (response) => {
        const hash = createHash('sha256');
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          hash.update(chunk);
          length += chunk.length;
          each(length);
        });
        response.on('error', reject);
        response.on('end', () => (response.complete ? resolve(hash.digest('hex')) : reject(new Error('cut off'))));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

test('[B2] a tus client goes on after kill -9 from what was told to be on disk', { timeout: 120_000 }, async () => {
  ({ conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]));
  const client = clientOf(owner);
  const bytes = randomBytes(60 * mib);
  const offsets: number[] = [];
  let acknowledged = 0;
  const killed: Promise<void>[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(bytes, {
      endpoint: `${server.origin}/api/v1/files`,
      headers: { cookie: String(client.cookie), origin: server.origin },
      metadata: { conversation: conversationId },
      chunkSize: 8 * mib,
      retryDelays: [100, 200, 400, 800, 1_600, 3_200, 3_200, 3_200, 3_200, 3_200],
      onChunkComplete: (_size, accepted) => {
        acknowledged = accepted;
      },
      // In the middle of the fourth part.
      onProgress: (sent) => {
        if (sent > 28 * mib && killed.length === 0) killed.push(server.kill().then(() => server.boot()));
      },
      onAfterResponse: (asked, answered) => {
        if (asked.getMethod() === 'HEAD') offsets.push(Number(answered.getHeader('Upload-Offset')));
      },
      onError: reject,
      onSuccess: () => resolve(upload.url ?? ''),
    });
    upload.start();
  });
  await Promise.all(killed);
  expect(killed).toHaveLength(1);
  expect(acknowledged).toBe(bytes.length);
  const [resumed = 0] = offsets.filter((offset) => !Number.isNaN(offset));
  expect(resumed >= 24 * mib && resumed < bytes.length).toBe(true);
  expect(await fetched(client, new URL(url).pathname)).toBe(createHash('sha256').update(bytes).digest('hex'));
  await server.kill();
  await server.boot();
  expect(await fetched(client, new URL(url).pathname)).toBe(createHash('sha256').update(bytes).digest('hex'));
});

/** What 256 MiB and 200 peers may add to the memory of the process. */
const grownBytesMax = 192 * mib;

test('[B12] 256 MiB up and down in one piece leave the memory flat', { timeout: 120_000 }, async () => {
  ({ conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]));
  const client = clientOf(owner);
  const size = 256 * mib;
  const { headers } = await client.create(conversationId, size);
  const path = String(headers.location);
  const before = server.residentBytes();
  let most = before;
  const watch = (): void => {
    most = Math.max(most, server.residentBytes());
  };
  const hash = createHash('sha256');
  const { sent, answer } = client.begin('PATCH', path, {
    ...client.usual,
    'content-type': octets,
    'upload-offset': '0',
    'content-length': String(size),
  });
  for (let part = 0; part < size / mib; part += 1) {
    const bytes = randomBytes(mib);
    hash.update(bytes);
    await new Promise<void>((resolve, reject) => sent.write(bytes, (cause) => (cause ? reject(cause) : resolve())));
    if (part % 8 === 0) watch();
  }
  sent.end();
  expect(await answer).toMatchObject({ status: 204 });
  let seen = 0;
  const digest = await fetched(client, path, (length) => {
    if (length - seen < 8 * mib) return;
    seen = length;
    watch();
  });
  expect(digest).toBe(hash.digest('hex'));
  process.stdout.write(`memory: ${Math.round(before / mib)} MiB before, at most ${Math.round(most / mib)} MiB\n`);
  expect(most - before).toBeLessThan(grownBytesMax);
});

test(
  '[B12] 200 uploads that stand still and 200 downloads that nobody reads take little memory, and keep nobody else away',
  { timeout: 120_000 },
  async () => {
    const peers = [owner];
    for (let at = 1; at < 14; at += 1) peers.push(await world.invited(owner, `peer${at}`));
    ({ conversationId } = await talk(world, owner, peers.slice(1)));
    const clients = peers.map(clientOf);
    const last = clients[13];
    if (last === undefined) throw new Error('no client');
    const large = await last.upload(conversationId, randomBytes(8 * mib));
    const slow = Array.from({ length: 200 }, (_, at) => clients[at % 13]).filter((client) => client !== undefined);
    const before = server.residentBytes();
    const hanging = await Promise.all(
      slow.map(async (client) => {
        const { headers } = await client.create(conversationId, 1024 * mib);
        const { sent, answer } = client.begin('PATCH', String(headers.location), {
          ...client.usual,
          'content-type': octets,
          'upload-offset': '0',
          'content-length': String(1024 * mib),
        });
        const heard = answer.catch((cause: unknown) => cause);
        await new Promise<void>((resolve) => sent.write(randomBytes(300_000), () => resolve()));
        return { sent, heard };
      }),
    );
    expect(server.residentBytes() - before).toBeLessThan(grownBytesMax);
    expect((await last.download(large)).body.length).toBe(8 * mib);
    for (const { sent } of hanging) sent.destroy();
    await Promise.all(hanging.map(({ heard }) => heard));
    const deaf = slow.map((client) =>
      request(new URL(large, server.origin), { agent: false, headers: { cookie: String(client.cookie) } }),
    );
    await Promise.all(
      deaf.map(
        (asked) =>
          new Promise<void>((resolve, reject) => {
            asked.on('error', reject);
            asked.on('response', (response) => {
              response.pause();
              expect([200, 429]).toContain(response.statusCode);
              resolve();
            });
            asked.end();
          }),
      ),
    );
    expect((await last.download(large)).body.length).toBe(8 * mib);
    process.stdout.write(
      `memory: ${Math.round(before / mib)} MiB before, ${Math.round(server.residentBytes() / mib)} MiB with 200 slow peers\n`,
    );
    expect(server.residentBytes() - before).toBeLessThan(grownBytesMax);
    for (const asked of deaf) asked.on('error', () => asked.destroy()).destroy();
  },
);
