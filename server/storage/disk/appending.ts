/**
 * One writer of one file. Whole chunks are sealed as they come and written in order; what is behind the last whole one
 * stays in memory and goes into the record when the append ends, so the file is only ever appended to. Every syncBytes
 * or syncMs the file is synced and the record moved on, while further chunks are written.
 */
import { type Appending, DiskFullError, type FileRecord } from '../../ports/blob-store.ts';
import { StoreFailure } from '../../ports/store.ts';
import type { StoredFile } from '../level/file-tables.ts';
import { joinBytes } from '../bytes.ts';
import { chunkBytes, chunkIndexOf, chunkPlace, nextDigest, type SealedChunk } from './chunks.ts';
import { diskError, type OpenFile } from './file-folder.ts';
import type { Progress } from './file-records.ts';

/** Sealed chunks in memory: above the first the writer waits, until it is below the second. */
const queuedBytesMax = 1024 * 1024;
const queuedBytesLow = 256 * 1024;
/** Bytes of one write. */
const writeBytesMax = 1024 * 1024;
const syncBytes = 32 * 1024 * 1024;
const syncMs = 2_000;

export interface AppendingParts {
  readonly file: StoredFile;
  readonly open: OpenFile;
  /** Plain bytes behind the last whole chunk. */
  readonly tail: Uint8Array;
  readonly atomic: boolean;
  readonly onInterrupt: () => void;
  readonly now: () => number;
  readonly advance: (file: StoredFile, progress: Progress) => Promise<StoredFile>;
  /** The record or the file cannot be trusted to be written: stop the store. */
  readonly broken: (failure: StoreFailure) => void;
  readonly ended: () => void;
}

interface Sealed {
  readonly chunk: SealedChunk;
  /** Behind this chunk. */
  readonly digest: Uint8Array<ArrayBuffer>;
}

export class DiskAppending implements Appending {
  readonly #parts: AppendingParts;
  /** As it is durable. */
  #file: StoredFile;
  readonly #partial = new Uint8Array(chunkBytes);
  #partialLength: number;
  #nextIndex: number;
  #digest: Uint8Array<ArrayBuffer>;
  readonly #queue: Sealed[] = [];
  #queuedBytes = 0;
  /** Chunks below it are in the file, synced or not. */
  #writtenIndex: number;
  #writtenDigest: Uint8Array<ArrayBuffer>;
  #pumping: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #syncedAt: number;
  #failure: Error | null = null;
  #wake: (() => void)[] = [];
  #ending: Promise<FileRecord> | null = null;

  constructor(parts: AppendingParts) {
    this.#parts = parts;
    this.#file = parts.file;
    this.#partial.set(parts.tail);
    this.#partialLength = parts.tail.length;
    this.#nextIndex = chunkIndexOf(parts.file.offset);
    this.#writtenIndex = this.#nextIndex;
    this.#digest = parts.file.digest;
    this.#writtenDigest = parts.file.digest;
    this.#syncedAt = parts.now();
  }

  get offset(): number {
    return this.#nextIndex * chunkBytes + this.#partialLength;
  }

