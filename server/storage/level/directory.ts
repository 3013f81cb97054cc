/** The key directory on disk. Whoever appends to it holds the mutex `directory` until the batch is written, so its tree is read anew each time. */
import { deviceLeaf, identityLeaf } from '#protocol/directory.ts';
import { toBase64Url } from '#protocol/ids.ts';
import { type CompactRange, emptyRange, leafHash } from '#protocol/merkle.ts';
import type { DirectoryStore } from '../../ports/directory-store.ts';
import type { TreeInspection } from '../../ports/tree-log.ts';
import { CorruptionError } from '../../ports/store.ts';
import { readUint64 } from '../bytes.ts';
import { type Access, aloneKey } from './access.ts';
import type { Operation } from './group-writer.ts';
import {
  checkedTree,
  grownTree,
  inspectedLeaves,
  leafKey,
  orNull,
  sha256,
  storedSubtree,
  storedTree,
} from './merkle-records.ts';
import { under } from './table.ts';

type Leaf = Uint8Array<ArrayBuffer>;
const seedBytes = 32;

const placeOf = ({ keys }: Access, hash: Uint8Array): Leaf => keys.pseudonym('directory leaf', toBase64Url(hash));

/**
 * What appends these leaves, for the batch of the change that they record ([X1]). Only inside the mutex `directory`,
 * which is held until that batch is written. A directory that was not begun begins here.
 */
export async function directoryOperations(access: Access, leaves: readonly Leaf[]): Promise<readonly Operation[]> {
  const { directory } = access.tables;
  const begun = (await storedTree(directory)) !== null;
  const all = begun ? leaves : [...(await leavesOfEverybody(access)), ...leaves];
  const from = await checkedTree(directory);
  const grown = grownTree(
    directory,
    from,
    all.map((leaf) => () => leaf),
  );
  const places = all.map((leaf, at) =>
    directory.places.put(placeOf(access, leafHash(sha256, leaf)), { index: from.size + at }),
  );
  return [...grown.operations, ...places];
}

/** In the order in which they came. */
async function leavesOfEverybody({ tables, keys }: Access): Promise<readonly Leaf[]> {
  const accounts = (await tables.accounts.list(under(new Uint8Array(0)))).map(({ value }) => value);
  const order = <T extends { readonly createdAt: number }>(all: readonly T[], id: (one: T) => string): readonly T[] =>
    all.toSorted((one, other) => one.createdAt - other.createdAt || (id(one) < id(other) ? -1 : 1));
  const leaves: Leaf[] = [];
  for (const { userId, identityKey } of order(accounts, (account) => account.userId)) {
    const devices = (await tables.devices.get(keys.pseudonym('user', userId))) ?? [];
    leaves.push(identityLeaf(sha256, userId, identityKey));
    for (const { certificate } of order(devices, (device) => device.deviceId))
      leaves.push(deviceLeaf(sha256, userId, certificate));
  }
  return leaves;
}

export class LevelDirectory implements DirectoryStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  begin(): Promise<number> {
    return this.#access.mutex.run('directory', async () => {
      const { tables, writer } = this.#access;
      if ((await storedTree(tables.directory)) !== null) return 0;
      await writer.submit(await directoryOperations(this.#access, []));
      return (await this.tree()).size;
    });
  }

  async tree(): Promise<CompactRange> {
    return (await storedTree(this.#access.tables.directory)) ?? emptyRange;
  }

  subtree(level: number, index: number): Promise<Uint8Array> {
    return storedSubtree(this.#access.tables.directory, level, index);
  }

  floor(): Promise<number> {
    return Promise.resolve(0);
  }

  async leaves(from: number, limit: number): Promise<readonly Leaf[]> {
    const { lte } = under(new Uint8Array(0));
    const found = await this.#access.tables.directory.leaves.list({ gte: leafKey(from), lte, limit });
    return found.map(({ key, value }, at) => {
      if (readUint64(key, 0) !== from + at) throw new CorruptionError('directory', 'a leaf is missing');
      return value;
    });
  }

  async places(hashes: readonly Uint8Array[]): Promise<readonly (number | null)[]> {
    const found = await this.#access.tables.directory.places.getMany(hashes.map((hash) => placeOf(this.#access, hash)));
    return found.map((place) => place?.index ?? null);
  }

  inspect(from: number, limit: number): Promise<TreeInspection> {
    const { directory } = this.#access.tables;
    return inspectedLeaves(directory, from, limit, async (index) => {
      const bytes = await orNull(() => directory.leaves.get(leafKey(index)));
      return bytes === null ? null : { index, bytes };
    });
  }

  logName(name: string, keep: boolean): Promise<string> {
    return this.#access.mutex.run('directory name', async () => {
      const { tables, writer } = this.#access;
      const stored = await tables.directory.name.get(aloneKey);
      if (stored !== null) return stored.name;
      if (keep) await writer.submit([tables.directory.name.put(aloneKey, { name })]);
      return name;
    });
  }

  signingSeed(): Promise<Leaf> {
    const { tables, writer, mutex, runtime } = this.#access;
    return mutex.run('directory signing', async () => {
      const stored = await tables.directory.signing.get(aloneKey);
      if (stored !== null) return stored.seed;
      const seed = runtime.random(seedBytes);
      await writer.submit([tables.directory.signing.put(aloneKey, { seed })]);
      return seed;
    });
  }
}
