/**
 * Files: opaque bytes that grow by appending until they have their declared size, then never change until they are
 * removed. Promises: what `finish` and `byId` tell is on disk (synced); an upload goes on after kill -9 or a power cut
 * from the offset that was told last; what is removed cannot be read any more, from the disk's free blocks either as
 * far as overwriting in place reaches. Errors are those of the store (ports/store.ts), and DiskFullError.
 */
import type { Why } from './retention-store.ts';
import type { ConversationId, FileId, UserId } from '#protocol/ids.ts';

/** No space for more bytes. What was told as stored is stored; nothing else failed. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
}

export interface NewFile {
  readonly fileId: FileId;
  readonly owner: UserId;
  readonly conversationId: ConversationId;
  /** Bytes, 0 … 2^53 - 1; never changes. */
  readonly size: number;
  readonly createdAt: number;
  /** The upload must be whole by then. */
  readonly expiresAt: number;
}

export interface FileRecord extends NewFile {
  /** Durable bytes; equal to size when the file is whole. */
  readonly offset: number;
}

export const isWhole = (file: FileRecord): boolean => file.offset === file.size;

export interface FileQuota {
  /** Declared bytes of one person's files, and of all. */
  readonly personBytesMax: number;
  readonly totalBytesMax: number;
  readonly personFilesMax: number;
  /** Uploads of one person that are not whole. */
  readonly personOpenMax: number;
}

export interface FileUsage {
  readonly bytes: number;
  readonly files: number;
  /** Of these, uploads that are not whole. */
  readonly open: number;
}

export interface AppendOptions {
  /** True: all that is appended is kept by `finish`, or nothing. False: progress is made durable on the way too. */
  readonly atomic: boolean;
  /** Somebody else needs the file: it has been ended as by `finish`, or by `abandon` when atomic. */
  readonly onInterrupt: () => void;
}

export type AppendOutcome =
  | { readonly kind: 'appending'; readonly appending: Appending }
  /** Somebody appends already. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'offset'; readonly offset: number };

/** One writer of one file. `finish` or `abandon` must be called, whatever happened. */
export interface Appending {
  /** With what was taken so far. */
  readonly offset: number;
  /**
   * Takes the bytes before it returns, so the caller may reuse them. Null: more may come at once; else it resolves when
   * more may come. Throws RangeError beyond the file's size. Rejects with DiskFullError or StoreFailure, as every later
   * call then does; what was durable before is kept.
   */
  write(bytes: Uint8Array): Promise<void> | null;
  /** Resolves when everything taken is durable; the record as it is then. Rejects like `write`. Repeated calls are one. */
  finish(): Promise<FileRecord>;
  /** Back to the last durable offset. */
  abandon(): Promise<void>;
}

/** One reader of a whole file. `close` must be called. */
export interface Reading {
  readonly file: FileRecord;
  /**
   * At least one byte and at most readBytesMax from `position` on, which is below the size. Throws CorruptionError('files')
   * for damage, FileGoneError when the file was removed meanwhile.
   */
  read(position: number): Promise<Uint8Array>;
  /** Reads everything again; throws CorruptionError('files') unless all is as it was when the upload ended. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

export const readBytesMax = 64 * 1024;

export class FileGoneError extends Error {
  override readonly name = 'FileGoneError';
}

export interface Erased {
  readonly files: number;
  /** Declared bytes. */
  readonly bytes: number;
  /** More is left: call again. */
  readonly more: boolean;
}

export interface BlobStore {
  /** A file of size 0 is whole at once. */
  create(
    file: NewFile,
    quota: FileQuota,
  ): Promise<'created' | 'exists' | 'person_full' | 'total_full' | 'too_many_files' | 'too_many_open'>;
  byId(fileId: FileId): Promise<FileRecord | null>;
  /** Begins behind `offset`, which must be the durable one. The file is the appender's alone until it ends. */
  append(fileId: FileId, offset: number, options: AppendOptions): Promise<AppendOutcome>;
  /** Ends the append under way, if there is one; resolves when it has ended. */
  interrupt(fileId: FileId): Promise<void>;
  /** Null when it is unknown or not whole. Throws CorruptionError('files') when its bytes are gone. */
  open(fileId: FileId): Promise<Reading | null>;
  /** Interrupts writers and readers. False when there was none. */
  remove(fileId: FileId): Promise<boolean>;
  /** Removes a conversation's files that were created before `before`, oldest day first, at most `limit`; and keys of days that are empty then. The next receipt tells of them. */
  erase(conversationId: ConversationId, why: Why, limit: number): Promise<Erased>;
  /** Removes uploads of this person that are not whole, at most `limit`. */
  abandon(owner: UserId, limit: number): Promise<Erased>;
  /** Removes uploads that expired before `now`, and ends removals that a crash cut off; returns how many, at most `limit`. */
  sweep(now: number, limit: number): Promise<number>;
  /** Every file, whole or not, in an order of the store's own, behind `after`; `next` is null at the end. For checks of everything. */
  walk(
    after: string | null,
    limit: number,
  ): Promise<{ readonly files: readonly FileRecord[]; readonly next: string | null }>;
  /** Of one person, or (null) of all. */
  usage(owner: UserId | null): Promise<FileUsage>;
  /** Bytes that the disk has left. */
  free(): Promise<number>;
}
