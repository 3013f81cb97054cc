/** Signed tree heads, appended to a file one after the other; best on another disk or mount. */
import { type FileHandle, open } from 'node:fs/promises';
import type { HeadSink } from '../../ports/audit-store.ts';

const tailBytes = 8 * 1024;
const wholeNote = /\n— [^\n]+\n$/u;

export class HeadFile implements HeadSink {
  readonly name = 'file';
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when it is on disk. What a power cut left of an earlier note is taken away first. */
  async deliver(checkpoint: string): Promise<void> {
    const file = await open(this.#path, 'a+', 0o600);
    try {
      await dropTorn(file);
      await file.appendFile(checkpoint);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

async function dropTorn(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const start = Math.max(0, size - tailBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const tail = buffer.subarray(0, bytesRead).toString('utf8');
  if (size === 0 || wholeNote.test(tail)) return;
  const ends = [...tail.matchAll(/\n— [^\n]+\n/gu)].map((match) => match.index + match[0].length);
  const last = ends.at(-1);
  if (last === undefined && start > 0) throw new Error('the file of tree heads holds something else');
  await file.truncate(start + Buffer.byteLength(tail.slice(0, last ?? 0)));
}
