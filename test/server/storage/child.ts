/** Runs appender.ts and reads what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { appenderPath } from './appender.ts';

export class Child {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #wake = new Set<() => void>();
  #over = false;

  constructor(folder: string, task: 'append' | 'hold') {
    this.#process = spawn(process.execPath, ['--import', 'tsx', appenderPath, folder, task], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('no pipe');
    createInterface({ input: stdout })
      .on('line', (line) => {
        this.lines.push(line);
        this.#stir();
      })
      .on('close', () => {
        this.#over = true;
        this.#stir();
      });
  }

  get processId(): number {
    if (this.#process.pid === undefined) throw new Error('it did not start');
    return this.#process.pid;
  }

  /** Resolves once so many lines are there, or no more will come. */
  async said(lines: number): Promise<void> {
    while (this.lines.length < lines && !this.#over) await new Promise<void>((resolve) => this.#wake.add(resolve));
  }

  /** kill -9; resolves when the process is gone and all that it said is read. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    await this.said(Infinity);
  }

  #stir(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
