/** Files of conversations: size, quotas, space, expiry ([B7], [B9]). Knows no caller; who may is decided before. */
import { refuse, type Refusal, type Result, ok } from '#protocol/errors.ts';
import { type ConversationId, type FileId, idFromBytes, type UserId } from '#protocol/ids.ts';
import * as limits from '#protocol/limits.ts';
import {
  type Appending,
  type AppendOptions,
  type BlobStore,
  DiskFullError,
  FileGoneError,
  type FileRecord,
  isWhole,
  type Reading,
} from '../ports/blob-store.ts';
import type { Runtime } from '../ports/runtime.ts';
import { CorruptionError } from '../ports/store.ts';

export interface FileLimits {
  /** One file, as it is uploaded: ciphertext with its padding. */
  readonly fileBytesMax: number;
  /** What one person's files may take together, and all. */
  readonly personBytesMax: number;
  readonly totalBytesMax: number;
  /** Space that files leave free on the disk. */
  readonly freeBytesMin: number;
}

const idLength = 16;
/** Somebody has to remove something, or to make room, so a retry soon is no use. */
const fullRetryMs = 60_000;
const busyRetryMs = 1_000;

export interface FilesParts {
  readonly store: BlobStore;
  readonly runtime: Runtime;
  readonly limits: FileLimits;
}

export class Files {
  readonly #parts: FilesParts;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  get limits(): FileLimits {
    return this.#parts.limits;
  }

  async create(owner: UserId, conversationId: ConversationId, size: number): Promise<Result<FileRecord>> {
    const { store, runtime, limits: bounds } = this.#parts;
    if (size > bounds.fileBytesMax) return refuse('file.too_large');
    const noRoom = await this.#refuseFull(size);
    if (noRoom !== null) return noRoom;
    const fileId = idFromBytes<FileId>(runtime.random(idLength));
    const createdAt = runtime.now();
    const file = { fileId, owner, conversationId, size, createdAt, expiresAt: createdAt + limits.uploadLifetimeMs };
    const outcome = await store.create(file, {
      personBytesMax: bounds.personBytesMax,
      totalBytesMax: bounds.totalBytesMax,
      personFilesMax: limits.filesPerPersonMax,
      personOpenMax: limits.uploadsOpenMax,
    });
    switch (outcome) {
      case 'created':
        return ok({ ...file, offset: 0 });
      case 'person_full':
      case 'too_many_files':
        return refuse('file.quota_exceeded');
      case 'total_full':
        return refuse('file.storage_full', { retryAfterMs: fullRetryMs });
      case 'too_many_open':
        return refuse('file.too_many_open');
      case 'exists':
        throw new Error('a random id came twice');
    }
  }

  /** Whole or not. [B9] Refuses file.unknown, file.expired. */
  async find(fileId: FileId): Promise<Result<FileRecord>> {
    const { store, runtime } = this.#parts;
    const file = await store.byId(fileId);
    if (file === null) return refuse('file.unknown');
    if (!isWhole(file) && file.expiresAt <= runtime.now()) return refuse('file.expired');
    return ok(file);
  }

  /** [B4] Refuses file.offset_mismatch, file.busy, file.storage_full. */
  async append(file: FileRecord, offset: number, options: AppendOptions): Promise<Result<Appending>> {
    const noRoom = await this.#refuseFull(file.size - file.offset);
    if (noRoom !== null) return noRoom;
    const outcome = await this.#parts.store.append(file.fileId, offset, options);
    switch (outcome.kind) {
      case 'appending':
        return ok(outcome.appending);
      case 'busy':
        return refuse('file.busy', { retryAfterMs: busyRetryMs });
      case 'offset':
        return refuse('file.offset_mismatch');
      case 'unknown':
        return refuse('file.unknown');
    }
  }

  /** [B4] As it is on disk, after whatever append was under way ended. */
  async settle(fileId: FileId): Promise<Result<FileRecord>> {
    await this.#parts.store.interrupt(fileId);
    return this.find(fileId);
  }

  /** Refuses file.unknown, file.unfinished. */
  async open(fileId: FileId): Promise<Result<Reading>> {
    const found = await this.find(fileId);
    if (!found.ok) return found;
    if (!isWhole(found.value)) return refuse('file.unfinished');
    const reading = await this.#parts.store.open(fileId);
    return reading === null ? refuse('file.unknown') : ok(reading);
  }

  async remove(fileId: FileId): Promise<Result<null>> {
    return (await this.#parts.store.remove(fileId)) ? ok(null) : refuse('file.unknown');
  }

  /** Null while so many more bytes leave the disk enough space. */
  async #refuseFull(bytes: number): Promise<Refusal | null> {
    const { store, limits: bounds } = this.#parts;
    const enough = (await store.free()) - bytes >= bounds.freeBytesMin;
    return enough ? null : refuse('file.storage_full', { retryAfterMs: fullRetryMs });
  }
}

/** What a failure of the port means to the caller; null for those that are nobody's to know. */
export function fileRefusal(cause: unknown): Refusal | null {
  if (cause instanceof DiskFullError) return refuse('file.storage_full', { retryAfterMs: fullRetryMs });
  if (cause instanceof FileGoneError) return refuse('file.unknown');
  if (cause instanceof CorruptionError && cause.family === 'files') return refuse('file.damaged');
  return null;
}
