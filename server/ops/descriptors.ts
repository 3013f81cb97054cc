/** How many files and connections this process may have open. */
import { readFileSync } from 'node:fs';

/** LevelDB keeps up to 1,000 tables open, uploads and downloads one file each, and there are logs and pipes. */
const reserve = 1_536;

/** Node raises the soft limit to the hard one when it starts. Null where the system does not tell (not Linux). */
export function descriptorsMax(
  limits: () => string = () => readFileSync('/proc/self/limits', 'latin1'),
): number | null {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits())?.[1];
    if (soft === undefined) return null;
    return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
  } catch {
    // No /proc: a bound of our own stands in.
    return null;
  }
}

/** Connections beyond it are closed at once; for a small limit half of it. */
export const connectionsMaxOf = (descriptors: number | null): number =>
  descriptors === null ? 8_192 : Math.max(Math.floor(descriptors / 2), descriptors - reserve);
