/** The built appliance as its users run it: one process, one data folder, killed and restarted like the real thing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const setupToken = 'setup-token-for-tests-0123456789';

export class Appliance {
  #process: ChildProcess | null = null;
  /** Everything that it printed, for tests that look for what must not be there. */
  output = '';

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly origin: string,
  ) {}

  /** `frontPort`: where people reach it, when something stands between (a recorder). `given`: the data folder, else one of its own. */
  static async start(frontPort?: number, given?: string): Promise<Appliance> {
    const folder = given ?? (await mkdtemp(join(tmpdir(), 'lanying-')));
    const port = await freePort();
    const appliance = new Appliance(folder, port, `http://localhost:${frontPort ?? port}`);
    await appliance.boot();
    return appliance;
  }

  /** Starts the process on the same folder and port, and waits until it is ready. */
  async boot(): Promise<void> {
    const child = spawn(process.execPath, ['dist/server/main.js'], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        LANYING_ORIGIN: this.origin,
        LANYING_PORT: String(this.port),
        LANYING_DATA: this.folder,
        LANYING_SETUP_TOKEN: setupToken,
        LANYING_LOG_LEVEL: 'info',
        // The bench sends everything as one person.
        LANYING_SENDS_PERSON_MAX: '1000000',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const listening = new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        this.output += chunk.toString();
        void this.#isReady().then((ready) => ready && resolve());
      };
      child.stdout.on('data', onData);
      child.stderr.on('data', onData);
      child.once('exit', (code) => reject(new Error(`exited with ${code}:\n${this.output}`)));
    });
    await listening;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`http://localhost:${this.port}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** kill -9: no goodbye, no flush. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** SIGTERM; resolves with the exit code. */
  async terminate(): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    if (child.exitCode !== null) return child.exitCode;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    return child.exitCode;
  }

  async stop(): Promise<void> {
    await this.terminate();
    await rm(this.folder, { recursive: true, force: true });
  }
}
