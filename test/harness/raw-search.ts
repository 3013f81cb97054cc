/** What a data folder holds, record by record and as bytes, and where bytes of it are found again. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { FingerprintSet } from '../../server/storage/level/fingerprint-scan.ts';
import type { LoopVolume } from './loop-volume.ts';

const sampleBytes = 16;
const sampleEvery = 512;

export interface Inventory {
  /** Sealed records of LevelDB by key, in hex; the family's name is in `!` at its beginning. */
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `keys/kek` */
  readonly kek: Uint8Array;
}

/** Of a folder that nobody has open. LevelDB is read from a copy, so that looking changes nothing. */
export async function inventoryOf(dataFolder: string): Promise<Inventory> {
  const copy = mkdtempSync(join(tmpdir(), 'lanying-inventory-'));
  try {
    cpSync(join(dataFolder, 'store'), copy, { recursive: true });
    const database = new ClassicLevel<Uint8Array, Uint8Array>(copy, { keyEncoding: 'view', valueEncoding: 'view' });
    const records = new Map<string, Uint8Array>();
    for await (const [key, value] of database.iterator()) records.set(Buffer.from(key).toString('hex'), value);
    await database.close();
    const folder = join(dataFolder, 'files');
    const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
    return { records, files, kek: readFileSync(join(dataFolder, 'keys', 'kek')) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Of sealed bytes: behind the format byte, every 512 bytes, and the tag. Zeros tell nothing and are left out. */
export function samplesOf(sealed: Uint8Array): readonly Uint8Array[] {
  const samples: Uint8Array[] = [];
  for (let at = 1; at + sampleBytes <= sealed.length; at += sampleEvery)
    samples.push(sealed.slice(at, at + sampleBytes));
  if (sealed.length > sampleBytes) samples.push(sealed.slice(sealed.length - sampleBytes));
  return samples.filter((sample) => sample.some((byte) => byte !== 0));
}

class Search<Name extends string> {
  readonly #names: readonly Name[];
  readonly #set: FingerprintSet;
  readonly #owner: Name[] = [];
  readonly found = new Set<number>();

  constructor(names: readonly Name[], samples: Readonly<Record<Name, readonly Uint8Array[]>>) {
    this.#names = names;
    const all = names.flatMap((name) => samples[name].map((sample) => ({ name, sample })));
    this.#owner = all.map(({ name }) => name);
    this.#set = new FingerprintSet(all.map(({ sample }) => sample));
  }

  look(piece: Buffer): void {
    this.#set.find(piece, this.found);
  }

  hits(): ReadonlyMap<Name, number> {
    const counts = new Map(this.#names.map((name) => [name, 0]));
    for (const at of this.found) {
      const name = this.#owner[at];
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }
}

type Samples<Name extends string> = Readonly<Record<Name, readonly Uint8Array[]>>;

/** Every file of the folder and of those below. */
export function searchFolder<Name extends string>(
  folder: string,
  names: readonly Name[],
  samples: Samples<Name>,
): ReadonlyMap<Name, number> {
  const search = new Search(names, samples);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) search.look(readFileSync(join(entry.parentPath, entry.name)));
  return search.hits();
}

/** Every byte of the volume's image, free blocks too. Unmounts it and mounts it again. */
export async function searchImage<Name extends string>(
  volume: LoopVolume,
  names: readonly Name[],
  samples: Samples<Name>,
): Promise<ReadonlyMap<Name, number>> {
  const search = new Search(names, samples);
  volume.unmount();
  await volume.eachPiece(sampleBytes - 1, (piece) => search.look(piece));
  volume.mount();
  return search.hits();
}
