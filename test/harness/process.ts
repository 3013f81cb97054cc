/** The server as a process of its own, from its sources: killed without warning, started again on the same folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';

const root = resolve(import.meta.dirname, '../..');

export class ServerProcess {
  readonly setupToken = 'setup-token-of-a-process-0123456789';
  readonly #folder = mkdtempSync(join(tmpdir(), 'lanying-process-'));
  #child: ChildProcess | null = null;

  private constructor(
    readonly origin: string,
    readonly variables: Readonly<Record<string, string>>,
  ) {}

  static async start(variables: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const server = new ServerProcess(`http://localhost:${await freePort()}`, variables);
    await server.boot();
    return server;
  }

  /** Resolves once it serves. */
  async boot(): Promise<void> {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LANYING_')));
    const own = {
      LANYING_ORIGIN: this.origin,
      LANYING_DATA: join(this.#folder, 'data'),
      LANYING_SETUP_TOKEN: this.setupToken,
      ...this.variables,
    };
    const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
      cwd: root,
      env: { ...inherited, ...own },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    await new Promise<void>((ready, failed) => {
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('lanying is ready')) ready();
      });
      child.once('exit', (code) => failed(new Error(`ended with ${code}`)));
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Resident memory in bytes (Linux). */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child?.pid ?? 0}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1_024;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
