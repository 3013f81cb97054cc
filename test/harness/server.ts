/** The whole server in this process: real door, real LevelDB in a folder of its own, a port of the system's choice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandName } from '#protocol/commands/index.ts';
import { toBase64Url } from '#protocol/ids.ts';
import { compose, type Server } from '../../server/compose.ts';
import { createOps } from '../../server/ops/ops.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import type { FileBounds } from '../../server/config/config.ts';
import type { Runtime } from '../../server/ports/runtime.ts';
import { TestSocket } from './door.ts';
import { freePort } from './free-port.ts';

export interface Posted {
  readonly status: number;
  /** Parsed JSON; byte strings are base64url. */
  readonly body: unknown;
  /** `name=value` when the answer set the session cookie. */
  readonly cookie: string | null;
  readonly headers: Headers;
}

export interface TestServer {
  readonly origin: string;
  readonly setupToken: string;
  readonly dataFolder: string;
  /** JSON lines of the log so far. */
  readonly logLines: readonly string[];
  /** As a browser on the origin does it; byte strings in `input` may be Uint8Array. */
  post(command: CommandName, input: unknown, cookie?: string | null): Promise<Posted>;
  /** Open and past its `ready`. */
  socket(cookie: string): Promise<TestSocket>;
  /** Drains and closes; the data folder stays until `remove`. */
  stop(): Promise<void>;
  /** Stops and starts again on the same folder and port. */
  restart(): Promise<void>;
  /** Stops if need be and removes the data folder. */
  remove(): Promise<void>;
}

export interface TestServerOptions {
  readonly setupToken?: string;
  /** Kept by `remove` when given. */
  readonly dataFolder?: string;
  readonly webFolder?: string;
  readonly runtime?: Runtime;
  /** The server's clock is ahead by so much, as it is at any moment. */
  readonly nowShiftMs?: () => number;
  readonly masterKey?: Uint8Array<ArrayBuffer>;
  readonly files?: Partial<FileBounds>;
  /** Messages of one person in a second, in the long run; ten times as many at once. */
  readonly sendsPersonMax?: number;
  /** Hears that the store failed; the server goes on as it is. */
  readonly onBroken?: (cause: unknown) => void;
}

/** Room for every test; no floor, because a machine that tests may be nearly full. */
export const fileBounds: FileBounds = { fileBytesMax: 2 ** 31, personBytesMax: 2 ** 33, totalBytesMax: 2 ** 34, freeBytesMin: 0 };

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'lanying-server-'));
  const setupToken = options.setupToken ?? 'setup-token-of-the-tests';
  const masterKey = options.masterKey ?? new Uint8Array(32).fill(7);
  // The origin bears the port, so the port must be known before the server listens.
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const logLines: string[] = [];
  const { nowShiftMs = () => 0 } = options;
  const runtime = options.runtime ?? { ...systemRuntime, now: () => systemRuntime.now() + nowShiftMs() };
  const begin = async (): Promise<Server> => {
    const server = await compose({
      config: { origin, bind: '127.0.0.1', port, dataFolder, logLevel: 'debug', files: { ...fileBounds, ...options.files }, sendsPersonMax: options.sendsPersonMax ?? 1_000 },
      secrets: { masterKey, setupToken },
      ops: createOps({ level: 'debug', sink: { write: (line) => logLines.push(line) } }),
      runtime,
      webFolder: options.webFolder ?? join(dataFolder, 'no-web'),
      onBroken:
        options.onBroken ??
        ((cause) => {
          throw cause;
        }),
    });
    await server.listen();
    return server;
  };
  let running: Server | null = await begin();
  const stop = async (): Promise<void> => {
    const server = running;
    running = null;
    await server?.stop();
  };
  return {
    origin,
    setupToken,
    dataFolder,
    logLines,
    post: (command, input, cookie = null) => postTo(origin, command, input, cookie),
    socket: (cookie) => TestSocket.open(`${origin.replace('http', 'ws')}/api/v1/socket`, { cookie, origin }),
    stop,
    async restart() {
      await stop();
      running = await begin();
    },
    async remove() {
      await stop();
      if (options.dataFolder === undefined) rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

const withBase64Url = (_key: string, value: unknown): unknown => (value instanceof Uint8Array ? toBase64Url(value) : value);

export async function postTo(origin: string, command: CommandName, input: unknown, cookie: string | null): Promise<Posted> {
  const response = await fetch(`${origin}/api/v1/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin, ...(cookie === null ? {} : { cookie }) },
    body: JSON.stringify(input, withBase64Url),
  });
  const body: unknown = await response.json();
  const set = response.headers.get('set-cookie');
  return { status: response.status, body, cookie: set?.split(';')[0] ?? null, headers: response.headers };
}
