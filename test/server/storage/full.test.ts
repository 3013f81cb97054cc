import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskFullError } from '../../../server/ports/blob-store.ts';
import { StoreFull } from '../../../server/ports/store.ts';
import { roomOf } from '../../../server/storage/level/space.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { appending, fileOf, newFile, readAll } from '../../contract/blobs-contract.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { bytesOf, change, dayMs, LogWriter, roster, startMs } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { type Mounted, mountSmall } from '../../harness/mounted.ts';

const mebibyte = 1024 * 1024;
const probe = mountSmall(1);
probe?.remove();

describe.skipIf(probe === null)('a disk that fills up', () => {
  let disk: Mounted;
  let store: LevelStore;
  const runtime = new FakeRuntime('full', startMs);
  const open = () => openLevelStore({ folder: join(disk.path, 'data'), masterKey, runtime });
  beforeEach(async () => {
    const mounted = mountSmall(48);
    if (mounted === null) throw new Error('no file system');
    disk = mounted;
    store = await open();
  });
  afterEach(async () => {
    await store.close();
    disk.remove();
  });

  const log = () => new LogWriter('team');
  async function begin(writer: LogWriter): Promise<void> {
    const first = writer.next('created');
    await store.conversations.create(writer.record(roster(['ann']), first), [first], change(roster(['ann'])));
  }
  /** Sends until it is refused; gives the last sequence that was acknowledged. */
  async function sendUntilFull(writer: LogWriter): Promise<number> {
    for (;;) {
      const entry = writer.next('message', new Uint8Array(200_000));
      try {
        await store.conversations.append(writer.conversationId, entry.sequence - 1, [entry], null);
      } catch (cause) {
        if (!(cause instanceof StoreFull)) throw cause;
        return entry.sequence - 1;
      }
    }
  }
  async function sendSome(writer: LogWriter, count: number): Promise<number> {
    for (const entry of writer.many(count))
      await store.conversations.append(writer.conversationId, entry.sequence - 1, [entry], null);
    return writer.sequence;
  }
  const sequences = async (writer: LogWriter): Promise<readonly number[]> =>
    (await store.conversations.readAfter(writer.conversationId, 0, 10_000, 1_000_000_000)).map(
      ({ sequence }) => sequence,
    );
  const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, at) => at + 1);

  /** Behind the end that the log has now, which is none earlier than `acknowledged`; and it is all there after a restart. */
  async function goesOn(writer: LogWriter, acknowledged: number): Promise<void> {
    const head = (await store.conversations.load(writer.conversationId))?.headSequence ?? 0;
    expect(head).toBeGreaterThanOrEqual(acknowledged);
    writer.sequence = head;
    const more = writer.next('message', new Uint8Array(100));
    await store.conversations.append(writer.conversationId, head, [more], null);
    await store.close();
    store = await open();
    expect(await sequences(writer)).toEqual(upTo(head + 1));
  }

  it('[Z1] is met in the log: nothing acknowledged is lost, reads go on, and with room it opens anew and goes on', async () => {
    const writer = log();
    await begin(writer);
    await disk.fill(3 * 1024 * 1024);
    const acknowledged = await sendUntilFull(writer);
    expect(store.condition()).toBe('full');
    expect(store.isOpen()).toBe(true);
    expect(await sequences(writer)).toEqual(upTo(acknowledged));
    await store.look();
    expect(store.condition()).toBe('full');
    disk.free();
    await store.look();
    expect(store.condition()).toBe('open');
    await goesOn(writer, acknowledged);
  });

  it('[Z1] is met before its end: writes are refused under the floor, deletions are not, and it goes on by itself', async () => {
    const writer = log();
    await begin(writer);
    await disk.fill(2 * 1024 * 1024);
    await store.look();
    expect(store.condition()).toBe('full');
    expect(await sendUntilFull(writer)).toBe(1);
    expect(await sequences(writer)).toEqual([1]);
    disk.free();
    // Nobody asks: the look of every two seconds finds it.
    await runtime.advanceAsync(2_000);
    await store.look();
    expect(store.condition()).toBe('open');
  });

  it('[Z1] is met in a table that is written behind the log: nothing acknowledged is lost, and with too little room to open anew it waits', async () => {
    const writer = log();
    await begin(writer);
    // Room for a full log, and not for the table that it is written out as.
    await disk.fill(19 * mebibyte);
    const acknowledged = await sendUntilFull(writer);
    expect(store.condition()).toBe('full');
    expect(await readFile(join(disk.path, 'data', 'store', 'LOG'), 'utf8')).toMatch(
      /Level-0 table #\d+: 0 bytes IO error.*No space left|Compaction error: IO error.*No space left/,
    );
    expect(acknowledged).toBeGreaterThan(50);
    expect(await sequences(writer)).toEqual(upTo(acknowledged));
    // Above the mark where writing goes on, and below what opening needs: not the end of the process.
    disk.free();
    await disk.fill(4 * mebibyte);
    const room = await roomOf(disk.path);
    expect(room.free).toBeGreaterThanOrEqual(room.resume);
    await store.look();
    expect(store.condition()).toBe('full');
    disk.free();
    await store.look();
    expect(store.condition()).toBe('open');
    expect((await sequences(writer)).slice(0, acknowledged)).toEqual(upTo(acknowledged));
    await goesOn(writer, acknowledged);
  });

  it('[Z1] [B2] is met by an upload while the log meets it: what was told is kept, and after the store was opened anew it goes on and ends whole', async () => {
    const quota = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 9, personOpenMax: 9 };
    const writer = log();
    await begin(writer);
    const bytes = bytesOf('upload', 6 * mebibyte);
    const head = bytes.subarray(0, mebibyte + 12_345);
    await store.blobs.create(newFile('a', bytes.length), quota);
    const first = await appending(store.blobs, fileOf('a'), 0);
    await first.write(head);
    expect((await first.finish()).offset).toBe(head.length);
    // Open over the whole of it: its next record must not go where it went before.
    const open1 = await appending(store.blobs, fileOf('a'), head.length);
    const other = newFile('b', 100_000, { createdAt: startMs + dayMs });
    await store.blobs.create(other, quota);
    await disk.fill(3 * mebibyte);
    await sendUntilFull(writer);
    expect(store.condition()).toBe('full');
    const refused = await Promise.resolve(open1.write(bytes.subarray(head.length))).catch((cause: unknown) => cause);
    const ended = await open1.finish().catch((cause: unknown) => cause);
    expect([refused, ended].some((each) => each instanceof StoreFull || each instanceof DiskFullError)).toBe(true);
    // A day of files whose key cannot be stored now.
    await expect(
      store.blobs.append(fileOf('b'), 0, { atomic: false, onInterrupt: () => undefined }),
    ).rejects.toBeInstanceOf(StoreFull);
    disk.free();
    await store.look();
    expect(store.condition()).toBe('open');
    const told = (await store.blobs.byId(fileOf('a')))?.offset ?? 0;
    expect(told).toBeGreaterThanOrEqual(head.length);
    const second = await appending(store.blobs, fileOf('a'), told);
    await second.write(bytes.subarray(told));
    await second.finish();
    const late = await appending(store.blobs, fileOf('b'), 0);
    await late.write(bytesOf('late', 100_000));
    await late.finish();
    const whole = async (): Promise<void> => {
      expect(Buffer.compare(await readAll(store.blobs, fileOf('a')), bytes)).toBe(0);
      expect(Buffer.compare(await readAll(store.blobs, fileOf('b')), bytesOf('late', 100_000))).toBe(0);
      expect(await store.blobs.usage(null)).toEqual({ bytes: bytes.length + 100_000, files: 2, open: 0 });
    };
    await whole();
    // What is remembered in memory is also what is on disk.
    await store.close();
    const { faults } = await verifyStore({ folder: join(disk.path, 'data'), masterKey, runtime });
    expect(faults).toEqual([]);
    store = await open();
    await whole();
  });

  it('[Z1] at the start, with nothing in reserve: it says so, leaves everything as it was, and starts when there is room', async () => {
    const writer = log();
    await begin(writer);
    const acknowledged = await sendSome(writer, 20);
    await store.close();
    await disk.fill();
    await expect(open()).rejects.toBeInstanceOf(StoreFull);
    disk.free();
    store = await open();
    expect(store.condition()).toBe('open');
    expect(await sequences(writer)).toEqual(upTo(acknowledged));
  });

  it('[Z1] at the start: it opens to be read with what the reserve keeps', async () => {
    const writer = log();
    await begin(writer);
    for (let look = 0; look < 30; look += 1) await store.look();
    await store.close();
    await disk.fill();
    store = await open();
    expect(store.condition()).toBe('full');
    expect(await sequences(writer)).toEqual([1]);
  });
});
