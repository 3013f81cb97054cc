import { describe, expect, it } from 'vitest';
import { type FileId, idFromBytes } from '#protocol/ids.ts';
import type { Appending, AppendOptions, BlobStore, FileQuota, NewFile } from '../../server/ports/blob-store.ts';
import { FileGoneError, isWhole } from '../../server/ports/blob-store.ts';
import { bytesOf, conversationOf, dayMs, startMs, userOf } from './people.ts';
import type { Bench } from './store-contract.ts';

const roomy: FileQuota = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 100 };
const alone: AppendOptions = { atomic: false, onInterrupt: () => undefined };
const chunk = 64 * 1024;

export const fileOf = (name: string): FileId => idFromBytes<FileId>(bytesOf(`file ${name}`, 16));

export const newFile = (name: string, size: number, changes: Partial<NewFile> = {}): NewFile => ({
  fileId: fileOf(name),
  owner: userOf('ann'),
  conversationId: conversationOf('team'),
  size,
  createdAt: startMs,
  expiresAt: startMs + dayMs,
  ...changes,
});

export async function appending(blobs: BlobStore, fileId: FileId, offset: number, options = alone): Promise<Appending> {
  const outcome = await blobs.append(fileId, offset, options);
  if (outcome.kind !== 'appending') throw new Error(outcome.kind);
  return outcome.appending;
}

/** One append of `bytes`, in pieces of `step`. */
async function append(
  blobs: BlobStore,
  fileId: FileId,
  offset: number,
  bytes: Uint8Array,
  step = bytes.length,
): Promise<number> {
  const writer = await appending(blobs, fileId, offset);
  for (let at = 0; at < bytes.length; at += step) await writer.write(bytes.subarray(at, at + step));
  return (await writer.finish()).offset;
}

