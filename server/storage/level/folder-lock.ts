/**
 * One process, one data folder. LevelDB's own lock is lost when the same process opens the store twice or reads the
 * lock file, so this one keeps such openers away before they come near it.
 *
 * The lock is the file with the highest number in `<folder>/lock/`. It names its holder: process id, boot id of the
 * machine and start time of the process. To take the lock a process creates the next number, which only one can do;
 * then it looks again whether its number is the highest. Releasing empties the file: numbers never go back, so a slow
 * rival cannot take a number that was in force before. A holder that was killed is recognised by its process being
 * gone, a reused process id by its start time, a power cut by the boot id. A process in another container is not seen
 * here, and its lock is taken from it; LevelDB's lock then still refuses whoever comes second (opening.ts).
 */
import { readFileSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, realpath, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError';
  constructor(
    readonly folder: string,
    /** Process that holds the folder; null for one that is not seen from here, as in another container. */
    readonly processId: number | null,
  ) {
    const holder = processId === null ? 'a process of another container' : `process ${processId}`;
    super(`the data folder is in use by ${holder}: ${folder}`);
  }
}

export interface FolderLock {
  release(): Promise<void>;
}

const Holder = v.strictObject({ processId: v.number(), bootId: v.string(), startedAt: v.string() });
type Holder = v.InferOutput<typeof Holder>;

/** By device and inode: a folder has many names (links, bind mounts), and a LevelDB lock is lost when its own process opens it again under another one. */
const heldHere = new Set<string>();

/** Throws FolderLockedError when this process or another living one has the folder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = await realpath(folder);
  const { dev, ino } = await stat(path, { bigint: true });
  const held = `${dev}:${ino}`;
  if (heldHere.has(held)) throw new FolderLockedError(folder, process.pid);
  heldHere.add(held);
  try {
    const file = await take(join(path, 'lock'), folder);
    return {
      release: async () => {
        if (!heldHere.has(held)) return;
        // Gone when a process of another container took the lock.
        await ignoring('ENOENT', truncate(file));
        heldHere.delete(held);
      },
    };
  } catch (cause) {
    heldHere.delete(held);
    throw cause;
  }
}

async function take(locks: string, folder: string): Promise<string> {
  await mkdir(locks, { recursive: true, mode: 0o700 });
  const draft = join(locks, `draft-${process.pid}-${heldHere.size}`);
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(self()));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A lost race means that somebody else made the next number: look at them then.
    for (;;) {
      const last = (await numbers(locks)).at(-1) ?? 0;
      await refuseLiving(join(locks, String(last)), folder);
      const own = last + 1;
      if (!(await linkNew(draft, join(locks, String(own))))) continue;
      const there = await numbers(locks);
      if (there.at(-1) === own) {
        await Promise.all(
          there.filter((number) => number < own).map((number) => unlinkIfThere(join(locks, String(number)))),
        );
        return join(locks, String(own));
      }
      await unlinkIfThere(join(locks, String(own)));
    }
  } finally {
    await unlink(draft);
  }
}

async function numbers(locks: string): Promise<readonly number[]> {
  const names = await readdir(locks);
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .toSorted((one, other) => one - other);
}

async function refuseLiving(path: string, folder: string): Promise<void> {
  const holder = parseHolder(await ignoring('ENOENT', readFile(path, 'utf8')));
  if (holder !== null && lives(holder)) throw new FolderLockedError(folder, holder.processId);
}

/** Null for a released lock, and for one that a power cut left empty. */
function parseHolder(written: string | null): Holder | null {
  if (written === null || written === '') return null;
  try {
    const parsed = v.safeParse(Holder, JSON.parse(written));
    return parsed.success ? parsed.output : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function lives(holder: Holder): boolean {
  if (holder.bootId !== bootId()) return false;
  // Our own id in a lock that this process does not hold: an earlier process had it (the first one of a container).
  if (holder.processId === process.pid) return false;
  const started = startedAt(holder.processId);
  if (started !== null) return started === holder.startedAt;
  if (process.platform === 'linux') return false;
  try {
    return process.kill(holder.processId, 0);
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}

const self = (): Holder => ({ processId: process.pid, bootId: bootId(), startedAt: startedAt(process.pid) ?? '' });

function bootId(): string {
  return readSystemFile('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** Start time in clock ticks since boot (proc(5), field 22 of stat); null when there is no such process or no /proc. */
function startedAt(processId: number): string | null {
  const status = readSystemFile(`/proc/${processId}/stat`);
  // The second field is the command in parentheses and may itself contain spaces and parentheses.
  const fields = status?.slice(status.lastIndexOf(')') + 2).split(' ');
  // A killed process whose parent has not asked for its fate yet (state Z) holds nothing any more.
  return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ESRCH')) return null;
    throw cause;
  }
}

/** False when the name is taken. */
async function linkNew(existing: string, name: string): Promise<boolean> {
  return (
    (await ignoring(
      'EEXIST',
      link(existing, name).then(() => true),
    )) ?? false
  );
}

async function unlinkIfThere(path: string): Promise<void> {
  await ignoring('ENOENT', unlink(path));
}

/** Null when the operation fails with just that code. */
async function ignoring<T>(code: string, operation: Promise<T>): Promise<T | null> {
  try {
    return await operation;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === code) return null;
    throw cause;
  }
}
