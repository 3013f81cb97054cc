import { spawn } from 'node:child_process';

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Count = { passed: 0, failed: 0, skipped: 0 };
export const onePassed: Count = { passed: 1, failed: 0, skipped: 0 };
export const oneFailed: Count = { passed: 0, failed: 1, skipped: 0 };

export const sum = (counts: readonly Count[]): Count =>
  counts.reduce((total, count) => ({ passed: total.passed + count.passed, failed: total.failed + count.failed, skipped: total.skipped + count.skipped }), nothing);

/** The last line of a run. */
export const sentence = ({ passed, failed, skipped }: Count): string => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Green is: something ran and nothing failed. */
export const isGreen = ({ passed, failed }: Count): boolean => failed === 0 && passed > 0;

export interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

/**
 * Runs Node with the given arguments, without stdin. Output is collected, and shown as it comes when live.
 * After limitMs the whole process group is killed, and that is a failure.
 */
export const runNode = (args: readonly string[], options: { readonly cwd: string; readonly limitMs: number; readonly live: boolean }): Promise<Ended> =>
  new Promise((resolve) => {
    // Colours only where somebody sees them; in a log they are noise.
    const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
    const child = spawn(process.execPath, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (options.live) process.stdout.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    };
    const limit = setTimeout(() => {
      take(Buffer.from(`\nstopped after ${options.limitMs / 60_000} min\n`));
      end();
    }, options.limitMs);
    const interrupted = (): void => {
      end();
      process.exit(130);
    };
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    const finish = (ok: boolean): void => {
      clearTimeout(limit);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve({ ok, output });
    };
    child.on('error', (error) => {
      take(Buffer.from(`${error.message}\n`));
      finish(false);
    });
    child.on('close', (code) => finish(code === 0));
  });
