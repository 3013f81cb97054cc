/**
 * Room on the disk of the data folder. Under the floor nothing is written any more, so that LevelDB never meets the end
 * of the disk (after that its log is misaligned, and a crash loses what it acknowledged since). The reserve file keeps
 * room that opening a store after a crash needs.
 */
import { open, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

const mebibyte = 1024 * 1024;
const floorBytesMax = 256 * mebibyte;
/** Reading a full log back (16 MiB) writes it out as tables. */
const reserveBytesMax = 64 * mebibyte;

export interface Room {
  readonly free: number;
  /** Under it nothing is written. */
  readonly floor: number;
  /** From here on writing goes on: a little above the floor, so that it does not flap. */
  readonly resume: number;
  readonly reserve: number;
}

const reservePath = (folder: string): string => join(folder, 'store-reserve');

/** Bytes that this process may still use on the folder's volume, and what that means. */
export async function roomOf(folder: string): Promise<Room> {
  const { bavail, bsize, blocks } = await statfs(folder);
  const total = blocks * bsize;
  const floor = Math.min(floorBytesMax, Math.floor(total / 20));
  return {
    free: bavail * bsize,
    floor,
    resume: floor + Math.floor(floor / 4),
    reserve: Math.min(reserveBytesMax, Math.floor(total / 50)),
  };
}

/** Makes the reserve when it is not whole and there is room for it above `resume`. True when it is there. */
export async function fillReserve(folder: string, room: Room): Promise<boolean> {
  const path = reservePath(folder);
  const there = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  if (there >= room.reserve) return true;
  if (room.free < room.resume + room.reserve) return false;
  const file = await open(path, 'w', 0o600);
  try {
    const zeros = new Uint8Array(mebibyte);
    for (let at = 0; at < room.reserve; at += mebibyte)
      await file.write(zeros, 0, Math.min(mebibyte, room.reserve - at));
    await file.sync();
  } finally {
    await file.close();
  }
  return true;
}

/** False when there was none. */
export async function releaseReserve(folder: string): Promise<boolean> {
  try {
    await rm(reservePath(folder));
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw cause;
  }
}

/** The disk or the quota is full, as Node or LevelDB says it (LevelDB: only in words, from strerror). */
export function saysFull(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) return true;
  return /No space left on device|Disk quota exceeded/.test(cause.message) || saysFull(cause.cause);
}

/** The disk failed a read, a write or a sync, as Node or LevelDB says it. */
export function saysFailed(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ('code' in cause && cause.code === 'EIO') return true;
  return /Input\/output error/.test(cause.message) || saysFailed(cause.cause);
}
