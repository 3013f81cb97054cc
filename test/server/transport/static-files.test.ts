import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'node:http';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDoor, openDoor } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';
import { encodedFor, findFile, loadStaticFiles } from '../../../server/transport/static-files.ts';

const index = '<!doctype html><title>lanying</title>';
const script = 'console.log(1);'.repeat(50);
let folder: string;
let door: OpenDoor;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-web-'));
  const web = join(folder, 'web');
  mkdirSync(join(web, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'outside.txt'), 'secret');
  writeFileSync(join(web, 'index.html'), index);
  writeFileSync(join(web, 'assets', 'main-B1x2y3z4.js'), script);
  writeFileSync(join(web, 'assets', 'main-B1x2y3z4.js.br'), brotliCompressSync(script));
  writeFileSync(join(web, 'assets', 'main-B1x2y3z4.js.gz'), gzipSync(script));
  writeFileSync(join(web, 'manifest.webmanifest'), '{}');
  door = await openDoor({ router: new ScriptedRouter(), overrides: { webFolder: web } });
});
afterAll(async () => {
  await door.stop();
  rmSync(folder, { recursive: true, force: true });
});

function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
    const { port } = new URL(door.base);
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test.each(['/', '/setup', '/join', '/c/abc', '/index.html'])('%s is the client, revalidated each time', async (path) => {
  const answer = await get(path);
  expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' } });
  expect(answer.body.toString()).toBe(index);
  const again = await get(path, { 'if-none-match': String(answer.headers['etag']) });
  expect(again.status).toBe(304);
  expect(again.body).toHaveLength(0);
});

test('hashed names are immutable and come in the form the browser accepts', async () => {
  const path = '/assets/main-B1x2y3z4.js';
  const plain = await get(path);
  expect(plain.headers['cache-control']).toContain('immutable');
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.body.toString()).toBe(script);
  const brotli = await get(path, { 'accept-encoding': 'gzip, deflate, br' });
  expect(brotli.headers).toMatchObject({ 'content-encoding': 'br', vary: 'accept-encoding', 'content-type': 'text/javascript; charset=utf-8' });
  expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
  const gzip = await get(path, { 'accept-encoding': 'gzip, br;q=0' });
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzip.body).toString()).toBe(script);
});

test('HEAD has the headers without the body', async () => {
  const answer = await get('/', {}, 'HEAD');
  expect(answer.headers['content-length']).toBe(String(index.length));
  expect(answer.body).toHaveLength(0);
});

test.each(['/../outside.txt', '/assets/../../outside.txt', '/..%2foutside.txt', '/%2e%2e/outside.txt', '//outside.txt', '/assets/main-B1x2y3z4.js.br', '/missing.js', '/assets/missing', '/api/none'])(
  '%s is not found',
  async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.body.toString()).not.toContain('secret');
  },
);

test('other methods on a page are refused', async () => {
  expect(await get('/', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
});

test('a missing folder serves nothing, and says what to do', async () => {
  expect(loadStaticFiles(join(folder, 'none')).size).toBe(0);
  const bare = await openDoor({ router: new ScriptedRouter(), overrides: { webFolder: join(folder, 'none') } });
  const answer = await fetch(`${bare.base}/`);
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain('npm run build');
  await bare.stop();
});

test('lookups stay in the map', () => {
  const files = loadStaticFiles(join(folder, 'web'));
  expect(findFile(files, 'constructor')).toBe(files.get('/index.html'));
  const file = files.get('/index.html');
  if (file === undefined) throw new Error('index.html was not loaded');
  expect(encodedFor(file, 'br').encoding).toBeNull();
});
