/** A door with real sockets around a router and sessions of the test's own: no store, no domain. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeServerFrame, encodeRequest, type ServerFrame } from '#protocol/codec.ts';
import type { CommandName } from '#protocol/commands/index.ts';
import type { DeviceId, SessionId, UserId } from '#protocol/ids.ts';
import { idFromBytes } from '#protocol/ids.ts';
import { WebSocket } from 'ws';
import { InProcessBus } from '../../server/bus/in-process.ts';
import { createOps } from '../../server/ops/ops.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import type { EventBus, Router, SessionRecord, Views } from '../../server/session/seam.ts';
import { createDoor, type Door, type DoorParts } from '../../server/transport/door.ts';
import { Changes } from './changes.ts';

export const randomId = <T extends UserId | SessionId | DeviceId>(): T => idFromBytes<T>(systemRuntime.random(16));

/** A gate that a test opens when it wants. */
export function deferred(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

export interface OpenDoor {
  /** As config.origin; requests go to `base`, because the port is the system's choice. */
  readonly origin: string;
  readonly base: string;
  readonly bus: EventBus;
  /** Cookie value → session; a test adds and removes them. */
  readonly sessions: Map<string, SessionRecord>;
  signIn(userId: UserId, deviceId?: DeviceId | null, must?: SessionRecord['must']): { readonly cookie: string; readonly session: SessionRecord };
  socket(cookie: string): Promise<TestSocket>;
  /** Log lines so far. */
  readonly logLines: readonly string[];
  readonly door: Door;
  stop(): Promise<void>;
}

export interface DoorOptions {
  readonly router: Router;
  readonly origin?: string;
  readonly views?: Views;
  readonly overrides?: Partial<DoorParts>;
}

const silentViews: Views = { conversation: async () => new Map(), contacts: async () => [] };

export async function openDoor({
  router,
  origin = 'http://localhost:8080',
  views = silentViews,
  overrides = {},
}: DoorOptions): Promise<OpenDoor> {
  const sessions = new Map<string, SessionRecord>();
  const logLines: string[] = [];
  const bus = new InProcessBus((cause) => {
    throw cause;
  });
  const webFolder = mkdtempSync(join(tmpdir(), 'lanying-door-'));
  const live = (session: SessionRecord | undefined): SessionRecord | null =>
    session !== undefined && session.expiresAt > systemRuntime.now() ? session : null;
  const door = await createDoor({
    origin,
    bind: '127.0.0.1',
    port: 0,
    webFolder,
    openApi: '{"openapi":"3.1.0"}',
    router,
    bus,
    sessions: {
      authenticate: async (value) => live(sessions.get(value)),
      byId: async (sessionId) => live([...sessions.values()].find((session) => session.sessionId === sessionId)),
    },
    views,
    desk: null,
    json: { input: (_command, json) => json, output: (_command, output) => output },
    cookieValue: ({ sessionId }) => `new.${sessionId}`,
    ops: createOps({ level: 'trace', sink: { write: (line) => logLines.push(line) } }),
    runtime: systemRuntime,
    connectionsMax: 8_192,
    unready: () => [],
    full: () => false,
    ...overrides,
  });
  const port = await door.listen();
  const base = `http://127.0.0.1:${port}`;
  let signedIn = 0;
  return {
    origin,
    base,
    bus,
    sessions,
    logLines,
    door,
    signIn(userId, deviceId = null, must) {
      signedIn += 1;
      const now = systemRuntime.now();
      const session: SessionRecord = {
        sessionId: randomId(),
        secretHash: new Uint8Array(32),
        userId,
        deviceId,
        createdAt: now,
        expiresAt: now + 3_600_000,
        must,
      };
      const value = `session-${signedIn}-${session.sessionId}`;
      sessions.set(value, session);
      return { cookie: `${origin.startsWith('https:') ? '__Host-lanying' : 'lanying'}=${value}`, session };
    },
    socket: (cookie) => TestSocket.open(`ws://127.0.0.1:${port}/api/v1/socket`, { cookie, origin }),
    async stop() {
      await door.drain();
      rmSync(webFolder, { recursive: true, force: true });
    },
  };
}

/** A client socket that keeps every frame it got, in order. */
export class TestSocket {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  closed: { readonly code: number; readonly cause: string } | null = null;
  #lastId = 0;
  #cause = 'none';
  readonly #changes = new Changes();

  private constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.ws = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
    this.ws.binaryType = 'nodebuffer';
    this.ws.on('message', (data: Buffer) => {
      const frame = decodeServerFrame(new Uint8Array(data));
      if (frame === null) throw new Error('the server sent a frame that the contract does not know');
      this.frames.push(frame);
      this.#changes.tell();
    });
    this.ws.on('close', (code) => {
      this.closed = { code, cause: this.#cause };
      this.#changes.tell();
    });
    this.ws.on('error', (cause) => {
      this.#cause = String(cause);
    });
  }

  /** Resolves with the HTTP status when the upgrade is refused. */
  static attempt(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<TestSocket | { readonly status: number; readonly body: string }> {
    const socket = new TestSocket(url, headers);
    return new Promise((resolve, reject) => {
      socket.ws.once('error', reject);
      socket.ws.once('open', () => resolve(socket));
      socket.ws.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
    });
  }

  /** Open, and past its `ready`. */
  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<TestSocket> {
    const socket = await TestSocket.attempt(url, headers);
    if (!(socket instanceof TestSocket)) throw new Error(`upgrade refused: ${socket.status} ${socket.body}`);
    await socket.until(() => socket.frames.length > 0 || socket.closed !== null);
    return socket;
  }

  /** Resolves as soon as the condition holds; it is looked at after each frame and the close. */
  until(condition: () => boolean): Promise<void> {
    return this.#changes.until(condition);
  }

  send(command: CommandName, input: unknown): number {
    this.#lastId += 1;
    this.ws.send(encodeRequest(this.#lastId, command, input));
    return this.#lastId;
  }
  async reply(id: number): Promise<Exclude<ServerFrame, { kind: 'event' }>> {
    const find = () =>
      this.frames.find(
        (frame): frame is Exclude<ServerFrame, { kind: 'event' }> => frame.kind !== 'event' && frame.id === id,
      );
    await this.until(() => find() !== undefined || this.closed !== null);
    const found = find();
    if (found === undefined) throw new Error(`closed (${this.closed?.code}, ${this.closed?.cause}) before the answer`);
    return found;
  }
  call(command: CommandName, input: unknown): Promise<Exclude<ServerFrame, { kind: 'event' }>> {
    return this.reply(this.send(command, input));
  }
  events(name: string): unknown[] {
    return this.frames.flatMap((frame) => (frame.kind === 'event' && frame.name === name ? [frame.payload] : []));
  }
  async event(name: string, count = 1): Promise<unknown[]> {
    await this.until(() => this.events(name).length >= count || this.closed !== null);
    return this.events(name);
  }
  async closeCode(): Promise<number> {
    await this.until(() => this.closed !== null);
    return this.closed?.code ?? 0;
  }
  close(): void {
    this.ws.terminate();
  }
}
