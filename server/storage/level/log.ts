/** Entries of logs on disk: one conversation's one day is one contiguous range of keys, sealed under one data key. */
import type { KeyObject } from 'node:crypto';
import { type Entry, uint64 } from '#protocol/envelope.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64, uint32 } from '../bytes.ts';
import { Page } from '../log-page.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import type { Access } from './access.ts';
import { decodeEntry, encodeEntry } from './entry-record.ts';
import type { Operation } from './group-writer.ts';
import { Lru } from './lru.ts';
import { under } from './table.ts';

const dayMs = 86_400_000;
const dataKeysCached = 1024;
/** p(conversation) 16 · day 4 · sequence 8. */
const dayAt = 16;
const sequenceAt = 20;

/** UTC days since 1970-01-01. */
export const dayOf = (sentAt: number): number => Math.floor(sentAt / dayMs);

/** First sequence of a day. */
export interface DayMark {
  readonly day: number;
  readonly first: number;
}

/** Where a log ends: what sealing the next entry needs. */
export interface LogEnd {
  /** Ascending; replaced, never changed. */
  readonly days: readonly DayMark[];
  /** Data key of the last day. */
  readonly dataKey: { readonly day: number; readonly key: KeyObject } | null;
  /** Days before it are purged and never used again, also when the clock went back. */
  readonly dayMin: number;
}

export class Log {
  readonly #access: Access;
  #dataKeys = new Lru<string, RecordCipher>(dataKeysCached);

  constructor(access: Access) {
    this.#access = access;
    access.onReopened(() => (this.#dataKeys = new Lru(dataKeysCached)));
  }

  /** `place`: pseudonym of the conversation. Throws CorruptionError when an entry has no day or no data key. */
  async end(place: Uint8Array, dayMin: number): Promise<LogEnd & { readonly last: Entry | null }> {
    const { tables } = this.#access;
    const days = (await tables.days.list(under(place))).map(({ key, value }) => ({
      day: dayIn(key),
      first: value.first,
    }));
    const lastDay = days.at(-1);
    if (lastDay === undefined) return { days, dataKey: null, dayMin, last: null };
    const dayKey = joinBytes(place, uint32(lastDay.day));
    const key = await tables.dataKeys.open(dayKey);
    const dataKey = key === null ? null : { day: lastDay.day, key };
    const whole = { gte: startOf(place, days), lte: under(place).lte, reverse: true, from: null, to: lastDay.first };
    const [last] = await this.#scan(place, whole, new Page(1, 0), nowhere);
    // A day is marked together with its first entry.
    if (last === undefined || last.sequence < lastDay.first) throw missing(lastDay.first);
    return { days, dataKey, dayMin, last };
  }

  /** Seals entries behind the end; synchronous, so that calls stay in order, and to be submitted in the same turn (data-keys.ts). */
  append(
    place: Uint8Array,
    end: LogEnd,
    entries: readonly Entry[],
  ): { readonly operations: readonly Operation[]; readonly end: LogEnd } {
    const { tables, keys } = this.#access;
    const operations: Operation[] = [];
    const { dayMin } = end;
    let { days, dataKey } = end;
    for (const entry of entries) {
      const day = Math.max(dayOf(entry.sentAt), dayMin);
      const dayKey = joinBytes(place, uint32(day));
      if (dataKey?.day !== day) {
        const made = tables.dataKeys.make(dayKey);
        dataKey = { day, key: made.key };
        operations.push(made.operation);
      }
      if (days.at(-1)?.day !== day) {
        days = [...days, { day, first: entry.sequence }];
        operations.push(tables.days.put(dayKey, { first: entry.sequence }));
      }
      const key = joinBytes(dayKey, uint64(entry.sequence));
      operations.push(tables.log.write(key, keys.data('log', dataKey.key).seal(key, encodeEntry(entry))));
    }
    return { operations, end: { days, dataKey, dayMin } };
  }

  /**
   * Entries from `after` + 1 on, without a gap. `head`: durable when this is called. `floor`: as it is at any moment; what
   * is purged while this reads is left out. Throws CorruptionError('log') when any other entry up to the head is not there.
   */
  async readAfter(
    place: Uint8Array,
    days: readonly DayMark[],
    { after, head }: { readonly after: number; readonly head: number },
    page: Page,
    floor: () => number,
  ): Promise<readonly Entry[]> {
    const day = dayWith(days, after + 1);
    const gte = day === null ? startOf(place, days) : joinBytes(place, uint32(day), uint64(after + 1));
    return this.#scan(place, { gte, lte: under(place).lte, reverse: false, from: after + 1, to: head }, page, floor);
  }

  /** As `readAfter`, down from `before` - 1; `before` is above the floor + 1 and not behind the head. */
  async readBefore(
    place: Uint8Array,
    days: readonly DayMark[],
    before: number,
    page: Page,
    floor: () => number,
  ): Promise<readonly Entry[]> {
    const day = dayWith(days, before - 1);
    const gte = startOf(place, days);
    const lte = day === null ? gte : joinBytes(place, uint32(day), uint64(before - 1));
    const span = { gte, lte, reverse: true, from: before - 1, to: 1 };
    return (await this.#scan(place, span, page, floor)).toReversed();
  }

  /** Forgets the keys of days that were purged. */
  forget(place: Uint8Array, days: readonly number[]): void {
    for (const day of days) this.#dataKeys.delete(nameOf(joinBytes(place, uint32(day))));
  }

  /** Sealed records first, in one short scan; then the data keys that they need. */
  async #scan(place: Uint8Array, span: Span, page: Page, floor: () => number): Promise<readonly Entry[]> {
    const { gte, lte, reverse, from, to } = span;
    // A page may want fewer than a step reads; the first record that does not fit ends it.
    const sealed: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
    const fill = new SealedFill(page.entriesMax, page.bytesMax);
    let full = false;
    await this.#access.tables.log.scan({ gte, lte, reverse, limit: page.entriesMax }, (key, value) => {
      sealed.push({ key, value });
      full = !fill.wantsMore(value.length);
      return !full;
    });
    const step = reverse ? -1 : 1;
    let expected = from;
    for (const { key, value } of sealed) {
      const sequence = readUint64(key, sequenceAt);
      if (sequence === null) throw new CorruptionError('log', 'a record key is cut off');
      // A purge that began meanwhile takes entries from the beginning.
      if (expected !== null && sequence !== expected && (reverse || sequence - 1 > floor())) throw missing(expected);
      expected = sequence + step;
      const cipher = await this.#cipher(place, dayIn(key), () => sequence <= floor());
      // Purged since the scan.
      if (cipher === null) continue;
      if (!page.take(decodeEntry(sequence, cipher.open(key, value)))) return page.entries;
    }
    if (full || expected === null) return page.entries;
    const rest = reverse ? Math.max(to, floor() + 1) <= expected : expected <= to && to > floor();
    if (rest) throw missing(expected);
    return page.entries;
  }

