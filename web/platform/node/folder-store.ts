/**
 * The local store in a folder (mode 0700): LevelDB in `records/`, device keys in `device-keys` beside it. One process at a
 * time: LevelDB's lock refuses another one. Within a process a later opener takes over the open database and fences off
 * the earlier, because a refused second open would drop LevelDB's lock (notes on storage).
 */
import { ClassicLevel } from 'classic-level';
import { chmod, mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LanyingError } from '../../engine/api.ts';
import type { DeviceKeys, LocalStore, StoreWrite } from '../../engine/ports.ts';
import { loadDeviceKeys } from './device-key-file.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Records = ClassicLevel<string, Uint8Array>;

interface OpenFolder {
  readonly path: string;
  readonly records: Records;
  fence: number;
  openers: number;
  device: Promise<DeviceKeys> | null;
  /** Batches run one after the other: deletePrefix reads before it writes. */
  tail: Promise<unknown>;
}

/** Folders that this process has open, by real path. */
const folders = new Map<string, Promise<OpenFolder>>();
/** Those that are being closed: LevelDB holds its lock until then. */
const closings = new Map<string, Promise<void>>();

/** Own errors pass; those of LevelDB and of the file system become `storage.failed` with their code. */
function failure(cause: unknown): LanyingError {
  if (cause instanceof LanyingError) return cause;
  const locked = cause instanceof Error && cause.cause instanceof Error && 'code' in cause.cause && cause.cause.code === 'LEVEL_LOCKED';
  if (locked) return new LanyingError('engine.busy_elsewhere');
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';
  return new LanyingError('storage.failed', { reason: code });
}

async function openFolder(path: string): Promise<OpenFolder> {
  const records: Records = new ClassicLevel(join(path, 'records'), { keyEncoding: 'utf8', valueEncoding: 'view', writeBufferSize: 4 * 1024 * 1024 });
  await records.open();
  return { path, records, fence: 0, openers: 0, device: null, tail: Promise.resolve() };
}

const own = (value: Uint8Array): Bytes => new Uint8Array(value);
/** Above every key of the engine, whose keys are ASCII. */
const under = (prefix: string) => ({ gte: prefix, lt: `${prefix}\uffff` });

class FolderStore implements LocalStore {
  readonly #folder: OpenFolder;
  readonly #fence: number;
  #closed = false;

  constructor(folder: OpenFolder) {
    this.#folder = folder;
    folder.fence += 1;
    folder.openers += 1;
    this.#fence = folder.fence;
  }

  get(key: string): Promise<Bytes | null> {
    return this.#told(async () => {
      const value = await this.#folder.records.get(key);
      return value === undefined ? null : own(value);
    });
  }

  range(from: string, to: string, { limit, reverse }: { readonly limit: number; readonly reverse: boolean }) {
    return this.#told(async () => {
      if (limit <= 0 || from >= to) return [];
      const found = await this.#folder.records.iterator({ gte: from, lt: to, limit, reverse }).all();
      return found.map(([key, value]) => [key, own(value)] as const);
    });
  }

  batch(writes: readonly StoreWrite[]): Promise<void> {
    return this.#inTurn(async () => {
      const { records } = this.#folder;
      const outcome = new Map<string, Uint8Array | null>();
      for (const write of writes) {
        if ('put' in write) outcome.set(...write.put);
        else if ('delete' in write) outcome.set(write.delete, null);
        else {
          for (const key of outcome.keys()) if (key.startsWith(write.deletePrefix)) outcome.set(key, null);
          for (const key of await records.keys(under(write.deletePrefix)).all()) outcome.set(key, null);
        }
      }
      const operations = [...outcome].map(([key, value]) => (value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value }));
      await records.batch(operations, { sync: true });
    });
  }

  deviceKeys(): Promise<DeviceKeys> {
    return this.#told(() => {
      const folder = this.#folder;
      folder.device ??= loadDeviceKeys(join(folder.path, 'device-keys')).catch((cause: unknown) => {
        folder.device = null;
        throw cause;
      });
      return folder.device;
    });
  }

  erase(): Promise<void> {
    return this.#inTurn(async () => {
      const { path, records } = this.#folder;
      // Keys first: what a crash leaves behind cannot be opened any more.
      await rm(join(path, 'device-keys'), { force: true });
      this.#folder.device = null;
      const keys = await records.keys().all();
      await records.batch(keys.map((key) => ({ type: 'del', key })), { sync: true });
      await records.compactRange('', '\uffff');
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const folder = this.#folder;
    folder.openers -= 1;
    await folder.tail;
    if (folder.openers > 0) return;
    folders.delete(folder.path);
    const closing = folder.records.close();
    closings.set(folder.path, closing);
    await closing;
    closings.delete(folder.path);
  }

  /** Serialised writing; refused when another opener came since. */
  #inTurn(run: () => Promise<void>): Promise<void> {
    // Closed is asked when called: what was accepted before the close is still written, and close() waits for it.
    const turn = this.#told(() =>
      this.#folder.tail.then(() => {
        if (this.#folder.fence !== this.#fence) throw new LanyingError('engine.busy_elsewhere');
        return run();
      }),
    );
    this.#folder.tail = turn.catch(() => undefined);
    return turn;
  }

  async #told<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LanyingError('engine.closed');
    try {
      return await run();
    } catch (cause) {
      throw failure(cause);
    }
  }
}

/** Opens (or makes) the folder. Rejects with `engine.busy_elsewhere` while another process has it, or `storage.failed`. */
export async function openFolderStore(path: string): Promise<LocalStore> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    const real = await realpath(path);
    for (;;) {
      const opening = folders.get(real) ?? (closings.get(real) ?? Promise.resolve()).then(() => openFolder(real));
      folders.set(real, opening);
      opening.catch(() => folders.delete(real));
      const folder = await opening;
      // Its last opener may have closed it in the meantime; then there is another one to open.
      if (folders.get(real) === opening) return new FolderStore(folder);
    }
  } catch (cause) {
    throw failure(cause);
  }
}
