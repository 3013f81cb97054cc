/** Looks for many fingerprints at once in the files of a folder, a piece at a time. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pause } from '../../ports/retention-store.ts';
import { fingerprintBytes } from './erased-records.ts';

export interface ScanResult {
  readonly files: number;
  readonly bytes: number;
  /** Places in the given list. */
  readonly found: ReadonlySet<number>;
}

const pieceBytes = 512 * 1024;
const filterBits = 1 << 24;

/** A set of fingerprints: a bitmap over three bytes sorts out nearly all places of a file. */
export class FingerprintSet {
  readonly #filter = new Uint8Array(filterBits / 8);
  readonly #places = new Map<string, number>();

  constructor(fingerprints: readonly Uint8Array[]) {
    for (const [place, bytes] of fingerprints.entries()) {
      const word = ((bytes[0] ?? 0) << 16) | ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
      this.#filter[word >> 3] = (this.#filter[word >> 3] ?? 0) | (1 << (word & 7));
      this.#places.set(Buffer.from(bytes).toString('latin1'), place);
    }
  }

  /** Adds the places of those that `piece` holds whole. */
  find(piece: Buffer, found: Set<number>): void {
    if (this.#places.size === 0) return;
    let word = ((piece[0] ?? 0) << 8) | (piece[1] ?? 0);
    for (let at = 2; at < piece.length; at += 1) {
      word = ((word << 8) | (piece[at] ?? 0)) & 0xffffff;
      if (((this.#filter[word >> 3] ?? 0) & (1 << (word & 7))) === 0) continue;
      const place = this.#places.get(piece.toString('latin1', at - 2, at - 2 + fingerprintBytes));
      if (place !== undefined) found.add(place);
    }
  }
}

/**
 * Every file of the folder but LevelDB's own lock, which must not be opened (notes on LevelDB). Files that appear while
 * this reads are read too; one that goes away meanwhile holds nothing any more.
 */
export async function scanFolder(
  folder: string,
  fingerprints: readonly Uint8Array[],
  pause: Pause,
): Promise<ScanResult> {
  const wanted = new FingerprintSet(fingerprints);
  const found = new Set<number>();
  /** How far each file was read: the present log grows. */
  const read = new Map<string, number>();
  for (let round = 0; round < 8; round += 1) {
    let more = false;
    for (const name of await readdir(folder)) {
      if (name === 'LOCK') continue;
      const path = join(folder, name);
      const from = read.get(path) ?? 0;
      const length = await lengthOf(path);
      if (length === null || (read.has(path) && length <= from)) continue;
      more ||= !read.has(path);
      read.set(path, await scanFile(path, Math.max(0, from - fingerprintBytes), wanted, found, pause));
    }
    if (!more) break;
  }
  return { files: read.size, bytes: [...read.values()].reduce((sum, length) => sum + length, 0), found };
}

/** Resolves to how far it read. */
async function scanFile(
  path: string,
  from: number,
  wanted: FingerprintSet,
  found: Set<number>,
  pause: Pause,
): Promise<number> {
  const file = await open(path, 'r').catch(goneIsNull);
  if (file === null) return 0;
  try {
    const piece = Buffer.alloc(pieceBytes);
    let at = from;
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes, at);
      wanted.find(piece.subarray(0, bytesRead), found);
      if (bytesRead < pieceBytes) return at + bytesRead;
      // What a border of pieces cuts is whole in the next one.
      at += pieceBytes - fingerprintBytes;
      await pause();
    }
  } finally {
    await file.close();
  }
}

const goneIsNull = (cause: unknown): null => {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
  throw cause;
};

async function lengthOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(goneIsNull);
  return found?.isFile() === true ? found.size : null;
}
