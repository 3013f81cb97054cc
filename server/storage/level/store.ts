/**
 * The store on disk. In the data folder:
 *   lock/         who has the folder (folder-lock.ts)
 *   keys/kek      key-encryption key (sealed/kek-file.ts)
 *   store/        LevelDB
 *   purged        register of purges (purge-register.ts), unless it is kept elsewhere
 *   store-made    beside it: the store was made once, so an empty one is damage and not a first start
 */
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Runtime } from '../../ports/runtime.ts';
import { CorruptionError, type Store, StoreFailure } from '../../ports/store.ts';
import { DiskBlobs } from '../disk/blobs.ts';
import { KeyRing } from '../sealed/key-ring.ts';
import { type Access, aloneKey, Arrivals } from './access.ts';
import { LevelAccounts } from './accounts.ts';
import { LevelAudit } from './audit.ts';
import { AuditWriter } from './audit-writer.ts';
import { LevelCeremonies } from './ceremonies.ts';
import { LevelConversations } from './conversations.ts';
import { LevelDevices } from './devices.ts';
import { LevelErasure } from './erasure.ts';
import { lockFolder } from './folder-lock.ts';
import { GroupWriter } from './group-writer.ts';
import { LevelInvites } from './invites.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { latestArrival } from './mailbox.ts';
import { Prover } from './proof.ts';
import { FilePurgeRegister } from './purge-register.ts';
import { LevelLeases, LevelRetention } from './retention.ts';
import { LevelSessions } from './sessions.ts';
import { type Database, encodings } from './table.ts';
import { makeTables, type Tables } from './tables.ts';
import { LevelVaults } from './vaults.ts';

/** A larger log takes seconds to read after a crash (notes: 963 MB up to 22 s). */
const writeBufferBytes = 16 * 1024 * 1024;
const cacheBytes = 32 * 1024 * 1024;

export interface LevelStoreOptions {
  /** The data folder; made when it is not there. */
  readonly folder: string;
  /** 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly runtime: Pick<Runtime, 'now' | 'random'>;
  /** File of the register of purges; `purged` in the folder when left out. */
  readonly purgeRegister?: string | null;
}

export interface LevelStore extends Store {
  /** Since opening: synced batches, and the calls whose operations they carried. */
  writes(): { readonly batches: number; readonly submissions: number };
}

/**
 * Throws FolderLockedError when somebody has the folder; CorruptionError('keys') for another master key or a damaged key
 * file, CorruptionError('store') when a store that was made is gone or empty; StoreFailure when LevelDB does not open.
 */
export async function openLevelStore({ folder, masterKey, runtime, purgeRegister }: LevelStoreOptions): Promise<LevelStore> {
  const lock = await lockFolder(folder);
  try {
    const made = await isThere(join(folder, 'store-made'));
    const keys = await KeyRing.open(folder, masterKey, !made, runtime);
    const database = await openDatabase(join(folder, 'store'), !made);
    try {
      const tables = makeTables(database, keys);
      const writer = new GroupWriter((operations) => database.batch([...operations], { sync: true, ...encodings }));
      await proveFormat(tables, writer, made);
      if (!made) await writeMarker(folder);
      const arrivals = new Arrivals(runtime, await latestArrival(tables.mail));
      const audit = new AuditWriter({ tables, keys, writer });
      const access: Access = { tables, keys, writer, audit, mutex: new KeyedMutex(), arrivals, runtime };
      return compose(access, database, folder, purgeRegister ?? join(folder, 'purged'), () => lock.release());
    } catch (cause) {
      await database.close();
      throw cause;
    }
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}

function compose(
  access: Access,
  database: Database,
  folder: string,
  purgeRegister: string,
  release: () => Promise<void>,
): LevelStore {
  const blobs = new DiskBlobs(access, folder);
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await blobs.close();
    await access.writer.stop(new StoreFailure('the store is closed'));
    await database.close();
    await release();
  };
  const conversations = new LevelConversations(access);
  return {
    accounts: new LevelAccounts(access),
    sessions: new LevelSessions(access),
    invites: new LevelInvites(access),
    devices: new LevelDevices(access),
    vaults: new LevelVaults(access),
    conversations,
    ceremonies: new LevelCeremonies(access),
    erasure: new LevelErasure(access, conversations, new Prover(access, database, join(folder, 'store'))),
    retention: new LevelRetention(access),
    purged: new FilePurgeRegister(purgeRegister, access.keys.system('purged')),
    leases: new LevelLeases(access),
    blobs,
    audit: new LevelAudit(access),
    isOpen: () => access.writer.stopped === null,
    writes: () => access.writer.counts,
    close: () => (closing ??= close()),
  };
}

async function openDatabase(path: string, mayCreate: boolean): Promise<Database> {
  if (mayCreate) await mkdir(path, { recursive: true, mode: 0o700 });
  // LevelDB makes a new, empty store when this file is gone.
  else if (!(await isThere(join(path, 'CURRENT'))))
    throw new CorruptionError('store', 'the LevelDB folder has lost its CURRENT file');
  const database: Database = new ClassicLevel(path, { ...encodings });
  try {
    await database.open({
      createIfMissing: mayCreate,
      writeBufferSize: writeBufferBytes,
      cacheSize: cacheBytes,
      // Sealed records do not compress.
      compression: false,
    });
  } catch (cause) {
    throw new StoreFailure('LevelDB does not open', { cause });
  }
  return database;
}

/** The first synced write of a new store (without one a power cut can leave it unopenable), the proof of an old one. */
async function proveFormat(tables: Tables, writer: GroupWriter, made: boolean): Promise<void> {
  if ((await tables.format.get(aloneKey)) !== null) return;
  if (made) throw new CorruptionError('store', 'the store is empty, although it was made before');
  await writer.submit([tables.format.put(aloneKey, { version: 1 })]);
}

async function writeMarker(folder: string): Promise<void> {
  const marker = await open(join(folder, 'store-made'), 'w', 0o600);
  try {
    await marker.writeFile('1\n');
    await marker.sync();
  } finally {
    await marker.close();
  }
  const parent = await open(folder, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw cause;
  }
}
