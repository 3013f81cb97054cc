/** The server as a process of its own, from its sources unless told otherwise: for what only a process can meet, as kill -9 or a failing disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export interface ChildServerOptions {
  readonly origin: string;
  readonly dataFolder: string;
  readonly setupToken: string;
  readonly logLevel?: string;
  /** The built one, which must be there. */
  readonly built?: boolean;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class ChildServer {
  /** Resolves with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  /** The process is no more; what it began itself may still hold its output open. */
  readonly #gone: Promise<unknown>;
  /** True once it serves, false when it ended before. */
  readonly ready: Promise<boolean>;
  #log = '';

  /** Does not wait until it serves. */
  constructor(options: ChildServerOptions) {
    const { origin, dataFolder, setupToken, logLevel = 'error', built = false, environment = {} } = options;
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LANYING_'));
    const env = {
      ...Object.fromEntries(inherited),
      LANYING_ORIGIN: origin,
      LANYING_DATA: dataFolder,
      LANYING_SETUP_TOKEN: setupToken,
      LANYING_LOG_LEVEL: logLevel,
      ...environment,
    };
    const child = spawn(process.execPath, built ? ['dist/server/main.js'] : ['--import', 'tsx', 'server/main.ts'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#gone = once(child, 'exit');
    child.stderr.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    // `close` and not `exit`: by then everything it wrote was read.
    this.ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
    this.ready = new Promise<boolean>((found) => {
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('lanying is ready')) found(true);
      });
      void this.ended.then(() => found(false));
    });
  }

  /** Resolves once it serves. Rejects when it ended before, with what it said. */
  static async start(options: ChildServerOptions): Promise<ChildServer> {
    const server = new ChildServer(options);
    await server.serving();
    return server;
  }

  /** Resolves once it serves. Rejects when it ended before, with what it said. */
  async serving(): Promise<void> {
    if (!(await this.ready)) throw new Error(`the server ended with ${await this.ended}: ${this.log}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it wrote to standard error so far. */
  get log(): string {
    return this.#log;
  }

  /** Stops it where it stands (SIGSTOP); only `kill` goes on from there. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Ends it by SIGKILL and waits for its end; nothing when it ended before. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }
}
