/** Records of files in LevelDB: what is where, how far it is, and how much everybody has. */
import type { KeyObject } from 'node:crypto';
import { uint64 } from '#protocol/envelope.ts';
import { type ConversationId, type FileId, fromBase64Url, toBase64Url, type UserId } from '#protocol/ids.ts';
import { type FileQuota, type FileRecord, type FileUsage, isWhole, type NewFile } from '../../ports/blob-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, uint32 } from '../bytes.ts';
import { type Access, aloneKey } from '../level/access.ts';
import { erasing, foundOf } from '../level/erased-records.ts';
import type { Operation } from '../level/group-writer.ts';
import { dayOf } from '../level/log.ts';
import { Lru } from '../level/lru.ts';
import type { Why } from '../../ports/retention-store.ts';
import { under } from '../level/table.ts';
import { counted } from '../level/unsettled.ts';
import type { StoredFile } from '../level/file-tables.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import { chunkBytes, firstDigest } from './chunks.ts';

const headersCached = 256;
const none: FileUsage = { bytes: 0, files: 0, open: 0 };
/** The usage of everybody changes with every file: one after the other. */
const usageLock = 'file usage';

/** What a receipt says of files that go. */
export type Told = Why & { readonly conversationId: ConversationId };

export interface Progress {
  readonly offset: number;
  readonly digest: Uint8Array<ArrayBuffer>;
  /** Sealed bytes behind the last whole chunk; null when there are none. */
  readonly tail: Uint8Array | null;
}

export class FileRecords {
  readonly #access: Access;
  /** Null: the key was taken away. */
  readonly #headers = new Lru<string, RecordCipher | null>(headersCached);

  constructor(access: Access) {
    this.#access = access;
  }

  /** p(file): its key in small tables, and its name in the folder. */
  placeOf(fileId: FileId): Uint8Array<ArrayBuffer> {
    return this.#access.keys.pseudonym('file', fileId);
  }

  /** Not one that is being removed. */
  async byId(fileId: FileId): Promise<StoredFile | null> {
    const stored = await this.stored(fileId);
    return stored === null || stored.erasing ? null : stored;
  }

  async stored(fileId: FileId): Promise<StoredFile | null> {
    const { tables } = this.#access;
    const key = await tables.filePlaces.get(this.placeOf(fileId));
    if (key === null) return null;
    const stored = await tables.files.get(key);
    if (stored === null) throw new CorruptionError('files', 'a file has a place but no record');
    return stored;
  }

  tailOf(fileId: FileId): Promise<Uint8Array | null> {
    return this.#access.tables.fileTails.get(this.placeOf(fileId));
  }

