/** A bare classic-level with group commit: one synced batch under way, the rest queued, at most 128 a batch. */
import { rm } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';

const perBatch = 128;

export class GroupCommit {
  readonly #db: ClassicLevel<Buffer, Buffer>;
  readonly #folder: string;
  readonly #queue: { readonly value: Buffer; readonly done: () => void }[] = [];
  #busy = false;
  #sequence = 0n;

  private constructor(db: ClassicLevel<Buffer, Buffer>, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }

  /** `folder` is removed by `close`. */
  static async open(folder: string): Promise<GroupCommit> {
    const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await db.open();
    return new GroupCommit(db, folder);
  }

  put(value: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ value, done: resolve });
      void this.#flush();
    });
  }

  /** Values read back in order; resolves with how many. */
  async read(): Promise<number> {
    let found = 0;
    for await (const [, value] of this.#db.iterator()) found += value.length > 0 ? 1 : 0;
    return found;
  }

  async close(): Promise<void> {
    await this.#db.close();
    await rm(this.#folder, { recursive: true });
  }

  async #flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#queue.length > 0) {
      const taken = this.#queue.splice(0, perBatch);
      const operations = taken.map(({ value }) => {
        const key = Buffer.alloc(8);
        key.writeBigUInt64BE(this.#sequence++);
        return { type: 'put' as const, key, value };
      });
      await this.#db.batch(operations, { sync: true });
      for (const { done } of taken) done();
    }
    this.#busy = false;
  }
}
