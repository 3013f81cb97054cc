/** A data folder with a LevelDB store, opened, closed and tampered with from outside. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { CorruptionError } from '../../../server/ports/store.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { startMs } from '../../contract/people.ts';
import { temporaryFolder } from '../../harness/folder.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

export interface RawRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class LevelFolder {
  readonly path: string;
  readonly #remove: () => Promise<void>;
  readonly #runtime = new FakeRuntime('level folder', startMs);

  private constructor(path: string, remove: () => Promise<void>) {
    this.path = path;
    this.#remove = remove;
  }

  static async make(): Promise<LevelFolder> {
    const folder = await temporaryFolder();
    return new LevelFolder(folder.path, () => folder.remove());
  }

  open(key: Uint8Array = masterKey): Promise<LevelStore> {
    return openLevelStore({ folder: this.path, masterKey: key, runtime: this.#runtime });
  }

  async using<T>(work: (store: LevelStore) => Promise<T>): Promise<T> {
    const store = await this.open();
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  /** All record keys of the closed store, one after the other, as LevelDB has them. */
  async keys(): Promise<Buffer> {
    const database = await this.#raw();
    try {
      return Buffer.concat(await database.keys().all());
    } finally {
      await database.close();
    }
  }

  /** Changes the records of one family behind the back of the closed store. */
  async tamper(
    family: string,
    change: (records: readonly RawRecord[]) => {
      readonly put?: readonly RawRecord[];
      readonly del?: readonly Uint8Array[];
    },
  ): Promise<void> {
    const database = await this.#raw();
    try {
      const sublevel = database.sublevel<Uint8Array, Uint8Array>(family, {
        keyEncoding: 'view',
        valueEncoding: 'view',
      });
      const records = (await sublevel.iterator().all()).map(([key, value]) => ({ key, value }));
      if (records.length === 0) throw new Error(`no records of ${family}`);
      const { put = [], del = [] } = change(records);
      await sublevel.batch([
        ...put.map((record) => ({ type: 'put' as const, ...record })),
        ...del.map((key) => ({ type: 'del' as const, key })),
      ]);
    } finally {
      await database.close();
    }
  }

  /** Puts records of one family back, and takes others of it away. */
  async restore(family: string, put: readonly RawRecord[], del: readonly Uint8Array[]): Promise<void> {
    const database = await this.#raw();
    try {
      const sublevel = database.sublevel<Uint8Array, Uint8Array>(family, {
        keyEncoding: 'view',
        valueEncoding: 'view',
      });
      await sublevel.batch([
        ...del.map((key) => ({ type: 'del' as const, key })),
        ...put.map((record) => ({ type: 'put' as const, ...record })),
      ]);
    } finally {
      await database.close();
    }
  }

  /** Every file below the folder with its bytes. */
  async files(): Promise<readonly { readonly path: string; readonly bytes: Buffer }[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })));
  }

  remove(): Promise<void> {
    return this.#remove();
  }

  async #raw(): Promise<ClassicLevel<Uint8Array, Uint8Array>> {
    const database = new ClassicLevel<Uint8Array, Uint8Array>(join(this.path, 'store'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await database.open({ createIfMissing: false, compression: false });
    return database;
  }
}

/** Family that a refusal names; anything else that happened is the answer as it is. */
export async function corruptFamily(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (cause) {
    return cause instanceof CorruptionError ? cause.family : cause;
  }
}
