/** Opening LevelDB in a data folder that is locked: the looks before and after it that LevelDB leaves out. */
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { Runtime } from '../../ports/runtime.ts';
import { CorruptionError, StoreFailure, StoreFull } from '../../ports/store.ts';
import { syncFolder } from '../durable-files.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { aloneKey, Arrivals } from './access.ts';
import { AuditWriter } from './audit-writer.ts';
import { FolderLockedError } from './folder-lock.ts';
import { GroupWriter } from './group-writer.ts';
import { Ledger } from './ledger.ts';
import { checkLogFiles } from './log-files.ts';
import { latestArrival } from './mailbox.ts';
import { saysFull } from './space.ts';
import { type Database, encodings } from './table.ts';
import { makeTables, type Tables } from './tables.ts';
import { compareWitness, readWitness, writeWitness } from './witness.ts';

const noWitness =
  'the file store-witness is missing, so nothing says how far the store was: put it back, or look at every record and make it anew with `lanying verify --witness`';
/** A larger log takes seconds to read after a crash (notes: 963 MB up to 22 s). */
const writeBufferBytes = 16 * 1024 * 1024;
const cacheBytes = 32 * 1024 * 1024;
const format = 2;

/** An open database and what goes with it; a store that had to be reopened gets another one. */
export interface Opened {
  readonly database: Database;
  readonly tables: Tables;
  readonly writer: GroupWriter;
  readonly ledger: Ledger;
  readonly audit: AuditWriter;
  readonly arrivals: Arrivals;
}

export interface Opening {
  readonly folder: string;
  readonly keys: KeyRing;
  /** The store was made before: nothing may be made anew. */
  readonly made: boolean;
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'monotonic'>;
  readonly meter?: { synced(elapsedMs: number): void } | null;
  /** For whoever only looks: `kept` leaves the witness as it is, `absent` takes its absence too. */
  readonly witness?: 'kept' | 'absent';
  /** The first failed write. */
  readonly onFailure: (failure: StoreFailure) => void;
}

export const isMade = (folder: string): Promise<boolean> => isThere(join(folder, 'store-made'));

/**
 * Throws CorruptionError('store') for damaged or missing files of LevelDB, CorruptionError('ledger') for a store that
 * went back, StoreFull when the disk is full, FolderLockedError when a process that folder-lock.ts does not see has it,
 * StoreFailure when LevelDB does not open.
 */
export async function openDatabase(opening: Opening): Promise<Opened> {
  const { folder, keys, made } = opening;
  const path = join(folder, 'store');
  const witness = made ? await readWitness(folder, keys) : null;
  if (made && witness === null && opening.witness !== 'absent') throw new CorruptionError('witness', noWitness);
  if (made) await lookBefore(path, witness?.clean === true);
  else await mkdir(path, { recursive: true, mode: 0o700 });
  const database = await start(folder, !made);
  try {
    const tables = makeTables(database, keys);
    const ledger = await proveFormat(database, tables, opening);
    if (made) compareWitness(witness, ledger.commits);
    const writer = new GroupWriter(writing(database, ledger, opening), opening.onFailure);
    if (ledger.commits === 0) await writer.submit([tables.format.put(aloneKey, { version: format })]);
    // From here on an unfinished last batch is nothing strange.
    if (opening.witness === undefined) await writeWitness(folder, keys, { commits: ledger.commits, clean: false });
    const arrivals = new Arrivals(opening.runtime, await latestArrival(tables.mail));
    return {
      database,
      tables,
      writer,
      ledger,
      audit: new AuditWriter({ tables, keys, writer, runtime: opening.runtime }),
      arrivals,
    };
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

async function lookBefore(path: string, clean: boolean): Promise<void> {
  // LevelDB makes a new, empty store when there is none.
  if (!(await isThere(path))) throw new CorruptionError('store', 'the LevelDB folder is gone');
  await checkLogFiles(path, clean);
}

async function start(folder: string, mayCreate: boolean): Promise<Database> {
  const database: Database = new ClassicLevel(join(folder, 'store'), { ...encodings });
  try {
    await database.open({
      createIfMissing: mayCreate,
      writeBufferSize: writeBufferBytes,
      cacheSize: cacheBytes,
      // Sealed records do not compress.
      compression: false,
    });
  } catch (cause) {
    if (saysFull(cause)) throw new StoreFull('LevelDB does not open: the disk is full', { cause });
    const words = cause instanceof Error && cause.cause instanceof Error ? cause.cause : null;
    if (words !== null && 'code' in words && words.code === 'LEVEL_LOCKED') throw new FolderLockedError(folder, null);
    // What LevelDB says, without the path.
    const why = words === null ? '' : `: ${words.message.replace(/\S*\/(?=[^/\s]+)/g, '')}`;
    if (words !== null && 'code' in words && words.code === 'LEVEL_CORRUPTION')
      throw new CorruptionError('store', `LevelDB finds its files damaged${why}`);
    throw new StoreFailure(`LevelDB does not open${why}`, { cause });
  }
  return database;
}

/** A new store's ledger is at 0 batches and its first batch says what it is; an old one must prove it. */
async function proveFormat(database: Database, tables: Tables, { keys, made }: Opening): Promise<Ledger> {
  const stored = await tables.format.get(aloneKey);
  if (stored === null && made) throw new CorruptionError('store', 'the store is empty, although it was made before');
  return stored === null ? Ledger.begin(database, tables, keys) : Ledger.load(database, tables, keys);
}

const writing =
  (database: Database, ledger: Ledger, { runtime, meter }: Opening) =>
  async (operations: Parameters<ConstructorParameters<typeof GroupWriter>[0]>[0]): Promise<void> => {
    try {
      const stamped = await ledger.stamp(operations);
      const startedAt = runtime.monotonic();
      await database.batch([...stamped.operations], { sync: true, ...encodings });
      meter?.synced(runtime.monotonic() - startedAt);
      stamped.accept();
    } catch (cause) {
      if (saysFull(cause)) throw new StoreFull('a write met the end of the disk', { cause });
      throw cause;
    }
  };

/** The last step of making a store. */
export async function writeMarker(folder: string): Promise<void> {
  const marker = await open(join(folder, 'store-made'), 'w', 0o600);
  try {
    await marker.writeFile('1\n');
    await marker.sync();
  } finally {
    await marker.close();
  }
  await syncFolder(folder);
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw cause;
  }
}
