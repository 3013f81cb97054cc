/** Files in the data folder, their records in LevelDB. See chunks.ts for what is in a file. */
import type { Why } from '../../ports/retention-store.ts';
import type { ConversationId, FileId, UserId } from '#protocol/ids.ts';
import type {
  AppendOptions,
  AppendOutcome,
  BlobStore,
  Erased,
  FileQuota,
  FileRecord,
  FileUsage,
  NewFile,
  Reading,
} from '../../ports/blob-store.ts';
import { isWhole } from '../../ports/blob-store.ts';
import { StoreFailure } from '../../ports/store.ts';
import type { Access } from '../level/access.ts';
import type { StoredFile } from '../level/file-tables.ts';
import { DiskAppending } from './appending.ts';
import { chunkBytes, chunkIndexOf } from './chunks.ts';
import { FileFolder, type OpenFile } from './file-folder.ts';
import { FileRecords, recordOf, type Told } from './file-records.ts';
import { DiskReading } from './reading.ts';

/** Who has a file for itself: being opened, being written or being removed. */
interface Hold {
  /** Resolves when the file is free again. */
  readonly freed: Promise<void>;
  appending: DiskAppending | null;
  /** Somebody else waits for it. */
  wanted: boolean;
}

export class DiskBlobs implements BlobStore {
  readonly #access: Access;
  readonly #records: FileRecords;
  readonly #folder: FileFolder;
  readonly #holds = new Map<FileId, Hold>();
  readonly #readings = new Map<FileId, Set<DiskReading>>();
  readonly #erasing: () => Promise<void>;
  #closed = false;

