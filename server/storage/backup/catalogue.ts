/**
 * What a place of backups holds:
 *   lanying-<time>.tar.age   a checkpoint of the store: tar, then age
 *   lanying-<time>.json      beside it what belongs to it, readable without a key: names, sizes and digests, no content
 *   files/<name>-….age       a file (blob), sealed once and shared by all backups that have it
 */
import * as v from 'valibot';
import type { BackupTarget } from './folder-target.ts';
import { ArchiveError } from './sealing.ts';

export const catalogueVersion = 1;
const sheetBytesMax = 256 * 1024 * 1024;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const FileName = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

const KeptFile = v.strictObject({
  /** Name in the folder of files. */
  name: FileName,
  bytes: Count,
  /** Of the unsealed file. */
  sha256: Digest,
  modifiedMs: v.number(),
  /** Below `files/`. */
  kept: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}-[0-9a-z]+\.age$/)),
  keptBytes: Count,
  keptSha256: Digest,
});
export type KeptFile = v.InferOutput<typeof KeptFile>;

const Sheet = v.strictObject({
  lanying: v.literal(catalogueVersion),
  version: v.string(),
  takenAt: Count,
  commits: Count,
  archive: v.strictObject({ name: v.string(), bytes: Count, sha256: Digest }),
  files: v.array(KeptFile),
});
export type Sheet = v.InferOutput<typeof Sheet>;

const sheetName = /^lanying-\d{8}T\d{6}\.\d{3}Z\.json$/;

/** Sorts by time. */
export const stem = (takenAt: number): string => `lanying-${new Date(takenAt).toISOString().replaceAll(/[-:]/g, '')}`;

/** Names of the backups that are there, oldest first; half-written ones have no sheet. */
export async function backupsIn(target: BackupTarget): Promise<readonly string[]> {
  const names = (await target.list('')).filter((name) => sheetName.test(name));
  return names.map((name) => name.slice(0, -'.json'.length)).toSorted();
}

/** Throws ArchiveError: `missing`, `damaged`, `newer`. */
export async function readSheet(target: BackupTarget, name: string): Promise<Sheet> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of await target.get(`${name}.json`)) {
    bytes += chunk.length;
    if (bytes > sheetBytesMax) throw new ArchiveError('damaged', `too large: ${name}.json`);
    chunks.push(chunk);
  }
  const parsed = v.safeParse(Sheet, asJson(Buffer.concat(chunks).toString('utf8')));
  if (parsed.success) return parsed.output;
  const version = v.safeParse(v.looseObject({ lanying: v.number() }), asJson(Buffer.concat(chunks).toString('utf8')));
  if (version.success && version.output.lanying > catalogueVersion)
    throw new ArchiveError('newer', `made by a later version of lanying: ${name}`);
  throw new ArchiveError('damaged', `${name}.json is not as it was written`);
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keeps the newest `keep` backups; takes away the others and the files that none of the kept ones has. */
export async function rotate(target: BackupTarget, keep: number): Promise<number> {
  const names = await backupsIn(target);
  const old = names.slice(0, Math.max(0, names.length - keep));
  for (const name of old) {
    // The sheet first: what has none is no backup.
    await target.remove(`${name}.json`);
    await target.remove(`${name}.tar.age`);
  }
  if (old.length === 0) return 0;
  const needed = new Set<string>();
  for (const name of names.slice(old.length)) for (const file of (await readSheet(target, name)).files) needed.add(file.kept);
  for (const kept of await target.list('files/')) if (!needed.has(kept)) await target.remove(`files/${kept}`);
  return old.length;
}