  /** Null when the entry was purged meanwhile. */
  async #cipher(place: Uint8Array, day: number, isPurged: () => boolean): Promise<RecordCipher | null> {
    if (isPurged()) return null;
    const dayKey = joinBytes(place, uint32(day));
    const name = nameOf(dayKey);
    const cached = this.#dataKeys.get(name);
    if (cached !== undefined) return cached;
    const { tables, keys } = this.#access;
    const key = await tables.dataKeys.open(dayKey);
    if (isPurged()) return null;
    if (key === null) throw new CorruptionError('data-keys', 'the key of a day with entries is missing');
    const cipher = keys.data('log', key);
    this.#dataKeys.set(name, cipher);
    return cipher;
  }
}

/** Keys from `gte` to `lte`; `from`: the sequence that must come first, null for any; `to`: the last one that must be there. */
interface Span {
  readonly gte: Uint8Array;
  readonly lte: Uint8Array;
  readonly reverse: boolean;
  readonly from: number | null;
  readonly to: number;
}

const missing = (sequence: number): CorruptionError => new CorruptionError('log', `entry ${sequence} is missing`);

/** Bounds the memory of a scan before anything is opened: sealed records are a little longer than bodies. */
class SealedFill {
  #left: number;
  #bytesLeft: number;

  constructor(entriesMax: number, bytesMax: number) {
    this.#left = entriesMax;
    this.#bytesLeft = bytesMax;
  }

  wantsMore(sealedBytes: number): boolean {
    this.#left -= 1;
    this.#bytesLeft -= Math.max(0, sealedBytes - sealedOverheadMax);
    return this.#left > 0 && this.#bytesLeft >= 0;
  }
}

/** Sealing (29) and fixed fields (97) of a record; what is above is body. */
const sealedOverheadMax = 29 + 97;

const nameOf = (dayKey: Uint8Array): string => Buffer.from(dayKey).toString('hex');
const nowhere = (): number => 0;

/** Where what is left of a log begins: records before it are purged and may still be there. */
function startOf(place: Uint8Array, days: readonly DayMark[]): Uint8Array {
  const [first] = days;
  return first === undefined ? under(place).lte : joinBytes(place, uint32(first.day), uint64(first.first));
}

function dayIn(key: Uint8Array): number {
  if (key.length < sequenceAt) throw new CorruptionError('log', 'a record key is cut off');
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(dayAt);
}

/** Day that holds the sequence: the last one that begins at or before it; null when it lies before all days. */
function dayWith(days: readonly DayMark[], sequence: number): number | null {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle]?.first ?? Infinity) <= sequence) low = middle + 1;
    else high = middle;
  }
  return days[low - 1]?.day ?? null;
}
