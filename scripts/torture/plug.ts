/** How a round ends: the process is killed, or the power goes. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildServer } from '../../test/harness/child-server.ts';
import { LoopVolume, type MountOption } from '../../test/harness/loop-volume.ts';

export interface Plug {
  /** A folder for data folders. */
  readonly folder: string;
  /** Ends the server without a warning. Afterwards the folder is as a next start finds it. */
  pull(server: ChildServer): Promise<void>;
  remove(): void;
}

export class Kill implements Plug {
  readonly folder = mkdtempSync(join(tmpdir(), 'lanying-torture-'));

  pull(server: ChildServer): Promise<void> {
    return server.kill();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class PowerCut implements Plug {
  readonly volume: LoopVolume;

  constructor(mebibytes: number, option: MountOption) {
    this.volume = new LoopVolume(mebibytes, option);
    mkdirSync(this.folder);
    // So that its name is there after the first cut.
    this.volume.restore();
  }

  get folder(): string {
    return join(this.volume.path, 'torture');
  }

  async pull(server: ChildServer): Promise<void> {
    // A power cut stops the processor too. Left running, a process is told now and then that a sync went well which the
    // shutdown then throws away: jbd2 takes a transaction that was aborted for one that is done (seen with a bare loop of
    // write and fdatasync in 6 of 60 cuts, and frozen in none).
    server.freeze();
    await this.volume.cut();
    await server.kill();
    this.volume.restore();
  }

  remove(): void {
    this.volume.remove();
  }
}
