/**
 * Keeps one data folder's store: open, read-only while its disk is full, open again, or failed for good.
 *   open → full      too little room: writes are refused, reads go on, nothing was lost
 *   full → open      room again; after a write that met the end of the disk LevelDB is closed and opened anew before,
 *                    because what it says about later writes cannot be trusted
 *   open → failed    any other failed write (a failed sync is never tried again: the kernel may have dropped the pages);
 *                    the process must end and read from disk what is there
 */
import type { Runtime, Timer } from '../../ports/runtime.ts';
import { type StoreCondition, StoreFailure, StoreFull } from '../../ports/store.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { openDatabase, type Opened } from './opening.ts';
import { fillReserve, type Room, roomOf, saysFull } from './space.ts';
import { writeWitness } from './witness.ts';

const lookEveryMs = 2_000;
const witnessEveryLooks = 30;

/** Hears what writing costs and what room there is. */
export interface StoreMeter {
  synced(elapsedMs: number): void;
  diskHas(freeBytes: number, floorBytes: number): void;
}

export interface KeeperParts {
  readonly folder: string;
  readonly keys: KeyRing;
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'every' | 'monotonic'>;
  readonly meter: StoreMeter | null;
  readonly onCondition: (condition: StoreCondition, cause: unknown) => void;
}

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #forgetting: (() => void)[] = [];
  #opened: Opened | null = null;
  #condition: StoreCondition = 'open';
  /** A write met the end of the disk. */
  #broken = false;
  #timer: Timer | null = null;
  #looks = 0;
  #witnessed = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  get opened(): Opened {
    if (this.#opened === null) throw new StoreFailure('the store is not open');
    return this.#opened;
  }
  get condition(): StoreCondition {
    return this.#condition;
  }

  /** Runs whenever the store was opened anew: what was kept of it in memory is not to be trusted. */
  onReopened(run: () => void): void {
    this.#forgetting.push(run);
  }

  /** Once. */
  async open(made: boolean): Promise<void> {
    const room = await this.#room();
    this.#opened = await this.#openDatabase(made);
    this.#witnessed = this.#opened.ledger.commits;
    if (room.free < room.floor) this.#fill(tooFull(room));
    this.#timer = this.#parts.runtime.every(lookEveryMs, () => void this.look());
  }

  /** Looks at the disk and does what follows from it. Never rejects. */
  look(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look()).catch((cause: unknown) => this.#fail(cause));
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#turn;
    const wrote = this.#condition === 'open';
    this.#condition = 'closed';
    const { writer, database, ledger } = this.opened;
    await writer.stop(new StoreFailure('the store is closed'));
    await database.close();
    const { folder, keys } = this.#parts;
    if (wrote && !writer.failed) await writeWitness(folder, keys, { commits: ledger.commits, clean: true });
  }

  async #look(): Promise<void> {
    if (this.#condition === 'failed' || this.#condition === 'closed') return;
    const room = await this.#room();
    if (this.#condition === 'open') {
      if (room.free < room.floor) return this.#fill(tooFull(room));
      this.#looks += 1;
      if (this.#looks % witnessEveryLooks === 0) await this.#testify(room);
      return;
    }
    if (room.free < room.resume) return;
    if (!this.#broken) this.opened.writer.resume();
    else if (!(await this.#reopen())) return;
    this.#broken = false;
    this.#become('open', null);
  }

  async #room(): Promise<Room> {
    const room = await roomOf(this.#parts.folder);
    this.#parts.meter?.diskHas(room.free, room.floor);
    return room;
  }

  async #testify(room: Room): Promise<void> {
    const { folder, keys } = this.#parts;
    const { commits } = this.opened.ledger;
    try {
      if (commits !== this.#witnessed) await writeWitness(folder, keys, { commits, clean: false });
      this.#witnessed = commits;
      await fillReserve(folder, room);
    } catch (cause) {
      // Both are precautions; the look to come sees that there is no room.
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')) throw cause;
    }
  }

  /** False when opening needs more room than there is: tried again at the next look. */
  async #reopen(): Promise<boolean> {
    const { writer, database } = this.opened;
    await writer.stop(new StoreFailure('the store is opened anew'));
    await database.close();
    try {
      this.#opened = await this.#openDatabase(true);
    } catch (cause) {
      if (saysFull(cause)) return false;
      throw cause;
    }
    for (const run of this.#forgetting) run();
    return true;
  }

  #openDatabase(made: boolean): Promise<Opened> {
    const { folder, keys, runtime, meter } = this.#parts;
    const onFailure = (failure: StoreFailure): void => {
      if (!(failure instanceof StoreFull)) return this.#fail(failure);
      this.#broken = true;
      this.#become('full', failure);
    };
    return openDatabase({ folder, keys, made, runtime, meter, onFailure });
  }

  #fill(failure: StoreFull): void {
    this.opened.writer.pause(failure);
    this.#become('full', failure);
  }

  /** [Z3] Something beside the database could not be synced. */
  failed(cause: StoreFailure): void {
    this.#fail(cause);
  }

  #fail(cause: unknown): void {
    void this.#opened?.writer.stop(new StoreFailure('the store failed', { cause }));
    this.#become('failed', cause);
  }

  #become(condition: StoreCondition, cause: unknown): void {
    if (this.#condition === condition || this.#condition === 'failed' || this.#condition === 'closed') return;
    this.#condition = condition;
    this.#parts.onCondition(condition, cause);
  }
}

const inMebibytes = (bytes: number): number => Math.floor(bytes / (1024 * 1024));
const tooFull = ({ free, floor }: Room): StoreFull =>
  new StoreFull(`the disk has ${inMebibytes(free)} MiB left, and nothing is written under ${inMebibytes(floor)} MiB`);
