/** The folder of files: `files/` in the data folder, one file for each upload under its pseudonym. */
import { createSecretKey } from 'node:crypto';
import { mkdir, open, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskFullError } from '../../ports/blob-store.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import { syncFolder } from '../durable-files.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import { sealingBytes } from '../sealed/record-cipher.ts';
import { ChunkCipher, headerBytes } from './chunks.ts';

const keyBytes = 32;
type Random = (length: number) => Uint8Array<ArrayBuffer>;

export interface OpenFile {
  readonly handle: FileHandle;
  readonly cipher: ChunkCipher;
}

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : '');

/** Errors of the file system as the port names them. */
export function diskError(cause: unknown, doing: string): Error {
  if (cause instanceof CorruptionError || cause instanceof StoreFailure || cause instanceof DiskFullError) return cause;
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(cause)))
    return new DiskFullError(`no space for ${doing}`, { cause });
  return new StoreFailure(`${doing} failed`, { cause });
}

export class FileFolder {
  readonly #path: string;
  readonly #random: Random;
  readonly #broken: (failure: StoreFailure) => void;
  #made: Promise<void> | null = null;

  /** `broken` hears of a write or sync that failed for another reason than room ([Z3]). */
  constructor(dataFolder: string, random: Random, broken: (failure: StoreFailure) => void) {
    this.#path = join(dataFolder, 'files');
    this.#random = random;
    this.#broken = broken;
  }

  async #writing<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const failure = diskError(cause, doing);
      if (failure instanceof StoreFailure) this.#broken(failure);
      throw failure;
    }
  }

  #pathOf(place: Uint8Array): string {
    return join(this.#path, Buffer.from(place).toString('hex'));
  }

  /** A new empty file with a key of its own, its name durable; whatever was under the name is gone. */
  create(place: Uint8Array, headers: RecordCipher): Promise<OpenFile> {
    return this.#writing('making a file', () => this.#create(place, headers));
  }

  async #create(place: Uint8Array, headers: RecordCipher): Promise<OpenFile> {
    this.#made ??= this.#make().catch((cause: unknown) => {
      this.#made = null;
      throw cause;
    });
    await this.#made;
    const secret = this.#random(keyBytes);
    const header = new Uint8Array(headerBytes);
    header.set(headers.seal(place, secret));
    const handle = await open(this.#pathOf(place), 'w+', 0o600);
    try {
      await handle.write(header, 0, headerBytes, 0);
      await handle.datasync();
      await syncFolder(this.#path);
    } catch (cause) {
      await handle.close();
      throw cause;
    }
    const cipher = new ChunkCipher(createSecretKey(secret), place, this.#random);
    secret.fill(0);
    return { handle, cipher };
  }

  /** Throws CorruptionError('files') when it is not there or its header does not open. */
  async open(place: Uint8Array, headers: RecordCipher, flags: 'r' | 'r+'): Promise<OpenFile> {
    let handle: FileHandle;
    try {
      handle = await open(this.#pathOf(place), flags);
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw new CorruptionError('files', 'a file is missing from the folder of files');
      throw diskError(cause, 'opening a file');
    }
    try {
      const header = new Uint8Array(keyBytes + sealingBytes);
      await handle.read(header, 0, header.length, 0);
      const secret = headers.open(place, header);
      const cipher = new ChunkCipher(createSecretKey(secret), place, this.#random);
      secret.fill(0);
      return { handle, cipher };
    } catch (cause) {
      await handle.close();
      throw diskError(cause, 'reading a file');
    }
  }

  /** Overwrites the key in place and takes the name away; durable after `sync`. True: it was there. */
  shred(place: Uint8Array): Promise<boolean> {
    return this.#writing('removing a file', () => this.#shred(place));
  }

  async #shred(place: Uint8Array): Promise<boolean> {
    try {
      const handle = await open(this.#pathOf(place), 'r+');
      try {
        await handle.write(this.#random(headerBytes), 0, headerBytes, 0);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await unlink(this.#pathOf(place));
      return true;
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return false;
      throw cause;
    }
  }

  /** Names that were made or taken away are durable. */
  sync(): Promise<void> {
    return this.#writing('syncing the folder of files', () => syncFolder(this.#path));
  }

  async free(): Promise<number> {
    // The parent is there always; the folder of files only once there was one.
    const { bavail, bsize } = await statfs(join(this.#path, '..'));
    return bavail * bsize;
  }

  async #make(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    await syncFolder(join(this.#path, '..'));
  }
}
