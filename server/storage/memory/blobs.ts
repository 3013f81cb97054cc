/** Files by maps; the promises of disk are kept by never losing anything while the process lives. */
import type { Why } from '../../ports/retention-store.ts';
import type { ErasedOther } from '#protocol/retention.ts';
import type { ConversationId, FileId, UserId } from '#protocol/ids.ts';
import {
  type Appending,
  type AppendOptions,
  type AppendOutcome,
  type BlobStore,
  type Erased,
  FileGoneError,
  type FileQuota,
  type FileRecord,
  type FileUsage,
  isWhole,
  type NewFile,
  readBytesMax,
  type Reading,
} from '../../ports/blob-store.ts';

interface Kept {
  readonly file: NewFile;
  bytes: Uint8Array;
  appending: MemoryAppending | null;
}

const recordOf = ({ file, bytes }: Kept): FileRecord => ({ ...file, offset: bytes.length });

export class MemoryBlobs implements BlobStore {
  readonly #files = new Map<FileId, Kept>();
  readonly #writing: () => void;
  readonly #told: (gone: ErasedOther) => void;

  /** `writing`: throws StoreFailure once the store is closed; `told`: what the next receipt tells of. */
  constructor(writing: () => void, told: (gone: ErasedOther) => void) {
    this.#writing = writing;
    this.#told = told;
  }

  async create(file: NewFile, quota: FileQuota): ReturnType<BlobStore['create']> {
    this.#writing();
    if (this.#files.has(file.fileId)) return 'exists';
    const [person, all] = [this.#usage(file.owner), this.#usage(null)];
    if (person.open >= quota.personOpenMax) return 'too_many_open';
    if (person.files >= quota.personFilesMax) return 'too_many_files';
    if (person.bytes + file.size > quota.personBytesMax) return 'person_full';
    if (all.bytes + file.size > quota.totalBytesMax) return 'total_full';
    this.#files.set(file.fileId, { file: { ...file }, bytes: new Uint8Array(0), appending: null });
    return 'created';
  }

  async byId(fileId: FileId): Promise<FileRecord | null> {
    const kept = this.#files.get(fileId);
    return kept === undefined ? null : recordOf(kept);
  }

  async append(fileId: FileId, offset: number, options: AppendOptions): Promise<AppendOutcome> {
    this.#writing();
    const kept = this.#files.get(fileId);
    if (kept === undefined) return { kind: 'unknown' };
    if (kept.appending !== null) return { kind: 'busy' };
    if (kept.bytes.length !== offset || isWhole(recordOf(kept))) return { kind: 'offset', offset: kept.bytes.length };
    kept.appending = new MemoryAppending(kept, options);
    return { kind: 'appending', appending: kept.appending };
  }

  async interrupt(fileId: FileId): Promise<void> {
    await this.#files.get(fileId)?.appending?.interrupt();
  }

  async open(fileId: FileId): Promise<Reading | null> {
    const kept = this.#files.get(fileId);
    if (kept === undefined || !isWhole(recordOf(kept))) return null;
    return new MemoryReading(recordOf(kept), () => (this.#files.get(fileId) === kept ? kept.bytes : null));
  }

  async remove(fileId: FileId): Promise<boolean> {
    this.#writing();
    await this.interrupt(fileId);
    return this.#files.delete(fileId);
  }

  async erase(conversationId: ConversationId, why: Why, limit: number): Promise<Erased> {
    const { before } = why;
    const due = [...this.#files.values()]
      .filter(({ file }) => file.conversationId === conversationId && file.createdAt < before)
      .toSorted((one, other) => one.file.createdAt - other.file.createdAt);
    const taken = due.slice(0, limit);
    for (const { file } of taken) await this.remove(file.fileId);
    const declared = taken.reduce((sum, { file }) => sum + file.size, 0);
    this.#told({ ...why, class: 'files', conversationId, count: taken.length, bytes: declared });
    return {
      files: taken.length,
      bytes: taken.reduce((sum, { file }) => sum + file.size, 0),
      more: due.length > taken.length,
    };
  }

  async abandon(owner: UserId, limit: number): Promise<Erased> {
    const open = [...this.#files.values()].filter((kept) => kept.file.owner === owner && !isWhole(recordOf(kept)));
    const taken = open.slice(0, limit);
    for (const { file } of taken) await this.remove(file.fileId);
    const bytes = taken.reduce((sum, { file }) => sum + file.size, 0);
    return { files: taken.length, bytes, more: open.length >= limit };
  }

  async sweep(now: number, limit: number): Promise<number> {
    const due = [...this.#files.values()]
      .filter((kept) => kept.file.expiresAt < now && !isWhole(recordOf(kept)))
      .slice(0, limit);
    for (const { file } of due) await this.remove(file.fileId);
    return due.length;
  }

  async walk(after: string | null, limit: number): ReturnType<BlobStore['walk']> {
    const behind = [...this.#files.values()].filter(({ file }) => after === null || file.fileId > after);
    const files = behind
      .toSorted((one, other) => (one.file.fileId < other.file.fileId ? -1 : 1))
      .slice(0, limit)
      .map(recordOf);
    return { files, next: files.length < limit ? null : (files.at(-1)?.fileId ?? null) };
  }

  async usage(owner: UserId | null): Promise<FileUsage> {
    return this.#usage(owner);
  }

  free(): Promise<number> {
    return Promise.resolve(Number.MAX_SAFE_INTEGER);
  }

  #usage(owner: UserId | null): FileUsage {
    const files = [...this.#files.values()].filter(({ file }) => owner === null || file.owner === owner);
    return {
      bytes: files.reduce((sum, { file }) => sum + file.size, 0),
      files: files.length,
      open: files.filter((kept) => !isWhole(recordOf(kept))).length,
    };
  }
}

class MemoryAppending implements Appending {
  readonly #kept: Kept;
  readonly #options: AppendOptions;
  #taken: Uint8Array[] = [];
  #length = 0;
  #ended = false;

  constructor(kept: Kept, options: AppendOptions) {
    this.#kept = kept;
    this.#options = options;
  }

  get offset(): number {
    return this.#kept.bytes.length + this.#length;
  }

  write(bytes: Uint8Array): null {
    if (this.#ended) return null;
    if (this.offset + bytes.length > this.#kept.file.size) throw new RangeError('more bytes than the file has');
    this.#taken.push(new Uint8Array(bytes));
    this.#length += bytes.length;
    return null;
  }

  async finish(): Promise<FileRecord> {
    if (!this.#ended) {
      this.#kept.bytes = new Uint8Array(Buffer.concat([this.#kept.bytes, ...this.#taken]));
      await this.abandon();
    }
    return recordOf(this.#kept);
  }

  async abandon(): Promise<void> {
    this.#ended = true;
    this.#taken = [];
    this.#length = 0;
    if (this.#kept.appending === this) this.#kept.appending = null;
  }

  async interrupt(): Promise<void> {
    await (this.#options.atomic ? this.abandon() : this.finish());
    this.#options.onInterrupt();
  }
}

class MemoryReading implements Reading {
  readonly #bytes: () => Uint8Array | null;

  constructor(
    readonly file: FileRecord,
    bytes: () => Uint8Array | null,
  ) {
    this.#bytes = bytes;
  }

  async read(position: number): Promise<Uint8Array> {
    const bytes = this.#bytes();
    if (bytes === null) throw new FileGoneError('the file was removed');
    if (!(position >= 0 && position < bytes.length)) throw new RangeError('no byte of the file');
    return bytes.slice(position, position + readBytesMax);
  }

  verify(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