  create(
    file: NewFile,
    quota: FileQuota,
  ): Promise<'created' | 'exists' | 'person_full' | 'total_full' | 'too_many_files' | 'too_many_open'> {
    const { tables, writer } = this.#access;
    return this.#access.mutex.run(usageLock, async () => {
      const place = this.placeOf(file.fileId);
      if (await tables.filePlaces.has(place)) return 'exists';
      const [person, all] = await Promise.all([this.usage(file.owner), this.usage(null)]);
      if (person.open >= quota.personOpenMax) return 'too_many_open';
      if (person.files >= quota.personFilesMax) return 'too_many_files';
      if (person.bytes + file.size > quota.personBytesMax) return 'person_full';
      if (all.bytes + file.size > quota.totalBytesMax) return 'total_full';
      const key = this.#keyOf(file);
      const stored: StoredFile = { ...file, offset: 0, digest: firstDigest(), erasing: false };
      const change = { bytes: file.size, files: 1, open: isWhole(stored) ? 0 : 1 };
      const expiry = isWhole(stored) ? [] : [tables.fileExpiry.put(joinBytes(uint64(file.expiresAt), place), key)];
      await writer.submit([
        tables.filePlaces.put(place, key),
        tables.files.put(key, stored),
        ...expiry,
        ...(await this.#usageOperations(new Map([[file.owner, change]]))),
      ]);
      return 'created';
    });
  }

  /** One writer a file: the appender. Resolves when it is durable. */
  async advance(file: StoredFile, { offset, digest, tail }: Progress): Promise<StoredFile> {
    const { tables, writer, mutex } = this.#access;
    const place = this.placeOf(file.fileId);
    const stored: StoredFile = { ...file, offset, digest };
    const operations: Operation[] = [tables.files.put(this.#keyOf(file), stored)];
    if (tail !== null) operations.push(tables.fileTails.write(place, tail));
    else if (file.offset % chunkBytes !== 0) operations.push(tables.fileTails.remove(place));
    if (!isWhole(stored)) {
      await writer.submit(operations);
      return stored;
    }
    operations.push(tables.fileExpiry.del(joinBytes(uint64(file.expiresAt), place)));
    await mutex.run(usageLock, async () => {
      const change = { bytes: 0, files: 0, open: -1 };
      await writer.submit([...operations, ...(await this.#usageOperations(new Map([[file.owner, change]])))]);
    });
    return stored;
  }

  /** From here on nobody finds them; the sweep goes on with them after a crash. `told`: a receipt tells of them. */
  async markErasing(files: readonly StoredFile[], told: Told | null): Promise<void> {
    const { tables, writer } = this.#access;
    if (files.length === 0) return;
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const count = files.length;
    const receipt = told === null ? [] : [await counted(this.#access, { ...told, class: 'files', count, bytes })];
    const operations = files.flatMap((file) => {
      const key = this.#keyOf(file);
      return [
        tables.files.put(key, { ...file, erasing: true }),
        tables.fileExpiry.put(joinBytes(uint64(0), this.placeOf(file.fileId)), key),
      ];
    });
    await writer.submit([...operations, ...receipt]);
  }

  /** Once their bytes are gone. */
  async forget(files: readonly StoredFile[]): Promise<void> {
    const { tables, writer, mutex } = this.#access;
    if (files.length === 0) return;
    await mutex.run(usageLock, async () => {
      const changes = new Map<UserId, FileUsage>();
      const operations: Operation[] = [];
      for (const file of files) {
        const place = this.placeOf(file.fileId);
        const expiry = [file.expiresAt, 0].map((at) => joinBytes(uint64(at), place));
        for (const [records, keys] of [
          [tables.filePlaces.sealed, [place]],
          [tables.files.sealed, [this.#keyOf(file)]],
          [tables.fileTails, [place]],
          [tables.fileExpiry.sealed, expiry],
        ] as const)
          operations.push(...erasing(this.#access, records, await foundOf(records, keys)));
        const open = isWhole(file) ? 0 : -1;
        changes.set(file.owner, sum(changes.get(file.owner) ?? none, { bytes: -file.size, files: -1, open }));
      }
      await writer.submit([...operations, ...(await this.#usageOperations(changes))]);
    });
  }

  /** Uploads that expired before `now`, and removals that did not end. */
  async due(now: number, limit: number): Promise<readonly StoredFile[]> {
    const { tables } = this.#access;
    if (now <= 0) return [];
    const lte = joinBytes(uint64(now - 1), new Uint8Array(16).fill(0xff));
    const found = await tables.fileExpiry.list({ gte: new Uint8Array(0), lte, limit });
    const stored = await tables.files.getMany(found.map(({ value }) => value));
    return stored.filter((file) => file !== null);
  }

  /** Uploads of one person that are not whole, and removals of theirs that did not end. */
  async openOf(owner: UserId, limit: number): Promise<readonly StoredFile[]> {
    const { tables } = this.#access;
    const found = await tables.fileExpiry.list(under(new Uint8Array(0)));
    const stored = await tables.files.getMany(found.map(({ value }) => value));
    return stored.flatMap((file) => (file?.owner === owner ? [file] : [])).slice(0, limit);
  }

  /** Those created before `before`, oldest day first. */
  async ofConversation(conversationId: ConversationId, before: number, limit: number): Promise<readonly StoredFile[]> {
    const prefix = this.#access.keys.pseudonym('conversation', conversationId);
    const found: StoredFile[] = [];
    if (before <= 0) return found;
    const { files } = this.#access.tables;
    const lastDay = joinBytes(prefix, uint32(dayOf(before)));
    for (const key of await files.keys({ gte: prefix, lte: lastDay, limit })) {
      const file = await files.get(key);
      if (file !== null) found.push(file);
    }
    if (found.length > 0) return found;
    // Of the last day only a part is due, in no order.
    for (const key of await files.keys(under(lastDay))) {
      if (found.length === limit) return found;
      const file = await files.get(key);
      if (file !== null && file.createdAt < before) found.push(file);
    }
    return found;
  }

  async walk(after: string | null, limit: number): ReturnType<FileRecords['walkAll']> {
    const { files, next } = await this.walkAll(after, limit);
    return { files: files.filter((file) => !file.erasing), next };
  }

  /** Those that are being removed too. */
  async walkAll(
    after: string | null,
    limit: number,
  ): Promise<{ readonly files: readonly StoredFile[]; readonly next: string | null }> {
    const from = after === null ? null : fromBase64Url(after);
    const gte = from === null ? new Uint8Array(0) : joinBytes(from, Uint8Array.of(0));
    const found = await this.#access.tables.files.list({ gte, lte: new Uint8Array(64).fill(0xff), limit });
    const last = found.length < limit ? undefined : found.at(-1);
    return { files: found.map(({ value }) => value), next: last === undefined ? null : toBase64Url(last.key) };
  }

  /** Takes away the keys of days before `before` that have no file left; what was sealed under them is closed for good. */
  async forgetEmptyDays(conversationId: ConversationId, before: number): Promise<void> {
    const { tables, keys, writer } = this.#access;
    const prefix = this.#dayKeyPrefix(conversationId);
    const lastDay = dayOf(before) - 1;
    if (lastDay < 0) return;
    const dayKeys = await tables.dataKeys.sealed.keys({ gte: prefix, lte: joinBytes(prefix, uint32(lastDay)) });
    const files = keys.pseudonym('conversation', conversationId);
    const empty: Uint8Array[] = [];
    for (const key of dayKeys) {
      const [left] = await tables.files.keys({ ...under(joinBytes(files, key.subarray(16))), limit: 1 });
      if (left !== undefined) continue;
      empty.push(key);
      this.#headers.set(toBase64Url(key), null);
    }
    if (empty.length === 0) return;
    const found = await foundOf(tables.dataKeys.sealed, empty);
    await writer.submit([
      ...empty.map((key) => tables.dataKeys.remove(key)),
      ...erasing(this.#access, tables.dataKeys.sealed, found),
    ]);
  }

  /** Null: of all. */
  async usage(owner: UserId | null): Promise<FileUsage> {
    return (await this.#access.tables.fileUsage.get(this.#usageKey(owner))) ?? none;
  }

  /** Seals headers of the files of this conversation and day; the day's key is made and stored when there is none and `mayCreate`. */
  async headers(file: NewFile, mayCreate: boolean): Promise<RecordCipher> {
    const { tables, keys, writer, mutex } = this.#access;
    const dayKey = joinBytes(this.#dayKeyPrefix(file.conversationId), uint32(dayOf(file.createdAt)));
    const name = toBase64Url(dayKey);
    return mutex.run(`file day ${name}`, async () => {
      const known = this.#headers.get(name);
      if (known !== undefined && known !== null) return known;
      let key: KeyObject | null = await tables.dataKeys.open(dayKey);
      if (key === null && mayCreate) {
        const made = tables.dataKeys.make(dayKey);
        await writer.submit([made.operation]);
        key = made.key;
      }
      if (key === null) throw new CorruptionError('data-keys', 'the key of a day of files is missing');
      const cipher = keys.data('files', key);
      this.#headers.set(name, cipher);
      return cipher;
    });
  }

  #keyOf(file: NewFile): Uint8Array<ArrayBuffer> {
    const conversation = this.#access.keys.pseudonym('conversation', file.conversationId);
    return joinBytes(conversation, uint32(dayOf(file.createdAt)), this.placeOf(file.fileId));
  }

  #dayKeyPrefix(conversationId: ConversationId): Uint8Array<ArrayBuffer> {
    return this.#access.keys.pseudonym('files of conversation', conversationId);
  }

  #usageKey(owner: UserId | null): Uint8Array {
    return owner === null ? aloneKey : this.#access.keys.pseudonym('user', owner);
  }

  async #usageOperations(changes: ReadonlyMap<UserId, FileUsage>): Promise<readonly Operation[]> {
    const { fileUsage } = this.#access.tables;
    let all = await this.usage(null);
    const operations: Operation[] = [];
    for (const [owner, change] of changes) {
      all = sum(all, change);
      operations.push(fileUsage.put(this.#usageKey(owner), sum(await this.usage(owner), change)));
    }
    return [...operations, fileUsage.put(aloneKey, all)];
  }
}

const sum = (one: FileUsage, other: FileUsage): FileUsage => ({
  bytes: one.bytes + other.bytes,
  files: one.files + other.files,
  open: one.open + other.open,
});

export const recordOf = ({
  fileId,
  owner,
  conversationId,
  size,
  createdAt,
  expiresAt,
  offset,
}: StoredFile): FileRecord => ({
  fileId,
  owner,
  conversationId,
  size,
  createdAt,
  expiresAt,
  offset,
});
