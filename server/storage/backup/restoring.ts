/**
 * Puts a backup into an empty data folder: unpacked into `restoring/` there, all of it looked at, and only then moved to
 * its places, `store-made` last. While `restoring/` is there no server starts on the folder.
 */
import { createWriteStream } from 'node:fs';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import * as v from 'valibot';
import { namesIn, syncFolder } from '../durable-files.ts';
import { backupsIn, catalogueVersion, type KeptFile, readSheet } from './catalogue.ts';
import type { BackupTarget } from './folder-target.ts';
import { ArchiveError, type Bytes, Measured, unseal } from './sealing.ts';

export const restoringFolder = (dataFolder: string): string => join(dataFolder, 'restoring');

/** A restore into the folder was begun and not finished. */
export const isRestoring = (dataFolder: string): Promise<boolean> => isThere(restoringFolder(dataFolder));

/** What an archive may hold; anything else is not of lanying's making. */
const expected = /^(?:lanying\.json|purged|store-made|store-witness|master\.key|keys\/kek|store\/[A-Za-z0-9.-]+|files\/[0-9a-f]{32})$/;
const folders = /^(?:keys|store|files)\/?$/;
/** What may lie in a folder that is to be restored into. */
const mayBeThere = new Set(['lost+found', 'lock', 'master.key', 'purged', 'restoring', 'control.sock', 'last-backup']);

const About = v.looseObject({ lanying: v.number(), version: v.string(), takenAt: v.number(), commits: v.number() });
export type About = v.InferOutput<typeof About>;

/** Throws ArchiveError('changed') when the folder holds something that a restore would mix with. */
export async function assertRestorable(dataFolder: string): Promise<void> {
  const found = (await namesIn(dataFolder)).filter((name) => !mayBeThere.has(name));
  if (found.length > 0) throw new ArchiveError('changed', `the data folder is not empty (${found.slice(0, 3).join(', ')}): restore into a new one, or move it away`);
}

/** An archive with everything in it, from a stream. Throws ArchiveError. Leaves `restoring/` on failure: the next try begins anew. */
export async function unpackStream(archive: Bytes, identities: string, dataFolder: string): Promise<About> {
  const folder = await begin(dataFolder);
  await unpack(unseal(archive, identities), folder);
  return aboutOf(folder);
}

/** The backup of that name, or the newest. Throws ArchiveError. */
export async function unpackFrom(
  target: BackupTarget,
  named: string | null,
  identities: string,
  { dataFolder, onProgress }: { readonly dataFolder: string; readonly onProgress?: (bytes: number) => void },
): Promise<About> {
  const names = await backupsIn(target);
  const name = named ?? names.at(-1);
  if (name === undefined) throw new ArchiveError('missing', 'there is no backup');
  if (!names.includes(name)) throw new ArchiveError('missing', `there is no backup of that name; the newest are ${names.slice(-3).join(', ') || 'none'}`);
  const sheet = await readSheet(target, name);
  const folder = await begin(dataFolder);
  await whole(sheet.archive, await target.get(sheet.archive.name), (sealed) => unpack(unseal(tell(sealed, onProgress), identities), folder));
  await mkdir(join(folder, 'files'), { recursive: true, mode: 0o700 });
  for (const file of sheet.files) await unpackFile(target, file, { identities, folder, onProgress });
  return aboutOf(folder);
}

async function* tell(source: Bytes, onProgress: ((bytes: number) => void) | undefined): Bytes {
  for await (const chunk of source) {
    onProgress?.(chunk.length);
    yield chunk;
  }
}

async function begin(dataFolder: string): Promise<string> {
  const folder = restoringFolder(dataFolder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(dataFolder);
  return folder;
}

/** Compares what went by with what was written down. */
async function whole(is: { readonly bytes: number; readonly sha256: string }, source: Bytes, work: (source: Bytes) => Promise<void>): Promise<void> {
  const measured = new Measured();
  await work(measured.of(source));
  if (measured.bytes !== is.bytes || measured.sha256() !== is.sha256) throw new ArchiveError('damaged', 'the archive is not as it was written');
}

async function unpack(plain: Bytes, folder: string): Promise<void> {
  let foreign: string | null = null;
  const sink = extract({
    cwd: folder,
    strict: true,
    preserveOwner: false,
    filter: (path, entry) => {
      const isFile = 'type' in entry && (entry.type === 'File' || entry.type === 'OldFile') && expected.test(path);
      const isFolder = 'type' in entry && entry.type === 'Directory' && folders.test(path);
      if (!isFile && !isFolder) foreign ??= path;
      return isFile || isFolder;
    },
  });
  try {
    await pipeline(Readable.from(asBuffers(plain)), sink);
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError('damaged', `the archive cannot be unpacked (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
  }
  if (foreign !== null) throw new ArchiveError('foreign', 'the archive holds what no backup of lanying holds');
}

/** The unpacker asks for methods of Buffer. */
async function* asBuffers(source: Bytes): AsyncIterable<Buffer> {
  for await (const { buffer, byteOffset, byteLength } of source) yield Buffer.from(buffer, byteOffset, byteLength);
}

async function unpackFile(
  target: BackupTarget,
  file: KeptFile,
  { identities, folder, onProgress }: { readonly identities: string; readonly folder: string; readonly onProgress: ((bytes: number) => void) | undefined },
): Promise<void> {
  const plain = new Measured();
  const sealed = await target.get(`files/${file.kept}`);
  await whole({ bytes: file.keptBytes, sha256: file.keptSha256 }, sealed, (source) =>
    pipeline(plain.of(unseal(tell(source, onProgress), identities)), createWriteStream(join(folder, 'files', file.name), { mode: 0o600 })),
  );
  if (plain.sha256() !== file.sha256) throw new ArchiveError('damaged', 'a file is not as it was');
}

async function aboutOf(folder: string): Promise<About> {
  try {
    const about = v.parse(About, JSON.parse(await readFile(join(folder, 'lanying.json'), 'utf8')));
    if (about.lanying > catalogueVersion) throw new ArchiveError('newer', `made by a later version of lanying (${about.version})`);
    return about;
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause;
    throw new ArchiveError('foreign', 'the archive is no backup of lanying', { cause });
  }
}

/** Moves what was looked at to its places; `purged` and a master key that are there already stay. */
export async function settle(dataFolder: string): Promise<void> {
  const folder = restoringFolder(dataFolder);
  await rm(join(folder, 'lock'), { recursive: true, force: true });
  const names = (await namesIn(folder)).filter((name) => name !== 'lanying.json' && name !== 'store-made');
  for (const name of names) {
    if (await isThere(join(dataFolder, name))) continue;
    await rename(join(folder, name), join(dataFolder, name));
  }
  await syncFolder(dataFolder);
  await rename(join(folder, 'store-made'), join(dataFolder, 'store-made'));
  await syncFolder(dataFolder);
  await rm(folder, { recursive: true });
  await syncFolder(dataFolder);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
