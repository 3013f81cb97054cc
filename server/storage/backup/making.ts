/** Makes a backup of a checkpoint: packs, seals, writes, and reads what was written back. */
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import type { Checkpoint } from '../../ports/checkpoint-store.ts';
import { namesIn } from '../durable-files.ts';
import { backupsIn, catalogueVersion, type KeptFile, readSheet, type Sheet, stem } from './catalogue.ts';
import type { BackupTarget } from './folder-target.ts';
import { ArchiveError, type Bytes, measure, Measured, seal } from './sealing.ts';

export type Taken = Omit<Checkpoint, 'release'>;

export interface MakingParts {
  readonly taken: Taken;
  readonly recipients: readonly string[];
  /** Of lanying. */
  readonly version: string;
  /** Goes along, sealed, when it lies in the data folder; null: the operator keeps it elsewhere. */
  readonly masterKeyFile: string | null;
  /** False once something was erased: what was packed is not to be kept. */
  readonly stillHeld: () => boolean;
  /** Bytes that were sealed since the last call. */
  readonly onProgress?: (bytes: number) => void;
}

export interface Made {
  /** Null for a stream. */
  readonly name: string | null;
  readonly takenAt: number;
  /** Written now. */
  readonly bytes: number;
  readonly files: number;
  /** Of these, sealed now and not by an earlier backup. */
  readonly newFiles: number;
}

const isGone = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** The checkpoint as one tar. What is said of it inside is for whoever restores. */
async function* pack({ taken, version, masterKeyFile }: MakingParts, withFiles: boolean): Bytes {
  const { folder, commits, takenAt } = taken;
  await writeFile(join(folder, 'lanying.json'), JSON.stringify({ lanying: catalogueVersion, version, takenAt, commits }), { mode: 0o600 });
  if (masterKeyFile !== null) await copyFile(masterKeyFile, join(folder, 'master.key'));
  const names = ['lanying.json', ...(await namesIn(folder)).filter((name) => !['lanying.json', 'lock', 'files'].includes(name)).toSorted()];
  const files = withFiles ? await gather(taken) : [];
  yield* create({ cwd: folder, portable: true, strict: true }, [...names, ...files.map((name) => `files/${name}`)]);
}

/** Files beside the checkpoint, so that one tar has both. Those of uploads under way may be gone. */
async function gather({ folder, filesFolder, files }: Taken): Promise<readonly string[]> {
  await mkdir(join(folder, 'files'), { mode: 0o700 });
  const found: string[] = [];
  for (const name of files) {
    try {
      await link(join(filesFolder, name), join(folder, 'files', name)).catch(async (cause: unknown) => {
        if (isGone(cause)) throw cause;
        await copyFile(join(filesFolder, name), join(folder, 'files', name));
      });
      found.push(name);
    } catch (cause) {
      if (!isGone(cause)) throw cause;
    }
  }
  return found;
}

const erased = (): ArchiveError => new ArchiveError('changed', 'something was erased while the backup was made, so it is not kept: make it again');

async function* held(source: Bytes, stillHeld: () => boolean): Bytes {
  try {
    yield* source;
  } catch (cause) {
    throw stillHeld() ? cause : erased();
  }
  if (!stillHeld()) throw erased();
}

async function* counted(source: Bytes, onProgress: MakingParts['onProgress']): Bytes {
  for await (const chunk of source) {
    onProgress?.(chunk.length);
    yield chunk;
  }
}

/** All in one stream, files too. */
export const stream = (parts: MakingParts): Bytes => counted(seal(held(pack(parts, true), parts.stillHeld), parts.recipients), parts.onProgress);

/** Into a place of backups: files that an earlier backup there has are not sealed again. Throws ArchiveError. */
export async function makeBackup(target: BackupTarget, parts: MakingParts): Promise<Made> {
  const { taken, recipients, version } = parts;
  const name = stem(taken.takenAt);
  const { files, bytes: fileBytes, newFiles } = await keepFiles(target, parts);
  const measured = new Measured();
  const archive = `${name}.tar.age`;
  await target.put(archive, counted(measured.of(seal(held(pack(parts, false), parts.stillHeld), recipients)), parts.onProgress));
  const sha256 = measured.sha256();
  await reread(target, archive, sha256);
  if (!parts.stillHeld()) {
    await target.remove(archive);
    throw erased();
  }
  const sheet: Sheet = {
    lanying: catalogueVersion,
    version,
    takenAt: taken.takenAt,
    commits: taken.commits,
    archive: { name: archive, bytes: measured.bytes, sha256 },
    files: [...files],
  };
  // Last: without it there is no backup of that name.
  await target.put(`${name}.json`, once(Buffer.from(JSON.stringify(sheet))));
  return { name, takenAt: taken.takenAt, bytes: measured.bytes + fileBytes, files: files.length, newFiles };
}

async function* once(bytes: Uint8Array): Bytes {
  yield bytes;
}

async function reread(target: BackupTarget, name: string, sha256: string): Promise<void> {
  const found = await measure(await target.get(name));
  if (found.sha256 !== sha256) throw new ArchiveError('damaged', `what was written reads back differently: ${name}`);
}

interface Kept {
  readonly files: readonly KeptFile[];
  readonly bytes: number;
  readonly newFiles: number;
}

async function keepFiles(target: BackupTarget, parts: MakingParts): Promise<Kept> {
  const last = (await backupsIn(target)).at(-1);
  const there = new Set(await target.list('files/'));
  const known = new Map((last === undefined ? [] : (await readSheet(target, last)).files).map((file) => [`${file.name} ${file.bytes} ${file.modifiedMs}`, file]));
  const files: KeptFile[] = [];
  let [bytes, newFiles] = [0, 0];
  for (const name of parts.taken.files) {
    const path = join(parts.taken.filesFolder, name);
    try {
      const { size, mtimeMs } = await stat(path);
      const before = known.get(`${name} ${size} ${mtimeMs}`);
      if (before !== undefined && there.has(before.kept)) {
        files.push(before);
        continue;
      }
      const kept = await keepFile(target, parts, { name, path, size, mtimeMs });
      files.push(kept);
      bytes += kept.keptBytes;
      newFiles += 1;
    } catch (cause) {
      if (!isGone(cause)) throw cause;
      // Of an upload that ended meanwhile without being whole; or an erasure took it.
      if (!parts.stillHeld()) throw erased();
    }
  }
  return { files, bytes, newFiles };
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

async function keepFile(target: BackupTarget, { recipients, onProgress }: MakingParts, { name, path, size, mtimeMs }: Found): Promise<KeptFile> {
  const [plain, sealed] = [new Measured(), new Measured()];
  const kept = `${name}-${size.toString(36)}${Math.floor(mtimeMs).toString(36)}.age`;
  // An upload under way may grow meanwhile: what was there counts.
  const source = size === 0 ? once(new Uint8Array(0)) : createReadStream(path, { end: size - 1, highWaterMark: 256 * 1024 });
  await target.put(`files/${kept}`, counted(sealed.of(seal(plain.of(source), recipients)), onProgress));
  const [sha256, keptSha256] = [plain.sha256(), sealed.sha256()];
  await reread(target, `files/${kept}`, keptSha256);
  return { name, bytes: plain.bytes, sha256, modifiedMs: mtimeMs, kept, keptBytes: sealed.bytes, keptSha256 };
}
