/**
 * A checkpoint of the data folder in `checkpoint/` there: LevelDB's tables by hard link, since they never change, and
 * the few files that do by copy, all between two batches. LevelDB may still be compacting: then tables come and go and
 * the manifest grows, so what was linked counts only when neither happened meanwhile.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint, CheckpointStore } from '../../ports/checkpoint-store.ts';
import { StoreFailure, StoreFull } from '../../ports/store.ts';
import { namesIn } from '../durable-files.ts';
import type { Access } from './access.ts';
import type { Keeper } from './keeper.ts';
import { writeMarker } from './opening.ts';
import { saysFull } from './space.ts';
import { writeWitness } from './witness.ts';

const triesMax = 20;
const isTable = (name: string): boolean => /\.(?:ldb|sst)$/.test(name);
/** LevelDB's own lock, which must never be opened, and the texts for people. */
const isLeftOut = (name: string): boolean => name === 'LOCK' || name.startsWith('LOG');

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : null);

/** Before a store is opened: what a process left that ended while a backup ran. */
export const dropCheckpoint = (folder: string): Promise<void> => rm(join(folder, 'checkpoint'), { recursive: true, force: true });

interface Held {
  readonly release: () => Promise<void>;
  readonly onEnded: () => void;
}

export class LevelCheckpoints implements CheckpointStore {
  readonly #access: Access;
  readonly #keeper: Keeper;
  readonly #folder: string;
  readonly #register: string;
  #taking = false;
  #held: Held | null = null;
  /** Erasures so far: one that came while a checkpoint was being taken spoils it. */
  #yields = 0;

  /** `folder`: the data folder; `register`: file of the register of purges. */
  constructor(access: Access, keeper: Keeper, folder: string, register: string) {
    this.#access = access;
    this.#keeper = keeper;
    this.#folder = folder;
    this.#register = register;
  }

  async take(onEnded: () => void): Promise<Checkpoint | null> {
    if (this.#taking || this.#held !== null) return null;
    this.#taking = true;
    try {
      if (this.#keeper.condition === 'full') throw new StoreFull('the disk is full: no checkpoint can be taken');
      return await this.#take(onEnded);
    } finally {
      this.#taking = false;
    }
  }

  /** An erasure: whatever a checkpoint pins goes now. */
  async yield(): Promise<void> {
    this.#yields += 1;
    const held = this.#held;
    if (held === null) return;
    await held.release();
    held.onEnded();
  }

  async #take(onEnded: () => void): Promise<Checkpoint> {
    const folder = join(this.#folder, 'checkpoint');
    const yields = this.#yields;
    try {
      await dropCheckpoint(this.#folder);
      await mkdir(join(folder, 'store'), { recursive: true, mode: 0o700 });
      await mkdir(join(folder, 'keys'), { mode: 0o700 });
      const { ledger, writer } = this.#keeper.opened;
      const filesFolder = join(this.#folder, 'files');
      const { commits, files } = await writer.between(async () => {
        await this.#copyStore(join(folder, 'store'));
        await copyFile(join(this.#folder, 'keys', 'kek'), join(folder, 'keys', 'kek'));
        await copyIfThere(this.#register, join(folder, 'purged'));
        return { commits: ledger.commits, files: await namesIn(filesFolder) };
      });
      await writeWitness(folder, this.#access.keys, { commits, clean: false });
      await writeMarker(folder);
      if (this.#yields !== yields) throw new StoreFailure('something was erased while the checkpoint was taken');
      return this.#hold({ folder, filesFolder, files, commits, takenAt: this.#access.runtime.now() }, onEnded);
    } catch (cause) {
      await dropCheckpoint(this.#folder);
      if (saysFull(cause) && !(cause instanceof StoreFull)) throw new StoreFull('no room for a checkpoint', { cause });
      if (cause instanceof StoreFailure) throw cause;
      throw new StoreFailure('a checkpoint could not be taken', { cause });
    }
  }

  #hold(taken: Omit<Checkpoint, 'release'>, onEnded: () => void): Checkpoint {
    let released: Promise<void> | null = null;
    const release = (): Promise<void> =>
      (released ??= dropCheckpoint(this.#folder).finally(() => {
        this.#held = null;
      }));
    this.#held = { release, onEnded };
    return { ...taken, release };
  }

  async #copyStore(to: string): Promise<void> {
    const from = join(this.#folder, 'store');
    for (let tries = 0; tries < triesMax; tries += 1) {
      const before = await stateOf(from);
      const whole = await copyAll(from, to, before.names);
      const after = await stateOf(from);
      if (whole && before.state === after.state) return;
      await rm(to, { recursive: true });
      await mkdir(to, { mode: 0o700 });
    }
    throw new StoreFailure('LevelDB kept changing its tables while a checkpoint was taken');
  }
}

/** Tables and manifests with the sizes of the latter: the same twice means that nothing was compacted between. */
async function stateOf(folder: string): Promise<{ readonly names: readonly string[]; readonly state: string }> {
  const names = (await namesIn(folder)).filter((name) => !isLeftOut(name)).toSorted();
  const manifests = names.filter((name) => name.startsWith('MANIFEST'));
  const sizes = await Promise.all(manifests.map(async (name) => (await statIfThere(join(folder, name)))?.size ?? -1));
  return { names, state: JSON.stringify([names, sizes]) };
}

/** False when one of them was gone. */
async function copyAll(from: string, to: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    try {
      if (isTable(name)) await linkOrCopy(join(from, name), join(to, name));
      else await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return false;
      throw cause;
    }
  }
  return true;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (cause) {
    // File systems without hard links, or a mount within the data folder.
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(String(codeOf(cause)))) throw cause;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
  }
}

async function statIfThere(path: string): Promise<{ readonly size: number } | null> {
  try {
    return await stat(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    throw cause;
  }
}
