/** A folder that keeps backups: on another disk, a mounted share. Everything in it is whole or has another name. */
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { namesIn, syncFolder } from '../durable-files.ts';
import { ArchiveError, type Bytes } from './sealing.ts';

/** Where backups are kept. Names: letters, digits, `.` and `-`, at most one `/`. */
export interface BackupTarget {
  /** There whole and durable when it resolves, or not at all. */
  put(name: string, source: Bytes): Promise<void>;
  /** Rejects with ArchiveError('missing'). */
  get(name: string): Promise<Bytes>;
  /** Names below `prefix` (empty, or ending in `/`), without it. */
  list(prefix: string): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

export class FolderTarget implements BackupTarget {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(name: string, source: Bytes): Promise<void> {
    const path = join(this.#folder, name);
    const draft = `${path}.part`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(draft, 'w', 0o600);
      try {
        for await (const chunk of source) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      await syncFolder(dirname(path));
    } catch (cause) {
      await rm(draft, { force: true });
      if (cause instanceof Error && 'syscall' in cause) throw new ArchiveError('unwritable', `the backup cannot be written (${cause.message})`, { cause });
      throw cause;
    }
  }

  async get(name: string): Promise<Bytes> {
    const path = join(this.#folder, name);
    try {
      await stat(path);
    } catch (cause) {
      throw new ArchiveError('missing', `not in the backup: ${name}`, { cause });
    }
    return createReadStream(path, { highWaterMark: 256 * 1024 });
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = await namesIn(join(this.#folder, prefix)).catch((cause: unknown) => {
      throw new ArchiveError('unwritable', `the folder of backups cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
    });
    return names.filter((name) => !name.endsWith('.part'));
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }
}
