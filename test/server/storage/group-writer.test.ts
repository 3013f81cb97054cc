import { describe, expect, it } from 'vitest';
import { StoreFailure } from '../../../server/ports/store.ts';
import { GroupWriter, type Operation } from '../../../server/storage/level/group-writer.ts';
import { bytesOf, change, LogWriter, roster } from '../../contract/people.ts';
import { LevelFolder } from './level-folder.ts';

const put = (name: number): Operation => ({
  type: 'put',
  key: Uint8Array.of(name >> 8, name & 255),
  value: bytesOf('value', 8),
});

/** A disk that finishes a write only when it is told to. */
class SlowDisk {
  readonly written: (readonly Operation[])[] = [];
  #finish: { readonly done: () => void; readonly fail: (cause: Error) => void } | null = null;

  readonly write = (operations: readonly Operation[]): Promise<void> => {
    if (this.#finish !== null) throw new Error('two writes at once');
    this.written.push(operations);
    return new Promise((done, fail) => {
      this.#finish = { done, fail };
    });
  };

  async finish(failure: Error | null = null): Promise<void> {
    const finish = this.#finish;
    if (finish === null) throw new Error('nothing is being written');
    this.#finish = null;
    if (failure === null) finish.done();
    else finish.fail(failure);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('group commit', () => {
  it('[L5] writes one batch at a time and acknowledges after it, everybody in it at once', async () => {
    const disk = new SlowDisk();
    const writer = new GroupWriter(disk.write);
    const done: number[] = [];
    const submit = (name: number): void => void writer.submit([put(name)]).then(() => done.push(name));
    submit(1);
    submit(2);
    await new Promise((resolve) => setImmediate(resolve));
    submit(3);
    submit(4);
    expect(disk.written).toEqual([[put(1), put(2)]]);
    expect(done).toEqual([]);
    await disk.finish();
    expect(done).toEqual([1, 2]);
    expect(disk.written[1]).toEqual([put(3), put(4)]);
    await disk.finish();
    expect(done).toEqual([1, 2, 3, 4]);
    expect(writer.counts).toEqual({ batches: 2, submissions: 4 });
  });

  it('bounds a batch without splitting what was submitted together', async () => {
    const disk = new SlowDisk();
    const writer = new GroupWriter(disk.write);
    const sizes = [100, 20, 20, 300, 1];
    const all = Promise.all(sizes.map((size, at) => writer.submit(Array.from({ length: size }, () => put(at)))));
    await new Promise((resolve) => setImmediate(resolve));
    for (let round = 0; round < 4; round += 1) await disk.finish();
    await all;
    expect(disk.written.map((batch) => batch.length)).toEqual([120, 20, 300, 1]);
  });

  it('stops for good at the first failed write', async () => {
    const disk = new SlowDisk();
    const writer = new GroupWriter(disk.write);
    const first = writer.submit([put(1)]);
    await new Promise((resolve) => setImmediate(resolve));
    const second = writer.submit([put(2)]);
    const outcomes = Promise.allSettled([first, second]);
    const cause = new Error('no space left');
    await disk.finish(cause);
    for (const outcome of await outcomes) {
      expect(outcome.status).toBe('rejected');
      expect(
        outcome.status === 'rejected' && outcome.reason instanceof StoreFailure && outcome.reason.cause === cause,
      ).toBe(true);
    }
    expect(() => writer.submit([put(3)])).toThrow(StoreFailure);
    expect(writer.stopped).toBeInstanceOf(StoreFailure);
    expect(disk.written).toHaveLength(1);
  });

  it('finishes what it has taken when it is told to stop', async () => {
    const disk = new SlowDisk();
    const writer = new GroupWriter(disk.write);
    const taken = writer.submit([put(1)]);
    const stopped = writer.stop(new StoreFailure('closed'));
    expect(() => writer.submit([put(2)])).toThrow(StoreFailure);
    await new Promise((resolve) => setImmediate(resolve));
    await disk.finish();
    await expect(taken).resolves.toBeUndefined();
    await stopped;
  });

  it('refuses what would fill the memory, taking nothing of it', async () => {
    const disk = new SlowDisk();
    const writer = new GroupWriter(disk.write);
    const one = put(1);
    const large = Array.from({ length: 200_000 }, () => one);
    const taken = writer.submit(large);
    expect(() => writer.submit(large)).toThrow(StoreFailure);
    expect(writer.stopped).toBeNull();
    await new Promise((resolve) => setImmediate(resolve));
    await disk.finish();
    await taken;
    expect(disk.written).toHaveLength(1);
  });

  it('[L5] serves many sends with one sync on a real disk', async () => {
    const folder = await LevelFolder.make();
    try {
      await folder.using(async (store) => {
        const logs = Array.from({ length: 8 }, (_, at) => new LogWriter(`team ${at}`));
        for (const log of logs) {
          const first = log.next('created');
          await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
        }
        const before = store.writes();
        await Promise.all(
          logs.flatMap((log) =>
            log
              .many(100)
              .map((entry) => store.conversations.append(log.conversationId, entry.sequence - 1, [entry], null)),
          ),
        );
        const after = store.writes();
        expect(after.submissions - before.submissions).toBe(800);
        expect(after.batches - before.batches).toBeLessThan(40);
      });
    } finally {
      await folder.remove();
    }
  });
});
