/** A server process with a crowd, and clients in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildServer } from '../../test/harness/child-server.ts';
import { type CrowdMember, type CrowdOptions, makeCrowd } from '../../test/harness/crowd.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { residentBytes } from '../bench/cpu.ts';

export type Say = (line: string) => void;

export class Stage {
  #server: ChildServer | null = null;

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly members: readonly CrowdMember[],
  ) {}

  static async open(crowd: Omit<CrowdOptions, 'folder'>): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'lanying-abuse-'));
    const stage = new Stage(folder, await freePort(), await makeCrowd({ ...crowd, folder: join(folder, 'data') }));
    await stage.boot();
    return stage;
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  async boot(): Promise<void> {
    this.#server = await ChildServer.start({
      origin: this.origin,
      dataFolder: join(this.folder, 'data'),
      setupToken: 'setup-token-of-the-abuse-0123456789',
    });
  }
  async kill(): Promise<void> {
    await this.#server?.kill();
  }
  residentBytes(): number {
    return residentBytes(this.#server?.pid ?? 0);
  }
  /** Value of a counter or gauge without labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }
  async close(): Promise<void> {
    await this.#server?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A process of clients: takes words, answers each with one message. */
export class Clients {
  readonly #child: ChildProcess;
  #gone = false;

  constructor(file: URL) {
    this.#child = fork(file.pathname, {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
    });
    this.#child.once('exit', () => (this.#gone = true));
  }

  /** Rejects when the process ends first. */
  ask(message: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(new Error('the clients are gone'));
      const ended = (): void => reject(new Error('the clients ended'));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', ended);
        resolve(answer);
      });
      this.#child.send(message);
    });
  }
  stop(): void {
    this.#child.kill();
  }
}
