/** Rows of a timeline: day separators, the unread divider, and messages grouped by author. */
import type { TimelineItem, TimelineView, UserId } from './app.ts';
import { dayKey } from './time.ts';

/** Messages of one author closer than this stand under one name. */
export const groupWithinMs = 5 * 60_000;

export type TextItem = Extract<TimelineItem, { kind: 'text' }>;
export type EventItem = Extract<TimelineItem, { kind: 'event' }>;
export type UnreadableItem = Extract<TimelineItem, { kind: 'unreadable' }>;

export type TimelineRow =
  | { readonly kind: 'day'; readonly key: string; readonly at: number }
  | { readonly kind: 'unread'; readonly key: string }
  /** `first` carries avatar and name, `last` the time below it. */
  | { readonly kind: 'text'; readonly key: string; readonly item: TextItem; readonly first: boolean; readonly last: boolean }
  | { readonly kind: 'event'; readonly key: string; readonly item: EventItem }
  /** Another identity key of somebody was first seen then ([X10]). */
  | { readonly kind: 'identity'; readonly key: string; readonly person: UserId; readonly at: number }
  /** The end of a log that one was taken out of. Only the owner does that ([C4]); the entry itself is not ours to read. */
  | { readonly kind: 'out'; readonly key: string; readonly by: UserId }
  | { readonly kind: 'unreadable'; readonly key: string; readonly item: UnreadableItem };

/** Highest acknowledged sequence, 0 when there is none. */
export const headSequence = (items: readonly TimelineItem[]): number => items.reduce((head, item) => Math.max(head, item.sequence ?? 0), 0);

/** Whose eyes a timeline is for. */
export interface Onlooker {
  readonly me: UserId | null;
  /** The owner of a conversation that this person is no longer in; null while they are. */
  readonly outOf: UserId | null;
}

const isOwnAct = (item: TimelineItem, me: UserId | null): boolean => (item.kind === 'text' ? item.own : item.kind === 'event' && item.actor === me);

/**
 * Without names that were only repeated: whoever adds people says the title again for them, and to all others nothing
 * happened. `undefined` is a title that was given before what is here.
 */
export function withoutRepeatedTitles(items: readonly TimelineItem[]): readonly TimelineItem[] {
  let title: string | null | undefined;
  return items.filter((item, at) => {
    if (item.kind !== 'event') return true;
    if (item.event.type === 'created') title = null;
    if (item.event.type !== 'titled') return true;
    const before = items[at - 1];
    const forNewcomers = before?.kind === 'event' && before.event.type === 'added' && before.actor === item.actor;
    const repeated = title === undefined ? forNewcomers : title === item.event.title;
    title = item.event.title;
    return !repeated;
  });
}

/** Taken out by somebody else: the last thing about oneself is not one's own farewell. */
function removedBy(items: readonly TimelineItem[], { me, outOf }: Onlooker): UserId | null {
  if (outOf === null || outOf === me) return null;
  const said = items.findLast((item) => item.kind === 'event' && ((item.event.type === 'left' && item.actor === me) || (item.event.type === 'removed' && me !== null && item.event.people.includes(me))));
  return said === undefined || said !== items.at(-1) ? outOf : null;
}

/**
 * Key of the item that the divider stands before: the first from somebody else behind the read mark that was there
 * when the conversation was opened. What arrives later never gets a divider.
 */
export function dividerKey(items: readonly TimelineItem[], readSequence: number, openedHead: number, me: UserId | null = null): string | null {
  const found = items.find((item) => {
    const sequence = item.sequence ?? 0;
    return sequence > readSequence && sequence <= openedHead && !isOwnAct(item, me);
  });
  return found?.key ?? null;
}

const together = (a: TimelineItem | undefined, b: TimelineItem | undefined): boolean =>
  a?.kind === 'text' &&
  b?.kind === 'text' &&
  a.from === b.from &&
  Math.abs(b.sentAt - a.sentAt) < groupWithinMs &&
  dayKey(a.sentAt) === dayKey(b.sentAt);

