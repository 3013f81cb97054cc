/** Filters as they are typed: `from:ada in:harbour has:link before:2026-03-01`, in English or Chinese, and what may be completed. */
import type { Has } from '../../engine/search/query.ts';
import type { ConversationId, UserId } from './app.ts';

export interface Filters {
  readonly from: readonly UserId[];
  readonly in: readonly ConversationId[];
  readonly has: readonly Has[];
  /** Milliseconds, the beginning of a day. */
  readonly after: number | null;
  readonly before: number | null;
}
export const noFilters: Filters = { from: [], in: [], has: [], after: null, before: null };

export type FilterKind = keyof Filters;
export const filterKinds = ['from', 'in', 'has', 'after', 'before'] as const satisfies readonly FilterKind[];
export const hasKinds = ['link', 'image', 'file'] as const satisfies readonly Has[];

/** What a word can mean: names as screens show them. */
export interface Lookups {
  readonly people: readonly { readonly id: UserId; readonly handle: string; readonly name: string }[];
  readonly conversations: readonly { readonly id: ConversationId; readonly title: string }[];
}

const words: Readonly<Record<FilterKind, readonly string[]>> = {
  from: ['from', '来自', '发送人', '发送者'],
  in: ['in', '会话', '位于'],
  has: ['has', '包含', '含'],
  after: ['after', '晚于', '之后'],
  before: ['before', '早于', '之前'],
};
const hasWords: Readonly<Record<Has, readonly string[]>> = {
  link: ['link', 'links', '链接'],
  image: ['image', 'images', 'photo', '图片', '照片'],
  file: ['file', 'files', '文件'],
};
const kindOfWord = (word: string): FilterKind | null => filterKinds.find((kind) => words[kind].includes(word.toLowerCase())) ?? null;
const token = new RegExp(`(^|\\s)(${filterKinds.flatMap((kind) => words[kind]).join('|')})[:：](?:"([^"]*)"|(\\S+))(?=(\\s|$))`, 'giu');
const unfinished = new RegExp(`(^|\\s)(${filterKinds.flatMap((kind) => words[kind]).join('|')})[:：]\\s?"?([^\\s"]*)$`, 'iu');

/** 2026, 2026-03, 2026-03-01 (also with / or .), on this device's calendar; null for anything else. */
export function dayOf(word: string): number | null {
  const parts = /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$/.exec(word.trim());
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1)];
  const date = new Date(year, month - 1, day);
  return date.getMonth() === month - 1 && date.getDate() === day ? date.getTime() : null;
}

const fits = (text: string, wanted: string): boolean => text.toLocaleLowerCase().includes(wanted.toLocaleLowerCase());

/** One filter more; null where the word names nothing. */
export function withFilter(filters: Filters, kind: FilterKind, word: string, lookups: Lookups): Filters | null {
  switch (kind) {
    case 'from': {
      const person = lookups.people.find(({ handle, name }) => `@${handle}` === word || handle === word || name === word) ?? only(lookups.people.filter(({ handle, name }) => fits(handle, word) || fits(name, word)));
      return person === undefined ? null : { ...filters, from: together(filters.from, person.id) };
    }
    case 'in': {
      const room = lookups.conversations.find(({ title }) => title === word) ?? only(lookups.conversations.filter(({ title }) => fits(title, word)));
      return room === undefined ? null : { ...filters, in: together(filters.in, room.id) };
    }
    case 'has': {
      const what = hasKinds.find((one) => hasWords[one].includes(word.toLowerCase()));
      return what === undefined ? null : { ...filters, has: together(filters.has, what) };
    }
    case 'after':
    case 'before': {
      const day = dayOf(word);
      return day === null ? null : { ...filters, [kind]: day };
    }
  }
}

const only = <T>(list: readonly T[]): T | undefined => (list.length === 1 ? list[0] : undefined);
const together = <T>(list: readonly T[], one: T): readonly T[] => (list.includes(one) ? list : [...list, one]);

/** Takes filters out of what was typed: those that a space ends, and with `done` the last one too. What names nothing stays a word. */
export function takeFilters(input: string, filters: Filters, lookups: Lookups, done: boolean): { readonly input: string; readonly filters: Filters } {
  let now = filters;
  const rest = input.replace(token, (whole: string, lead: string, word: string, quoted: string | undefined, bare: string | undefined, end: string) => {
    const kind = kindOfWord(word);
    if (kind === null || (end === '' && !done && quoted === undefined)) return whole;
    const next = withFilter(now, kind, quoted ?? bare ?? '', lookups);
    if (next === null) return whole;
    now = next;
    return lead;
  });
  return now === filters ? { input, filters } : { input: rest.replace(/\s+/g, ' ').replace(/^\s/, ''), filters: now };
}

export interface Suggestion {
  readonly kind: FilterKind;
  readonly key: string;
  /** A name, or for `has` the word itself. */
  readonly label: string;
  readonly filters: Filters;
}
const suggestionsMax = 6;

/** For the filter that is being typed at the end; `rest` is the input without it. Null: none is. */
export function suggestions(input: string, filters: Filters, lookups: Lookups): { readonly rest: string; readonly list: readonly Suggestion[] } | null {
  const found = unfinished.exec(input);
  const kind = found === null ? null : kindOfWord(found[2] ?? '');
  if (found === null || kind === null) return null;
  const word = found[3] ?? '';
  const rest = input.slice(0, found.index);
  const list: Suggestion[] = [];
  if (kind === 'from') for (const { id, handle, name } of lookups.people) if (fits(name, word) || fits(handle, word)) list.push({ kind, key: id, label: name, filters: { ...filters, from: together(filters.from, id) } });
  if (kind === 'in') for (const { id, title } of lookups.conversations) if (fits(title, word)) list.push({ kind, key: id, label: title, filters: { ...filters, in: together(filters.in, id) } });
  if (kind === 'has') for (const what of hasKinds) if (word === '' || hasWords[what].some((one) => one.startsWith(word.toLowerCase()))) list.push({ kind, key: what, label: what, filters: { ...filters, has: together(filters.has, what) } });
  return { rest, list: list.slice(0, suggestionsMax) };
}
