import { expect, test } from 'vitest';
import type { Entry } from '#protocol/envelope.ts';
import { RecentPages, recentBytesMax } from '../../../server/storage/level/recent-pages.ts';
import { Page } from '../../../server/storage/log-page.ts';
import { conversationOf, LogWriter } from '../../contract/people.ts';

const mib = 1024 * 1024;
const log = new LogWriter('read');
const entries = log.many(1_000);
const id = log.conversationId;
const sequences = (page: readonly Entry[] | null): readonly number[] | null =>
  page?.map(({ sequence }) => sequence) ?? null;
const from = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

test('serves whole pages of what was read, and nothing that it does not have', () => {
  const recent = new RecentPages();
  expect(recent.read(id, 0, 1_000, new Page(200, mib))).toBeNull();
  recent.learn(id, entries.slice(0, 200));
  recent.learn(id, entries.slice(200, 400));
  expect(sequences(recent.read(id, 0, 1_000, new Page(200, mib)))).toEqual(from(1, 200));
  expect(sequences(recent.read(id, 137, 1_000, new Page(200, mib)))).toEqual(from(138, 337));
  expect(sequences(recent.read(id, 0, 1_000, new Page(200, 250)))).toEqual([1, 2]);
  // The page would go on behind what is at hand; or ends at the head.
  expect(recent.read(id, 300, 1_000, new Page(200, mib))).toBeNull();
  expect(sequences(recent.read(id, 300, 400, new Page(200, mib)))).toEqual(from(301, 400));
  expect(sequences(recent.read(id, 300, 350, new Page(200, mib)))).toEqual(from(301, 350));
  recent.forget(id);
  expect([recent.read(id, 0, 1_000, new Page(200, mib)), recent.bytes]).toEqual([null, 0]);
});

test('shows no page with a gap and keeps no more than its bytes, however much is read', () => {
  const recent = new RecentPages();
  recent.learn(id, entries.slice(0, 100));
  recent.learn(id, entries.slice(500, 600));
  expect(recent.read(id, 95, 1_000, new Page(10, mib))).toBeNull();
  expect(sequences(recent.read(id, 510, 1_000, new Page(10, mib)))).toEqual(from(511, 520));
  const [first] = entries;
  if (first === undefined) throw new Error('no entry');
  const large = (sequence: number): Entry => ({ ...first, sequence, body: new Uint8Array(64 * 1024) });
  for (let at = 0; at < 40; at += 1) {
    const other = conversationOf(`other ${at}`);
    for (let page = 0; page < 20; page += 1)
      recent.learn(
        other,
        from(page * 16 + 1, page * 16 + 16).map((sequence) => large(sequence)),
      );
    expect(recent.bytes).toBeLessThanOrEqual(recentBytesMax);
  }
  expect(recent.read(id, 510, 1_000, new Page(10, mib))).toBeNull();
});
