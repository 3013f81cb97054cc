/** Row of files: 256 MiB up, synced, and down again, beside bare uWebSockets to and from the same disk. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Appliance, setupToken } from '../../test/harness/appliance.ts';
import { FileClient, octets } from '../../test/harness/files.ts';
import { createConversation, createOwner, RawSocket } from '../../test/harness/raw-client.ts';
import { cpuSeconds } from './cpu.ts';
import { median, type Row } from './report.ts';

const mib = 1024 * 1024;
const size = 256 * mib;
const rounds = 5;
const piece = randomBytes(mib);

/** Sends the body as fast as the server takes it; resolves to the status. */
async function put(url: URL, method: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const sent = request(url, { method, agent: false, headers: { ...headers, 'content-length': String(size) } });
  const answered = once(sent, 'response');
  for (let at = 0; at < size; at += mib) if (!sent.write(piece)) await once(sent, 'drain');
  sent.end();
  const [response] = await answered;
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

async function get(url: URL, headers: Readonly<Record<string, string>>): Promise<number> {
  const asked = request(url, { agent: false, headers });
  asked.end();
  const [response] = await once(asked, 'response');
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  await once(response, 'end');
  return length;
}

interface Side {
  readonly pid: number;
  up(): Promise<number>;
  down(): Promise<number>;
  /** After each round. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

async function ours(): Promise<Side> {
  const appliance = await Appliance.start();
  const account = await createOwner(appliance.origin, setupToken);
  const socket = await RawSocket.open(appliance.origin, account.cookie);
  const { conversationId } = await createConversation(socket, account);
  await socket.close();
  const client = new FileClient(appliance.origin, account.cookie);
  let path = '';
  return {
    pid: appliance.pid,
    async up() {
      path = String((await client.create(conversationId, size)).headers.location);
      return put(new URL(path, appliance.origin), 'PATCH', {
        ...client.usual,
        'content-type': octets,
        'upload-offset': '0',
      });
    },
    down: () => get(new URL(path, appliance.origin), { cookie: account.cookie }),
    clear: async () => void (await client.call('DELETE', path)),
    stop: () => appliance.stop(),
  };
}

async function bare(): Promise<Side> {
  const folder = await mkdtemp(join(tmpdir(), 'lanying-bench-'));
  const server = new URL('./file-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', server, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const url = new URL(`http://127.0.0.1:${String(line).trim()}/`);
  return {
    pid: child.pid ?? 0,
    up: () => put(url, 'PUT', {}),
    down: () => get(url, {}),
    clear: () => rm(join(folder, 'bare')),
    async stop() {
      child.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Measured {
  readonly up: number;
  readonly down: number;
  readonly cpu: number;
}

async function round(side: Side): Promise<Measured> {
  const cpuBefore = cpuSeconds(side.pid);
  const startedAt = performance.now();
  const status = await side.up();
  const middle = performance.now();
  const length = await side.down();
  const endedAt = performance.now();
  if (status >= 300 || length !== size) throw new Error(`files: ${status}, ${length} bytes`);
  const cpu = cpuSeconds(side.pid) - cpuBefore;
  await side.clear();
  return { up: (middle - startedAt) / 1_000, down: (endedAt - middle) / 1_000, cpu };
}

/** Both ways together; the seconds of each way and of the server's CPU go to standard error. */
export async function filesRow(): Promise<Row> {
  const [our, their] = [await ours(), await bare()];
  const measured: { readonly our: Measured; readonly their: Measured }[] = [];
  // Once each unmeasured: code is compiled and folders are made.
  await round(our);
  await round(their);
  for (let at = 0; at < rounds; at += 1) measured.push({ our: await round(our), their: await round(their) });
  await our.stop();
  await their.stop();
  const middle = (of: (each: (typeof measured)[number]) => number): number => median(measured.map(of));
  const seconds = (side: 'our' | 'their'): string =>
    `up ${middle((each) => each[side].up).toFixed(2)} s, down ${middle((each) => each[side].down).toFixed(2)} s, CPU ${middle((each) => each[side].cpu).toFixed(2)} s`;
  process.stderr.write(`256 MiB: lanying ${seconds('our')}; bare ${seconds('their')}\n`);
  const value = (2 * size) / mib / middle(({ our: { up, down } }) => up + down);
  const baseline = (2 * size) / mib / middle(({ their: { up, down } }) => up + down);
  const ratio = value / baseline;
  return {
    name: 'upload and download of 256 MiB',
    value,
    unit: 'MiB/s',
    baseline,
    ratio,
    target: 0.5,
    ok: ratio >= 0.5,
  };
}