export interface KeyChange {
  readonly person: UserId;
  readonly at: number;
}

/** Changes that no older page could still stand before, oldest first. */
function changesWithin(changes: readonly KeyChange[], items: readonly TimelineItem[], more: boolean): KeyChange[] {
  const from = more ? (items[0]?.sentAt ?? Infinity) : -Infinity;
  return changes.filter(({ at }) => at >= from).toSorted((a, b) => a.at - b.at);
}

export function timelineRows(
  view: TimelineView,
  openedHead: number,
  onlooker: Onlooker = { me: null, outOf: null },
  keyChanges: readonly KeyChange[] = [],
): readonly TimelineRow[] {
  const items = withoutRepeatedTitles(view.items);
  const changes = changesWithin(keyChanges, items, view.more);
  const divider = dividerKey(items, view.readSequence, openedHead, onlooker.me);
  const rows: TimelineRow[] = [];
  let day = '';
  const begin = (at: number): void => {
    const itemDay = dayKey(at);
    if (itemDay !== day) rows.push({ kind: 'day', key: `day ${itemDay}`, at });
    day = itemDay;
  };
  const changed = (until: number): void => {
    for (let next = changes[0]; next !== undefined && next.at <= until; next = changes[0]) {
      begin(next.at);
      rows.push({ kind: 'identity', key: `identity ${next.person} ${next.at}`, ...next });
      changes.shift();
    }
  };
  items.forEach((item, index) => {
    changed(item.sentAt);
    begin(item.sentAt);
    if (item.key === divider) rows.push({ kind: 'unread', key: 'unread' });
    if (item.kind === 'text') {
      const next = items[index + 1];
      const first = item.key === divider || !together(items[index - 1], item);
      const last = next?.key === divider || !together(item, next) || typeof item.delivery === 'object';
      rows.push({ kind: 'text', key: item.key, item, first, last });
    } else if (item.kind === 'event') rows.push({ kind: 'event', key: item.key, item });
    else rows.push({ kind: 'unreadable', key: item.key, item });
  });
  changed(Infinity);
  const by = removedBy(items, onlooker);
  return by === null ? rows : [...rows, { kind: 'out', key: 'out', by }];
}

/** What changed between two views of one conversation, for scrolling and for the live region. */
export interface TimelineChange {
  /** Older items came in front: keep what is on screen where it is. */
  readonly prepended: boolean;
  readonly arrived: readonly TextItem[];
  readonly ownSent: boolean;
}

export function timelineChange(before: TimelineView | null, after: TimelineView): TimelineChange {
  if (before === null || before.conversationId !== after.conversationId) return { prepended: false, arrived: [], ownSent: false };
  const known = new Set(before.items.map((item) => item.key));
  const head = headSequence(before.items);
  const fresh = after.items.filter((item): item is TextItem => item.kind === 'text' && !known.has(item.key));
  const firstKey = before.items[0]?.key;
  return {
    prepended: firstKey !== undefined && after.items[0]?.key !== firstKey && after.items.some((item) => item.key === firstKey),
    arrived: fresh.filter((item) => !item.own && (item.sequence ?? 0) > head),
    ownSent: fresh.some((item) => item.own && item.delivery === 'sending'),
  };
}

/** `[text, url]` pieces: http and https addresses only, trailing punctuation outside of the link. */
export type TextPiece = { readonly text: string; readonly href: string | null };
export function textPieces(text: string): readonly TextPiece[] {
  const pieces: TextPiece[] = [];
  let at = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'，。；：！？、（）《》「」]+/g)) {
    const address = match[0].replace(/[.,;:!?)\]}]+$/, '');
    if (!URL.canParse(address)) continue;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), href: null });
    pieces.push({ text: address, href: address });
    at = match.index + address.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), href: null });
  return pieces;
}
