/** Every byte of every file that the server can check: keys, tags, lengths and the digest that the upload ended with. */
import { join } from 'node:path';
import { isWhole } from '../../ports/blob-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { namesIn } from '../durable-files.ts';
import type { Access } from '../level/access.ts';
import type { StoredFile } from '../level/file-tables.ts';
import { chunkBytes, chunkIndexOf } from './chunks.ts';
import { FileFolder, type OpenFile } from './file-folder.ts';
import { FileRecords } from './file-records.ts';
import { DiskReading } from './reading.ts';

const pageFiles = 100;

export interface CheckedFiles {
  readonly files: number;
  /** Of content. */
  readonly bytes: number;
}

/** The folder must be nobody else's. Reads everything; changes nothing. */
export async function checkFiles(
  access: Access,
  dataFolder: string,
  note: (family: string, what: string) => void,
): Promise<CheckedFiles> {
  const records = new FileRecords(access);
  const folder = new FileFolder(
    dataFolder,
    (length) => access.runtime.random(length),
    () => undefined,
  );
  const known = new Set<string>();
  let [files, bytes] = [0, 0];
  for (let after: string | null = null, more = true; more;) {
    const page: Awaited<ReturnType<FileRecords['walkAll']>> = await records.walkAll(after, pageFiles);
    for (const file of page.files) {
      known.add(Buffer.from(records.placeOf(file.fileId)).toString('hex'));
      files += 1;
      bytes += file.offset;
      try {
        if (file.offset > 0 && !file.erasing) await checkFile(file, records, folder);
      } catch (cause) {
        if (!(cause instanceof CorruptionError)) throw cause;
        note(cause.family, cause.message);
      }
    }
    after = page.next;
    more = after !== null;
  }
  for (const name of await namesIn(join(dataFolder, 'files')))
    if (!known.has(name)) note('files', 'a file in the folder of files belongs to no record');
  return { files, bytes };
}

async function checkFile(file: StoredFile, records: FileRecords, folder: FileFolder): Promise<void> {
  const open = await folder.open(records.placeOf(file.fileId), await records.headers(file, false), 'r');
  const whole = isWhole(file);
  // Of an upload under way what lies behind its last durable chunk is not told to anybody.
  const size = whole ? file.size : file.offset - (file.offset % chunkBytes);
  const reading = new DiskReading({ file: { ...file, size }, open, ended: () => undefined });
  try {
    await reading.verify();
    if (!whole) await checkTail(file, open, records);
  } finally {
    await reading.close();
  }
}

async function checkTail(file: StoredFile, { cipher }: OpenFile, records: FileRecords): Promise<void> {
  const length = file.offset % chunkBytes;
  const sealed = length === 0 ? null : await records.tailOf(file.fileId);
  const found = sealed === null ? 0 : cipher.open(chunkIndexOf(file.offset), sealed).length;
  if (found !== length) throw new CorruptionError('files', 'the end of an upload is not as its record says');
}
