/** Another server for the same work, as Debian packs it: in a folder of its own, on loopback, ended by its id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

export interface Broker {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Looked for by name: asked for its version, Prosody starts a server. */
export const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Resolves once it listens. `folder` is its own and goes with it. Rejects when it ends before. */
export async function startBroker(
  program: string,
  args: readonly string[],
  folder: string,
  port: number,
): Promise<Broker> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const gone = once(child, 'exit');
  for (let up = false; !up;) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    const probe = connect(port, '127.0.0.1');
    up = await new Promise((resolve) => probe.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    probe.destroy();
  }
  return {
    pid: child.pid ?? Number.NaN,
    port,
    stop: async () => {
      child.kill();
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}
