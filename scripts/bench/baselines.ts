/** What the same work costs without lanying: the floor that each row is compared with. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GroupCommit } from './group-commit.ts';
import { maskedFrame, Wire } from './wire.ts';

/** Acknowledged writes a second of a bare group-committing loop in this process. */
export async function bareGroupCommit(writes: number, writers: number, valueBytes: number): Promise<number> {
  const store = await GroupCommit.open(await mkdtemp(join(tmpdir(), 'lanying-bench-')));
  const value = randomBytes(valueBytes);
  let left = writes;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (left-- > 0) await store.put(value);
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  await store.close();
  return writes / seconds;
}

export interface BareRelay {
  readonly pid: number;
  /** A message as long as those that lanying delivers. */
  readonly frame: Buffer;
  wires(count: number): Promise<readonly Wire[]>;
  stop(): void;
}

/** `kept`: every message goes to LevelDB in synced batches before it is published. */
export async function startBareRelay(mode: 'publish' | 'kept', messageBytes: number): Promise<BareRelay> {
  const path = new URL('./bare-relay.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', path, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the baseline ended with ${code}`)));
  // Only of interest before it has told its port.
  ended.catch(() => undefined);
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  const port = Number(String(line).trim());
  return {
    pid: child.pid ?? Number.NaN,
    frame: maskedFrame(randomBytes(messageBytes)),
    wires: (count) => Promise.all(Array.from({ length: count }, () => Wire.open(port, '/', {}))),
    stop: () => void child.kill(),
  };
}

const becomeReader = maskedFrame(Uint8Array.of(0));

/** Makes sockets readers of everything. */
export function subscribe(wires: readonly Wire[]): void {
  for (const wire of wires) wire.write(becomeReader);
}
