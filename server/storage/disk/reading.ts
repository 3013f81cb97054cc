/** One reader of one whole file: opens chunk after chunk, a few read ahead. */
import { FileGoneError, type FileRecord, type Reading } from '../../ports/blob-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { sameBytes } from '../bytes.ts';
import type { StoredFile } from '../level/file-tables.ts';
import {
  chunkBytes,
  chunkIndexOf,
  chunkPlace,
  chunkSealingBytes,
  firstDigest,
  nextDigest,
  sealedChunkBytes,
  tagOf,
} from './chunks.ts';
import { diskError, type OpenFile } from './file-folder.ts';
import { recordOf } from './file-records.ts';

/** Chunks of one read of the disk: what a reader holds in memory. */
const aheadChunks = 4;

export interface ReadingParts {
  readonly file: StoredFile;
  readonly open: OpenFile;
  readonly ended: () => void;
}

export class DiskReading implements Reading {
  readonly file: FileRecord;
  readonly #parts: ReadingParts;
  readonly #chunks: number;
  /** Sealed chunks from #aheadFirst on. */
  #ahead = new Uint8Array(0);
  #aheadFirst = 0;
  #gone = false;
  #closing: Promise<void> | null = null;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.file = recordOf(parts.file);
    this.#chunks = Math.ceil(parts.file.size / chunkBytes);
  }

  read(position: number): Promise<Uint8Array> {
    if (!(position >= 0 && position < this.file.size)) throw new RangeError('no byte of the file');
    const index = chunkIndexOf(position);
    return this.#alone(async () => {
      const sealed = await this.#sealed(index);
      return this.#parts.open.cipher.open(index, sealed).subarray(position - index * chunkBytes);
    });
  }

  async verify(): Promise<void> {
    let digest = firstDigest();
    for (let index = 0; index < this.#chunks; index += 1) {
      digest = await this.#alone(async () => {
        const sealed = await this.#sealed(index);
        this.#parts.open.cipher.open(index, sealed);
        return nextDigest(digest, tagOf(sealed));
      });
    }
    if (!sameBytes(digest, this.#parts.file.digest))
      throw new CorruptionError('files', 'a file is not the one that was uploaded');
  }

  /** The file is being removed: reads from now on fail. */
  async goAway(): Promise<void> {
    this.#gone = true;
    await this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([this.#busy]);
    this.#ahead = new Uint8Array(0);
    try {
      await this.#parts.open.handle.close();
    } finally {
      this.#parts.ended();
    }
  }

  /** One after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(() => {
      if (this.#gone) throw new FileGoneError('the file was removed');
      if (this.#closing !== null) throw new FileGoneError('the reader is closed');
      return work();
    });
    this.#busy = Promise.allSettled([done]);
    return done;
  }

  async #sealed(index: number): Promise<Uint8Array> {
    const from = (index - this.#aheadFirst) * sealedChunkBytes;
    const to = Math.min(from + sealedChunkBytes, this.#ahead.length);
    if (from >= 0 && from < to) return this.#ahead.subarray(from, to);
    const last = Math.min(index + aheadChunks, this.#chunks);
    const plainEnd = Math.min(last * chunkBytes, this.file.size);
    const length = plainEnd - index * chunkBytes + (last - index) * chunkSealingBytes;
    // A buffer is used again only when it has the very length: what a caller holds is never part of it.
    const buffer = this.#ahead.length === length ? this.#ahead : new Uint8Array(length);
    const bytesRead = await this.#fill(buffer, chunkPlace(index));
    if (bytesRead !== length) throw new CorruptionError('files', 'a file is cut off');
    this.#ahead = buffer;
    this.#aheadFirst = index;
    return buffer.subarray(0, Math.min(sealedChunkBytes, length));
  }

  async #fill(buffer: Uint8Array, place: number): Promise<number> {
    // While it is filled it holds neither the old chunks nor the new ones.
    this.#aheadFirst = this.#chunks;
    try {
      return (await this.#parts.open.handle.read(buffer, 0, buffer.length, place)).bytesRead;
    } catch (cause) {
      throw diskError(cause, 'reading a file');
    }
  }
}
