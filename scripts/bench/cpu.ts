/** CPU time of a process, all its threads, from Linux' /proc; NaN elsewhere. */
import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** Seconds in user and system mode since it began (proc(5), fields 14 and 15 of stat). */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

function statusBytes(pid: number, name: string): number {
  try {
    const line = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** Resident bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, 'VmRSS');

/** Bytes that the process itself made, wherever they are: pages of its program come and go as the kernel likes. */
export const anonymousBytes = (pid: number): number => statusBytes(pid, 'RssAnon') + statusBytes(pid, 'VmSwap');