  write(bytes: Uint8Array): Promise<void> | null {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#ending !== null) return null;
    if (this.offset + bytes.length > this.#file.size) throw new RangeError('more bytes than the file has');
    for (let at = 0; at < bytes.length;) {
      const wanted = chunkBytes - this.#partialLength;
      const piece = bytes.subarray(at, at + wanted);
      at += piece.length;
      if (piece.length === chunkBytes) this.#push(piece);
      else this.#keep(piece);
    }
    this.#pumping ??= this.#pump();
    if (this.#queuedBytes <= queuedBytesMax) return null;
    return new Promise<void>((resolve, reject) => {
      this.#wake.push(() => (this.#failure === null ? resolve() : reject(this.#failure)));
    });
  }

  finish(): Promise<FileRecord> {
    this.#ending ??= this.#end(this.#parts.atomic && this.#failure !== null);
    return this.#ending;
  }

  async abandon(): Promise<void> {
    this.#ending ??= this.#end(true);
    await this.#ending;
  }

  /** Ends it for somebody else's sake; resolves when it has ended, well or not. */
  async interrupt(): Promise<void> {
    const ending = this.#parts.atomic ? this.abandon() : this.finish();
    this.#parts.onInterrupt();
    await Promise.allSettled([ending]);
  }

  #keep(piece: Uint8Array): void {
    this.#partial.set(piece, this.#partialLength);
    this.#partialLength += piece.length;
    if (this.#partialLength < chunkBytes) return;
    this.#partialLength = 0;
    this.#push(this.#partial);
  }

  #push(chunk: Uint8Array): void {
    const sealed = this.#parts.open.cipher.seal(this.#nextIndex, chunk);
    this.#nextIndex += 1;
    this.#digest = nextDigest(this.#digest, sealed.tag);
    this.#queue.push({ chunk: sealed, digest: this.#digest });
    this.#queuedBytes += sealed.length;
  }

  async #pump(): Promise<void> {
    // A turn first, so that what is written in this one goes together.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0 && this.#failure === null) {
        const batch = this.#nextBatch();
        await writeAll(
          this.#parts.open,
          batch.map(({ chunk }) => chunk),
          chunkPlace(this.#writtenIndex),
        );
        this.#writtenIndex += batch.length;
        this.#writtenDigest = batch.at(-1)?.digest ?? this.#writtenDigest;
        this.#queuedBytes -= batch.reduce((sum, { chunk }) => sum + chunk.length, 0);
        if (this.#queuedBytes <= queuedBytesLow) this.#wakeAll();
        if (this.#syncIsDue()) this.#syncing = this.#sync();
      }
    } catch (cause) {
      this.#fail(cause);
    }
    this.#pumping = null;
  }

  #nextBatch(): readonly Sealed[] {
    let bytes = 0;
    let count = 0;
    for (const sealed of this.#queue) {
      if (count > 0 && bytes + sealed.chunk.length > writeBytesMax) break;
      bytes += sealed.chunk.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #syncIsDue(): boolean {
    if (this.#parts.atomic || this.#syncing !== null) return false;
    const behind = this.#writtenIndex * chunkBytes - this.#file.offset;
    return behind > 0 && (behind >= syncBytes || Math.abs(this.#parts.now() - this.#syncedAt) >= syncMs);
  }

  /** Never rejects. */
  async #sync(): Promise<void> {
    const offset = this.#writtenIndex * chunkBytes;
    const digest = this.#writtenDigest;
    try {
      await this.#datasync();
      // The last chunk's record is written once, by the end.
      if (offset < this.#file.size) this.#file = await this.#parts.advance(this.#file, { offset, digest, tail: null });
    } catch (cause) {
      this.#fail(cause);
    }
    this.#syncedAt = this.#parts.now();
    this.#syncing = null;
  }

  /** After a failed sync nobody knows what is on disk: the store stops (fail-stop). */
  async #datasync(): Promise<void> {
    try {
      await this.#parts.open.handle.datasync();
    } catch (cause) {
      const failure = new StoreFailure('syncing a file failed', { cause });
      this.#parts.broken(failure);
      throw failure;
    }
  }

  async #end(drop: boolean): Promise<FileRecord> {
    try {
      await this.#pumping;
      await this.#syncing;
      if (!drop && this.#failure === null) await this.#keepAll();
      // A full disk keeps what was durable before; the caller hears of it by `write` or here.
      if (!drop && this.#failure !== null) throw this.#failure;
      return this.#file;
    } finally {
      this.#queue.length = 0;
      this.#wakeAll();
      try {
        await this.#parts.open.handle.close();
      } finally {
        this.#parts.ended();
      }
    }
  }

  async #keepAll(): Promise<void> {
    const { offset } = this;
    if (offset === this.#file.offset) return;
    const last =
      this.#partialLength === 0
        ? null
        : this.#parts.open.cipher.seal(this.#nextIndex, this.#partial.subarray(0, this.#partialLength));
    const whole = offset === this.#file.size;
    try {
      if (whole && last !== null) await writeAll(this.#parts.open, [last], chunkPlace(this.#nextIndex));
      await this.#datasync();
      const digest = whole && last !== null ? nextDigest(this.#digest, last.tag) : this.#digest;
      this.#file = await this.#parts.advance(this.#file, {
        offset,
        digest,
        tail: whole || last === null ? null : joinBytes(...last.parts),
      });
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #fail(cause: unknown): void {
    const failure = diskError(cause, 'writing a file');
    // Neither a full disk nor one that was told already.
    if (failure !== cause && failure instanceof StoreFailure) this.#parts.broken(failure);
    this.#failure ??= failure;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

async function writeAll({ handle }: OpenFile, chunks: readonly SealedChunk[], place: number): Promise<void> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await handle.writev(
    chunks.flatMap(({ parts }) => [...parts]),
    place,
  );
  // A short write is how a full disk shows first.
  if (bytesWritten !== length) throw new DiskFullError('no space for writing a file');
}
