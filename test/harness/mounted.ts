/** A small file system of its own for a test: what fills up there is full. Needs root and tmpfs; null elsewhere, said aloud. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Mounted {
  readonly path: string;
  /** Fills what is left with a file, but for `leave` bytes. */
  fill(leave?: number): Promise<void>;
  /** Takes that file away. */
  free(): void;
  remove(): void;
}

export function mountSmall(mebibytes: number): Mounted | null {
  const path = mkdtempSync(join(tmpdir(), 'lanying-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    process.stderr.write('SKIPPED: no small file system can be mounted here (root and tmpfs are needed)\n');
    return null;
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill(leave = 0) {
      const chunk = 64 * 1024;
      const parts: Uint8Array[] = [];
      const { bavail, bsize } = await statfs(path);
      for (let left = bavail * bsize - leave; left > 0; left -= chunk)
        parts.push(new Uint8Array(Math.min(chunk, left)));
      await writeFile(ballast, Buffer.concat(parts));
    },
    free: () => rmSync(ballast),
    remove() {
      execFileSync('umount', [path]);
      rmSync(path, { recursive: true });
    },
  };
}

/** The same folder under another name, as a container sees a volume. Null where that needs rights that are not there, said aloud. */
export function bindMount(folder: string): { readonly path: string; remove(): void } | null {
  const path = mkdtempSync(join(tmpdir(), 'lanying-bound-'));
  const remove = (): void => rmSync(path, { recursive: true });
  try {
    execFileSync('mount', ['--bind', folder, path], { stdio: 'ignore' });
  } catch {
    remove();
    process.stderr.write('SKIPPED: nothing can be bind-mounted here (root is needed)\n');
    return null;
  }
  return {
    path,
    remove() {
      execFileSync('umount', [path]);
      remove();
    },
  };
}
