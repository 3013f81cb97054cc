/** A backup on schedule: the operator's command as a process of its own, so that sealing takes nothing from the relay. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import * as v from 'valibot';

export interface Scheduled {
  readonly to: string;
  readonly recipients: readonly string[];
  readonly keep: number;
}

const outputMax = 64 * 1024;
/** Behind everything that people wait for. */
const niceness = 10;

const Told = v.object({ files: v.number() });

/** `cli`: program and arguments. Resolves to how many files it holds; rejects with what the command said. */
export async function runBackup(cli: readonly string[], { to, recipients, keep }: Scheduled): Promise<number> {
  const [program = '', ...first] = cli;
  const child = spawn(program, [...first, 'backup', '--to', to, '--recipient', recipients.join(','), '--keep', String(keep), '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out = (out + chunk.toString()).slice(-outputMax)));
  child.stderr.on('data', (chunk: Buffer) => (err = (err + chunk.toString()).slice(-outputMax)));
  const ended = once(child, 'close');
  if (child.pid !== undefined) lower(child.pid);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the backup failed (${String(code)}): ${err.trim().split('\n').at(-1) ?? ''}`);
  return v.parse(Told, JSON.parse(out)).files;
}

function lower(processId: number): void {
  try {
    setPriority(processId, niceness);
  } catch (cause) {
    // Gone already, or not allowed here: then it runs as it is.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
  }
}
