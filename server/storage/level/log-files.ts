/**
 * LevelDB's log files (.log and MANIFEST) before LevelDB reads them: it drops what it finds damaged there without a
 * word. Format: blocks of 32 KiB; records of checksum 4 · length 2 · type 1 · payload, little-endian, cut into
 * fragments at block borders (LevelDB, doc/log_format.md).
 *
 * Only one batch is under way at a time and each is synced before the next begins, so what a crash or a power cut leaves
 * unfinished is the last batch and nothing follows it. Damage that a later batch follows is not from a crash.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptionError } from '../../ports/store.ts';
import { crc32c } from './crc32c.ts';

const blockBytes = 32_768;
const headerBytes = 7;
const types = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** `torn`: the last record is unfinished or damaged, and nothing follows it. */
export type LogHealth = 'whole' | 'torn' | 'damaged';

interface Record {
  readonly type: number;
  readonly end: number;
}

export function logHealth(file: Uint8Array): LogHealth {
  let at = 0;
  let open = false;
  let lost = false;
  while (at + headerBytes <= file.length) {
    const blockEnd = Math.min(file.length, (Math.floor(at / blockBytes) + 1) * blockBytes);
    if (blockEnd - at < headerBytes) {
      at = blockEnd;
      continue;
    }
    const record = recordAt(file, at, blockEnd) ?? resynchronised(file, at + 1, blockEnd);
    if (record === null) {
      lost = true;
      open = false;
      at = blockEnd;
      continue;
    }
    if (record.skipped > 0) {
      lost = true;
      open = false;
    }
    const begins = record.type === types.full || record.type === types.first;
    // A batch that begins behind a lost one, or inside one that never ended.
    if (begins && (lost || open)) return 'damaged';
    if (!begins && !open && !lost) return 'damaged';
    if (!lost) open = record.type === types.first || record.type === types.middle;
    at = record.end;
  }
  return lost || open || at < file.length ? 'torn' : 'whole';
}

function recordAt(file: Uint8Array, at: number, blockEnd: number): (Record & { readonly skipped: number }) | null {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getUint16(at + 4, true);
  const type = file[at + 6] ?? 0;
  const end = at + headerBytes + length;
  if (type < types.full || type > types.last || end > blockEnd) return null;
  if (unmasked(view.getUint32(at, true)) !== crc32c(file, at + 6, end)) return null;
  return { type, end, skipped: 0 };
}

/** The next good record of the block: a damaged length says nothing about where it begins. */
function resynchronised(
  file: Uint8Array,
  from: number,
  blockEnd: number,
): (Record & { readonly skipped: number }) | null {
  for (let at = from; at + headerBytes < blockEnd; at += 1) {
    const record = recordAt(file, at, blockEnd);
    if (record !== null) return { ...record, skipped: at - from + 1 };
  }
  return null;
}

/** LevelDB stores checksums rotated and shifted (util/crc32c.h). */
function unmasked(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/**
 * Looks at CURRENT, MANIFEST and the logs of a closed store. `clean`: it was closed in order, so that nothing may be
 * unfinished. Throws CorruptionError('store') naming the file.
 */
export async function checkLogFiles(folder: string, clean: boolean): Promise<void> {
  const names = await readdir(folder);
  if (!names.includes('CURRENT')) throw new CorruptionError('store', 'the LevelDB folder has lost its CURRENT file');
  const current = await readFile(join(folder, 'CURRENT'), 'latin1');
  const manifest = /^(MANIFEST-[0-9]{6,})\n$/.exec(current)?.[1];
  if (manifest === undefined || !names.includes(manifest))
    throw new CorruptionError('store', 'CURRENT does not name a MANIFEST file that is there');
  for (const name of [manifest, ...names.filter((each) => each.endsWith('.log'))]) {
    const health = logHealth(await readFile(join(folder, name)));
    if (health === 'damaged' || (health === 'torn' && clean))
      throw new CorruptionError('store', `${name} is damaged, and LevelDB would drop records without a word`);
  }
}
