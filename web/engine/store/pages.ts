/**
 * Old records in pages. What stands in a log is read in order and rarely changes, so records of one group (names
 * `group/number`) that are no longer the newest lie 64 to a sealed page: 100,000 single ones take many times longer to
 * write and to read (README, measurements). A record of its own beats the same number in a page: that is how one is
 * changed, until `folding.ts` writes the page anew. Reading finds both, so a store from before pages is simply read.
 */
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '#protocol/cbor.ts';
import { bytes } from '#protocol/envelope.ts';
import { LanyingError } from '../api.ts';
import type { RecordKind, Row, SealedStore } from './sealed-store.ts';

/** Numbers in a page: those of block b are 64 b to 64 b + 63. */
export const pageEntries = 64;
/** Larger ones stay records of their own; bytes of a page's lists. */
export const pageBytesMax = 4 * 1024 * 1024;
const nestingMax = 32;

export const blockOf = (number: number): number => Math.floor(number / pageEntries);
const padded = (value: number): string => value.toString(16).padStart(16, '0');
export const nameIn = (group: string, number: number): string => `${group}/${padded(number)}`;

const list = bytes(pageBytesMax);
const Page = v.object({
  /** CBOR list of what search does without. */
  entries: list,
  /** CBOR list of [number, sentAt, user, the rest], in the same order. */
  shown: list,
});
export type Page = v.InferOutput<typeof Page>;
/** By group and block. */
export const pages: RecordKind<Page> = { prefix: 'page/', schema: Page };

export interface Paging<T> {
  numberOf(value: T): number;
  pack(values: readonly T[]): Page;
  unpack(page: Page): readonly T[];
}

interface Logged {
  readonly entry: { readonly sequence: number; readonly sentAt: number; readonly user: string };
}
const Shown = v.array(v.tuple([v.number(), v.number(), v.string(), v.record(v.string(), v.unknown())]));

/** Throws `storage.failed` for what no version of ours wrote. */
export function shownIn({ shown }: Page): v.InferOutput<typeof Shown> {
  const parsed = v.safeParse(Shown, decodeCbor(shown, nestingMax));
  if (!parsed.success) throw new LanyingError('storage.failed', { field: pages.prefix });
  return parsed.output;
}

export function pagingOf<T extends Logged>(schema: v.GenericSchema<unknown, T>): Paging<T> {
  const List = v.array(schema);
  return {
    numberOf: ({ entry }) => entry.sequence,
    pack: (values) => ({
      entries: encodeCbor(values.map(({ entry }) => entry)),
      shown: encodeCbor(values.map(({ entry, ...rest }) => [entry.sequence, entry.sentAt, entry.user, rest])),
    }),
    unpack(page) {
      const rests = shownIn(page);
      const entries = v.parse(v.array(v.unknown()), decodeCbor(page.entries, nestingMax));
      const parsed = v.safeParse(List, entries.map((entry, at) => ({ ...rests[at]?.[3], entry })));
      if (!parsed.success) throw new LanyingError('storage.failed', { field: pages.prefix });
      return parsed.output;
    },
  };
}

const splitName = (name: string): { readonly group: string; readonly number: number } => {
  const at = name.indexOf('/');
  const rest = name.slice(at + 1);
  return { group: name.slice(0, at), number: rest === '' ? 0 : /^[0-9a-f]{16}$/.test(rest) ? Number.parseInt(rest, 16) : Infinity };
};

export async function getPaged<T>(store: SealedStore, paging: Paging<T>, name: string): Promise<T | null> {
  const { group, number } = splitName(name);
  const page = await store.getAlone(pages, nameIn(group, blockOf(number)));
  return page === null ? null : (paging.unpack(page).find((value) => paging.numberOf(value) === number) ?? null);
}

interface Span {
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly reverse: boolean;
}

/** Both places in order. Single records are nearly always the newest: pages are opened only where those do not suffice. */
export async function rangePaged<T>(store: SealedStore, kind: RecordKind<T>, paging: Paging<T>, { from, to, limit, reverse }: Span): Promise<readonly Row<T>[]> {
  const { group, number: first } = splitName(from);
  const end = splitName(to).number;
  const alone = await store.rangeAlone(kind, from, to, limit, reverse);
  const own = new Map(alone.map(({ name, value }) => [splitName(name).number, value]));
  // Beyond the last of a full list there may be more single ones: what pages have there is not known to be in force.
  const edge = alone.length < limit ? null : splitName(alone.at(-1)?.name ?? from).number;
  let [low, high] = [first, end];
  if (edge !== null) [low, high] = reverse ? [edge, end] : [first, edge + 1];
  const found = new Map<number, T>();
  const step = Math.ceil(limit / pageEntries) + 1;
  let lowBlock = blockOf(low);
  let highBlock = high === Infinity ? Infinity : blockOf(high - 1);
  for (let more = lowBlock <= highBlock; more; ) {
    const toName = highBlock === Infinity ? `${group}/\uffff` : nameIn(group, highBlock + 1);
    const rows = await store.rangeAlone(pages, nameIn(group, lowBlock), toName, step, reverse);
    for (const { value: page } of rows) {
      for (const value of paging.unpack(page)) {
        const number = paging.numberOf(value);
        if (number >= low && number < high) found.set(number, value);
      }
    }
    const last = rows.at(-1);
    more = rows.length === step && found.size < limit && last !== undefined;
    if (last === undefined) break;
    const block = splitName(last.name).number;
    if (reverse) highBlock = block - 1;
    else lowBlock = block + 1;
    more &&= lowBlock <= highBlock;
  }
  for (const [number, value] of own) found.set(number, value);
  const numbers = [...found.keys()].sort(reverse ? (a, b) => b - a : (a, b) => a - b);
  return numbers.slice(0, limit).flatMap((number) => {
    const value = found.get(number);
    return value === undefined ? [] : [{ name: nameIn(group, number), value }];
  });
}