export async function readAll(blobs: BlobStore, fileId: FileId, from = 0): Promise<Uint8Array> {
  const reading = await blobs.open(fileId);
  if (reading === null) throw new Error('not whole');
  const parts: Uint8Array[] = [];
  try {
    for (let at = from; at < reading.file.size;) {
      const part = await reading.read(at);
      expect(part.length).toBeGreaterThan(0);
      parts.push(new Uint8Array(part));
      at += part.length;
    }
    await reading.verify();
  } finally {
    await reading.close();
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Compared by value: a diff of megabytes helps nobody. */
const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

export function blobsContract(bench: Bench): void {
  describe('files', () => {
    it('[B1] are whole only with the last byte, and read back as they were written, from any position', async () => {
      const bytes = bytesOf('content', 5 * chunk + 12_345);
      const { blobs } = bench.store();
      expect(await blobs.create(newFile('a', bytes.length), roomy)).toBe('created');
      expect(await blobs.create(newFile('a', bytes.length), roomy)).toBe('exists');
      expect(await blobs.open(fileOf('a'))).toBeNull();
      expect(await append(blobs, fileOf('a'), 0, bytes.subarray(0, bytes.length - 1), 7_001)).toBe(bytes.length - 1);
      expect(await blobs.open(fileOf('a'))).toBeNull();
      expect(await append(blobs, fileOf('a'), bytes.length - 1, bytes.subarray(-1))).toBe(bytes.length);
      const again = (await bench.reopened()).blobs;
      expect(same(await readAll(again, fileOf('a')), bytes)).toBe(true);
      for (const from of [1, chunk - 1, chunk, chunk + 1, 4 * chunk, 5 * chunk, bytes.length - 1]) {
        expect(same(await readAll(again, fileOf('a'), from), bytes.subarray(from))).toBe(true);
      }
    });

    it('[B1] go on from the durable offset, wherever an append ended', async () => {
      const bytes = bytesOf('resumed', 3 * chunk + 10);
      await bench.store().blobs.create(newFile('a', bytes.length), roomy);
      let at = 0;
      for (const end of [
        1,
        100,
        chunk - 1,
        chunk,
        chunk + 5,
        2 * chunk + 9,
        2 * chunk + 9 + 1,
        3 * chunk,
        bytes.length,
      ]) {
        const { blobs } = await bench.reopened();
        expect((await blobs.byId(fileOf('a')))?.offset).toBe(at);
        at = await append(blobs, fileOf('a'), at, bytes.subarray(at, end), 20_000);
        expect(at).toBe(end);
      }
      const { blobs } = await bench.reopened();
      expect(same(await readAll(blobs, fileOf('a')), bytes)).toBe(true);
    });

    it('a file of no bytes is whole at once', async () => {
      const { blobs } = bench.store();
      await blobs.create(newFile('empty', 0), roomy);
      expect((await readAll(blobs, fileOf('empty'))).length).toBe(0);
      expect(await blobs.append(fileOf('empty'), 0, alone)).toEqual({ kind: 'offset', offset: 0 });
      expect(await blobs.usage(userOf('ann'))).toEqual({ bytes: 0, files: 1, open: 0 });
      expect(await blobs.sweep(startMs + 9 * dayMs, 10)).toBe(0);
    });

    it('[B4] have one writer at a time, at the durable offset', async () => {
      const { blobs } = bench.store();
      await blobs.create(newFile('a', 100), roomy);
      expect(await blobs.append(fileOf('a'), 1, alone)).toEqual({ kind: 'offset', offset: 0 });
      expect(await blobs.append(fileOf('nobody'), 0, alone)).toEqual({ kind: 'unknown' });
      const writer = await appending(blobs, fileOf('a'), 0);
      expect(await blobs.append(fileOf('a'), 0, alone)).toEqual({ kind: 'busy' });
      await writer.write(bytesOf('x', 60));
      expect(writer.offset).toBe(60);
      await expect(async () => writer.write(bytesOf('x', 41))).rejects.toThrow(RangeError);
      expect((await writer.finish()).offset).toBe(60);
      expect((await writer.finish()).offset).toBe(60);
      const next = await appending(blobs, fileOf('a'), 60);
      await next.write(bytesOf('x', 40));
      expect(isWhole(await next.finish())).toBe(true);
      expect(await blobs.append(fileOf('a'), 100, alone)).toEqual({ kind: 'offset', offset: 100 });
    });

    it('[B4] who needs the file ends the append under way; what it took is kept', async () => {
      const { blobs } = bench.store();
      await blobs.create(newFile('a', 1_000), roomy);
      let told = 0;
      const writer = await appending(blobs, fileOf('a'), 0, { atomic: false, onInterrupt: () => void (told += 1) });
      await writer.write(bytesOf('x', 300));
      await blobs.interrupt(fileOf('a'));
      expect(told).toBe(1);
      expect((await blobs.byId(fileOf('a')))?.offset).toBe(300);
      await writer.write(bytesOf('late', 10));
      expect((await writer.finish()).offset).toBe(300);
      expect((await appending(blobs, fileOf('a'), 300)).offset).toBe(300);
    });

    it('[B3] an atomic append is kept whole or not at all', async () => {
      const bytes = bytesOf('checked', 2 * chunk);
      const { blobs } = bench.store();
      await blobs.create(newFile('a', bytes.length), roomy);
      expect(await append(blobs, fileOf('a'), 0, bytes.subarray(0, 70_000))).toBe(70_000);
      const writer = await appending(blobs, fileOf('a'), 70_000, { atomic: true, onInterrupt: () => undefined });
      await writer.write(bytesOf('wrong', 61_072));
      await writer.abandon();
      expect((await blobs.byId(fileOf('a')))?.offset).toBe(70_000);
      const cut = await appending(blobs, fileOf('a'), 70_000, { atomic: true, onInterrupt: () => undefined });
      await cut.write(bytesOf('cut', 1_000));
      await blobs.interrupt(fileOf('a'));
      const again = (await bench.reopened()).blobs;
      expect((await again.byId(fileOf('a')))?.offset).toBe(70_000);
      await append(again, fileOf('a'), 70_000, bytes.subarray(70_000));
      expect(same(await readAll(again, fileOf('a')), bytes)).toBe(true);
    });

    it('[B7] count against their person and against all, until they are removed', async () => {
      const { blobs } = bench.store();
      const quota = { personBytesMax: 100, totalBytesMax: 150, personFilesMax: 3, personOpenMax: 2 };
      const outcomes = await Promise.all([
        blobs.create(newFile('a', 60), quota),
        blobs.create(newFile('b', 60), quota),
        blobs.create(newFile('c', 40), quota),
        blobs.create(newFile('d', 0), quota),
        blobs.create(newFile('e', 60, { owner: userOf('bob') }), quota),
        blobs.create(newFile('f', 50, { owner: userOf('bob') }), quota),
      ]);
      expect(outcomes).toEqual(['created', 'person_full', 'created', 'too_many_open', 'total_full', 'created']);
      await append(blobs, fileOf('a'), 0, bytesOf('a', 60));
      await append(blobs, fileOf('c'), 0, bytesOf('c', 40));
      expect(await blobs.create(newFile('d', 0), quota)).toBe('created');
      expect(await blobs.create(newFile('g', 0), quota)).toBe('too_many_files');
      const again = (await bench.reopened()).blobs;
      expect(await again.usage(userOf('ann'))).toEqual({ bytes: 100, files: 3, open: 0 });
      expect(await again.usage(null)).toEqual({ bytes: 150, files: 4, open: 1 });
      expect(await again.remove(fileOf('a'))).toBe(true);
      expect(await again.remove(fileOf('a'))).toBe(false);
      expect(await again.remove(fileOf('f'))).toBe(true);
      expect(await again.usage(userOf('ann'))).toEqual({ bytes: 40, files: 2, open: 0 });
      expect(await again.usage(userOf('bob'))).toEqual({ bytes: 0, files: 0, open: 0 });
      expect(await again.usage(null)).toEqual({ bytes: 40, files: 2, open: 0 });
      expect(await again.create(newFile('a', 60), quota)).toBe('created');
    });

    it('[B13] can be walked through, each once, and each verified', async () => {
      const { blobs } = bench.store();
      const names = Array.from({ length: 7 }, (_, at) => `file ${at}`);
      for (const [at, name] of names.entries()) {
        const conversationId = conversationOf(at % 2 === 0 ? 'team' : 'other');
        await blobs.create(newFile(name, 100, { conversationId, createdAt: startMs + at * dayMs }), roomy);
        if (at > 0) await append(blobs, fileOf(name), 0, bytesOf(name, 100));
      }
      const seen: FileId[] = [];
      for (let after: string | null = null, first = true; first || after !== null; first = false) {
        const { files, next } = await blobs.walk(after, 3);
        seen.push(...files.map(({ fileId }) => fileId));
        after = next;
      }
      expect(seen.toSorted((one, other) => one.localeCompare(other))).toEqual(
        names.map(fileOf).toSorted((one, other) => one.localeCompare(other)),
      );
      const checked = await Promise.all(
        seen.map(async (fileId) => {
          const reading = await blobs.open(fileId);
          await reading?.verify();
          await reading?.close();
          return reading !== null;
        }),
      );
      expect(checked.filter((whole) => whole)).toHaveLength(6);
    });

    it('[B8] are gone for readers and writers once removed', async () => {
      const { blobs } = bench.store();
      await blobs.create(newFile('a', 3 * chunk), roomy);
      await append(blobs, fileOf('a'), 0, bytesOf('a', 3 * chunk));
      const reading = await blobs.open(fileOf('a'));
      expect((await reading?.read(0))?.length).toBeGreaterThan(0);
      await blobs.create(newFile('b', 100), roomy);
      const writer = await appending(blobs, fileOf('b'), 0);
      await writer.write(bytesOf('b', 10));
      expect(await Promise.all([blobs.remove(fileOf('a')), blobs.remove(fileOf('b'))])).toEqual([true, true]);
      await expect(async () => reading?.read(2 * chunk)).rejects.toThrow(FileGoneError);
      expect(await blobs.byId(fileOf('a'))).toBeNull();
      expect(await blobs.open(fileOf('a'))).toBeNull();
      expect(await blobs.append(fileOf('b'), 10, alone)).toEqual({ kind: 'unknown' });
      await reading?.close();
    });

    it('[B9] expired uploads are swept, whole files and others stay', async () => {
      const { blobs } = bench.store();
      for (const [name, days] of [
        ['old', 1],
        ['older', 2],
        ['young', 9],
        ['whole', 1],
      ] as const) {
        await blobs.create(newFile(name, 100, { expiresAt: startMs + days * dayMs }), roomy);
        await append(blobs, fileOf(name), 0, bytesOf(name, 10));
      }
      await append(blobs, fileOf('whole'), 10, bytesOf('rest', 90));
      const again = (await bench.reopened()).blobs;
      expect(await again.sweep(startMs + dayMs, 10)).toBe(0);
      expect(await again.sweep(startMs + 3 * dayMs, 1)).toBe(1);
      expect(await again.sweep(startMs + 3 * dayMs, 10)).toBe(1);
      expect(await again.sweep(startMs + 3 * dayMs, 10)).toBe(0);
      expect(
        await Promise.all(
          ['old', 'older', 'young', 'whole'].map(async (name) => (await again.byId(fileOf(name)))?.offset),
        ),
      ).toEqual([undefined, undefined, 10, 100]);
      expect(await again.usage(userOf('ann'))).toEqual({ bytes: 200, files: 2, open: 1 });
    });

    it("[R15] a person's unfinished uploads go, in batches; what is whole or somebody else's stays", async () => {
      const { blobs } = bench.store();
      for (const [name, owner] of [
        ['one', 'ann'],
        ['two', 'ann'],
        ['three', 'ann'],
        ['other', 'bob'],
      ] as const)
        await blobs.create(newFile(name, 100, { owner: userOf(owner) }), roomy);
      await append(blobs, fileOf('one'), 0, bytesOf('one', 100));
      await append(blobs, fileOf('two'), 0, bytesOf('two', 50));
      const steps = [await blobs.abandon(userOf('ann'), 1), await blobs.abandon(userOf('ann'), 8)];
      expect(steps).toEqual([
        { files: 1, bytes: 100, more: true },
        { files: 1, bytes: 100, more: false },
      ]);
      const again = (await bench.reopened()).blobs;
      const left = await Promise.all(['one', 'two', 'three', 'other'].map((name) => again.byId(fileOf(name))));
      expect(left.map((file) => file !== null)).toEqual([true, false, false, true]);
      expect(await again.usage(userOf('ann'))).toEqual({ bytes: 100, files: 1, open: 0 });
    });

    it('[B10] erasing a conversation up to a time takes its earlier files, in batches, and no others', async () => {
      const { blobs } = bench.store();
      const made = async (name: string, createdAt: number, conversation = 'team') => {
        await blobs.create(newFile(name, 100, { createdAt, conversationId: conversationOf(conversation) }), roomy);
        await append(blobs, fileOf(name), 0, bytesOf(name, 100));
      };
      for (let day = 0; day < 4; day += 1) await made(`day ${day}`, startMs + day * dayMs);
      await made('just before', startMs + 2 * dayMs - 1);
      await made('elsewhere', startMs, 'other');
      const team = conversationOf('team');
      const why = { reason: { kind: 'restore' as const }, before: startMs + 2 * dayMs };
      expect(await blobs.erase(team, why, 2)).toEqual({ files: 2, bytes: 200, more: true });
      expect(await blobs.erase(team, why, 2)).toEqual({ files: 1, bytes: 100, more: false });
      expect(await blobs.erase(team, why, 2)).toEqual({ files: 0, bytes: 0, more: false });
      const reopened = await bench.reopened();
      const again = reopened.blobs;
      const told = { ...why, class: 'files', conversationId: team, count: 3, bytes: 300 };
      expect(await reopened.erasure.unsettled()).toEqual([told]);
      const left = await Promise.all(
        ['day 0', 'day 1', 'just before', 'day 2', 'day 3', 'elsewhere'].map(
          async (name) => (await again.byId(fileOf(name))) !== null,
        ),
      );
      expect(left).toEqual([false, false, false, true, true, true]);
      expect(same(await readAll(again, fileOf('day 2')), bytesOf('day 2', 100))).toBe(true);
      expect(same(await readAll(again, fileOf('elsewhere')), bytesOf('elsewhere', 100))).toBe(true);
    });
  });
}