  /** `dataFolder`: files are in `files/` there. `erasing`: whoever counts on whole files lets go of them. */
  constructor(access: Access, dataFolder: string, erasing: () => Promise<void>) {
    this.#access = access;
    this.#erasing = erasing;
    this.#records = new FileRecords(access);
    this.#folder = new FileFolder(
      dataFolder,
      (length) => access.runtime.random(length),
      (failure) => access.failed(failure),
    );
  }

  create(file: NewFile, quota: FileQuota): ReturnType<BlobStore['create']> {
    this.#writing();
    return this.#records.create(file, quota);
  }

  async byId(fileId: FileId): Promise<FileRecord | null> {
    const stored = await this.#records.byId(fileId);
    return stored === null ? null : recordOf(stored);
  }

  async append(fileId: FileId, offset: number, options: AppendOptions): Promise<AppendOutcome> {
    this.#writing();
    if (this.#holds.has(fileId)) return { kind: 'busy' };
    // Before it is held, so that who asks for nonsense keeps nobody away.
    const seen = await this.#records.byId(fileId);
    if (seen === null) return { kind: 'unknown' };
    if (this.#holds.has(fileId)) return { kind: 'busy' };
    if (seen.offset !== offset || isWhole(seen)) return { kind: 'offset', offset: seen.offset };
    const { hold, free } = this.#hold(fileId);
    try {
      const file = await this.#records.byId(fileId);
      if (file === null) return { kind: 'unknown' };
      if (file.offset !== offset || isWhole(file)) return { kind: 'offset', offset: file.offset };
      const appending = await this.#begin(file, options, free);
      hold.appending = appending;
      // Wanted while it was opened: it ends like the others.
      if (this.#closed || hold.wanted) await appending.interrupt();
      return { kind: 'appending', appending };
    } finally {
      if (hold.appending === null) free();
    }
  }

  async interrupt(fileId: FileId): Promise<void> {
    const hold = this.#holds.get(fileId);
    if (hold === undefined) return;
    hold.wanted = true;
    await hold.appending?.interrupt();
    await hold.freed;
  }

  async open(fileId: FileId): Promise<Reading | null> {
    const file = await this.#records.byId(fileId);
    if (file === null || !isWhole(file)) return null;
    if (file.size === 0) return new EmptyReading(recordOf(file));
    const open = await this.#folder.open(this.#records.placeOf(fileId), await this.#records.headers(file, false), 'r');
    const readings = this.#readings.get(fileId) ?? new Set();
    const reading: DiskReading = new DiskReading({
      file,
      open,
      ended: () => {
        if (readings.delete(reading) && readings.size === 0) this.#readings.delete(fileId);
      },
    });
    readings.add(reading);
    this.#readings.set(fileId, readings);
    // Removed while it was opened: the remover did not see this reader.
    if ((await this.#records.byId(fileId)) !== null && !this.#closed) return reading;
    await reading.goAway();
    return null;
  }

  async remove(fileId: FileId): Promise<boolean> {
    this.#writing();
    const file = await this.#records.stored(fileId);
    return file !== null && (await this.#removeAll([file])) > 0;
  }

  async erase(conversationId: ConversationId, why: Why, limit: number): Promise<Erased> {
    this.#writing();
    const { before } = why;
    const files = await this.#records.ofConversation(conversationId, before, limit);
    await this.#removeAll(files, { ...why, conversationId });
    const [left] = await this.#records.ofConversation(conversationId, before, 1);
    if (left === undefined) await this.#records.forgetEmptyDays(conversationId, before);
    return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), more: left !== undefined };
  }

  async abandon(owner: UserId, limit: number): Promise<Erased> {
    this.#writing();
    const files = await this.#records.openOf(owner, limit);
    await this.#removeAll(files);
    return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), more: files.length === limit };
  }

  async sweep(now: number, limit: number): Promise<number> {
    this.#writing();
    return this.#removeAll(await this.#records.due(now, limit));
  }

  async walk(after: string | null, limit: number): ReturnType<BlobStore['walk']> {
    const { files, next } = await this.#records.walk(after, limit);
    return { files: files.map(recordOf), next };
  }

  usage(owner: UserId | null): Promise<FileUsage> {
    return this.#records.usage(owner);
  }

  free(): Promise<number> {
    return this.#folder.free();
  }

  /** Ends writers (what they took is kept) and readers; nothing begins any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#holds.keys()].map((fileId) => this.interrupt(fileId)));
    await Promise.all(
      [...this.#readings.values()].flatMap((readings) => [...readings].map((reading) => reading.goAway())),
    );
  }

  #writing(): void {
    if (this.#closed) throw new StoreFailure('the store is closed');
  }

  #hold(fileId: FileId): { readonly hold: Hold; readonly free: () => void } {
    let settle = (): void => undefined;
    const freed = new Promise<void>((resolve) => (settle = resolve));
    const hold: Hold = { freed, appending: null, wanted: false };
    this.#holds.set(fileId, hold);
    const free = (): void => {
      if (this.#holds.get(fileId) === hold) this.#holds.delete(fileId);
      settle();
    };
    return { hold, free };
  }

  async #begin(file: StoredFile, options: AppendOptions, ended: () => void): Promise<DiskAppending> {
    const place = this.#records.placeOf(file.fileId);
    const headers = await this.#records.headers(file, file.offset === 0);
    const open =
      file.offset === 0 ? await this.#folder.create(place, headers) : await this.#folder.open(place, headers, 'r+');
    try {
      return new DiskAppending({
        file,
        open,
        tail: await this.#tail(file, open),
        atomic: options.atomic,
        onInterrupt: options.onInterrupt,
        now: () => this.#access.runtime.now(),
        advance: (current, progress) => this.#records.advance(current, progress),
        broken: (failure) => this.#access.failed(failure),
        ended,
      });
    } catch (cause) {
      await open.handle.close();
      throw cause;
    }
  }

  async #tail(file: StoredFile, { cipher }: OpenFile): Promise<Uint8Array> {
    const length = file.offset % chunkBytes;
    if (length === 0) return new Uint8Array(0);
    const sealed = await this.#records.tailOf(file.fileId);
    const tail = sealed === null ? null : cipher.open(chunkIndexOf(file.offset), sealed);
    if (tail?.length !== length) throw new StoreFailure('the end of an upload is not as its record says');
    return tail;
  }

  async #removeAll(files: readonly StoredFile[], told: Told | null = null): Promise<number> {
    const held: { readonly file: StoredFile; readonly free: () => void }[] = [];
    try {
      for (const { fileId } of files) {
        while (this.#holds.has(fileId)) await this.interrupt(fileId);
        const { free } = this.#hold(fileId);
        const file = await this.#records.stored(fileId);
        if (file === null) free();
        else held.push({ file, free });
      }
      const found = held.map(({ file }) => file);
      await this.#records.markErasing(
        found.filter(({ erasing }) => !erasing),
        told,
      );
      if (found.some(isWhole)) await this.#erasing();
      for (const { fileId } of found) {
        await Promise.all([...(this.#readings.get(fileId) ?? [])].map((reading) => reading.goAway()));
        await this.#folder.shred(this.#records.placeOf(fileId));
      }
      if (found.some(({ offset }) => offset > 0)) await this.#folder.sync();
      await this.#records.forget(found);
      return found.length;
    } finally {
      for (const { free } of held) free();
    }
  }
}

/** A file without bytes is a record only. */
class EmptyReading implements Reading {
  constructor(readonly file: FileRecord) {}
  read(): Promise<Uint8Array> {
    throw new RangeError('no byte of the file');
  }
  verify(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
