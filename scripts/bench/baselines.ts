/** What the same work costs without lanying: the floor that each row is compared with. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';

/**
 * A bare classic-level loop with group commit: one synced batch in flight, the rest queued, at most 128 a batch.
 * Returns acknowledged writes a second.
 */
export async function bareGroupCommit(writes: number, writers: number, valueBytes: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'lanying-bench-'));
  const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.open();
  const queue: { readonly value: Buffer; readonly done: () => void }[] = [];
  let busy = false;
  let sequence = 0n;
  const flush = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (queue.length > 0) {
      const taken = queue.splice(0, 128);
      const operations = taken.map(({ value }) => {
        const key = Buffer.alloc(8);
        key.writeBigUInt64BE(sequence++);
        return { type: 'put' as const, key, value };
      });
      await db.batch(operations, { sync: true });
      for (const { done } of taken) done();
    }
    busy = false;
  };
  const put = (value: Buffer): Promise<void> =>
    new Promise((resolve) => {
      queue.push({ value, done: resolve });
      void flush();
    });
  const value = randomBytes(valueBytes);
  let left = writes;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (left-- > 0) await put(value);
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  await db.close();
  await rm(folder, { recursive: true });
  return writes / seconds;
}
