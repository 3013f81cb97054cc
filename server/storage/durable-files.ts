/** Small files beside the database that a power cut leaves whole, and folders whose names are durable. */
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreFailure } from '../ports/store.ts';

/** Null when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

/** Empty when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw cause;
  }
}

/** [Z3] After a sync that failed, whatever the reason, nobody knows what is on disk. Rejects with StoreFailure alone. */
async function surely(what: string, sync: () => Promise<void>): Promise<void> {
  try {
    await sync();
  } catch (cause) {
    throw new StoreFailure(`syncing ${what} failed`, { cause });
  }
}

/** Readable by the owner alone; there whole or not at all after a power cut. Makes its folder. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = await open(`${path}.new`, 'w', 0o600);
  try {
    await draft.writeFile(bytes);
    await surely('a small file', () => draft.sync());
  } finally {
    await draft.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(dirname(path));
}

/** Names that were made in it or taken away are durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await surely('a folder', () => folder.sync());
  } finally {
    await folder.close();
  }
}

/** Writes and syncs from `at` on; what was behind is cut off. */
export async function writeAt(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, at === 0 ? 'w' : 'r+', 0o600);
  try {
    await file.truncate(at);
    for (let done = 0; done < bytes.length;) {
      done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    }
    await surely('a small file', () => file.sync());
  } finally {
    await file.close();
  }
}
