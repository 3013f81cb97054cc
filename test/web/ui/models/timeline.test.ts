import { describe, expect, it } from 'vitest';
import type { ConversationId, MessageId, UserId } from '../../../../server/protocol/ids.ts';
import type { TimelineItem, TimelineView } from '../../../../web/ui/models/app.ts';
import { dividerKey, groupWithinMs, textPieces, timelineChange, timelineRows, withoutRepeatedTitles } from '../../../../web/ui/models/timeline.ts';

const noon = new Date(2026, 10, 23, 12).getTime();
const text = (sequence: number | null, from: string, sentAt: number, own = false): TimelineItem => ({
  kind: 'text', key: `k${sequence ?? 'own'}`, id: `i${sequence}` as MessageId, sequence, from: from as UserId, own, sentAt, text: 'text', delivery: sequence === null ? 'sending' : 'sent',
});
const view = (items: readonly TimelineItem[], readSequence = 0): TimelineView => ({
  conversationId: 'c' as ConversationId, items, more: false, loading: false, readSequence, typing: [],
});
const shape = (items: readonly TimelineItem[], readSequence = 99, openedHead = 99) =>
  timelineRows(view(items, readSequence), openedHead).map((row) => (row.kind === 'text' ? `${row.first ? '[' : ''}${row.key}${row.last ? ']' : ''}` : row.kind));

const user = (name: string): UserId => name as UserId;
type Act = Extract<TimelineItem, { kind: 'event' }>['event'];
const act = (sequence: number, actor: string, event: Act): TimelineItem => ({ kind: 'event', key: `e${sequence}`, sequence, sentAt: noon + sequence, actor: user(actor), event });
const keys = (items: readonly TimelineItem[]): readonly string[] => withoutRepeatedTitles(items).map(({ key }) => key);

describe('a title', () => {
  const titled = (sequence: number, title: string, actor = 'a') => act(sequence, actor, { type: 'titled', title });
  const added = (sequence: number, actor = 'a') => act(sequence, actor, { type: 'added', people: [user('b')] });
  it('that is said again for newcomers is no news', () => {
    expect(keys([act(1, 'a', { type: 'created' }), added(2), titled(3, 'Plan'), added(4), titled(5, 'Plan')])).toEqual(['e1', 'e2', 'e3', 'e4']);
    expect(keys([titled(3, 'Plan'), titled(4, 'Plan'), titled(5, 'Other')])).toEqual(['e3', 'e5']);
  });
  it('that was given before what is here is known by who says it again', () => {
    expect(keys([added(4), titled(5, 'Plan')])).toEqual(['e4']);
    expect(keys([added(4), titled(5, 'Plan', 'b')])).toEqual(['e4', 'e5']);
    expect(keys([added(4), titled(5, 'Plan'), titled(6, 'Other')])).toEqual(['e4', 'e6']);
  });
});

describe('somebody who is out', () => {
  const last = (items: readonly TimelineItem[], outOf: string | null) => timelineRows(view(items, 99), 99, { me: user('me'), outOf: outOf === null ? null : user(outOf) }).at(-1)?.kind;
  it('reads who took them out, unless they went', () => {
    expect(last([text(1, 'a', noon)], 'a')).toBe('out');
    expect(last([text(1, 'a', noon)], null)).toBe('text');
    expect(last([text(1, 'a', noon), act(2, 'me', { type: 'left' })], 'a')).toBe('event');
    expect(last([text(1, 'a', noon), act(2, 'a', { type: 'removed', people: [user('me')] })], 'a')).toBe('event');
    expect(last([act(1, 'me', { type: 'left' }), text(3, 'a', noon)], 'a')).toBe('out');
  });
});

describe('rows of a timeline', () => {
  it('groups one author within five minutes, not at five minutes', () => {
    expect(shape([text(1, 'a', noon), text(2, 'a', noon + groupWithinMs - 1), text(3, 'a', noon + 2 * groupWithinMs - 1)])).toEqual(['day', '[k1', 'k2]', '[k3]']);
  });
  it('breaks a group at another author and at midnight', () => {
    const midnight = new Date(2026, 10, 24).getTime();
    expect(shape([text(1, 'a', noon), text(2, 'b', noon + 1), text(3, 'b', noon + 2)])).toEqual(['day', '[k1]', '[k2', 'k3]']);
    expect(shape([text(1, 'a', midnight - 1_000), text(2, 'a', midnight + 1_000)])).toEqual(['day', '[k1]', 'day', '[k2]']);
  });
  it('breaks a group at an event and at a failed message', () => {
    const event: TimelineItem = { kind: 'event', key: 'e', sequence: 2, sentAt: noon + 1, actor: 'a' as UserId, event: { type: 'left' } };
    expect(shape([text(1, 'a', noon), event, text(3, 'a', noon + 2)])).toEqual(['day', '[k1]', 'event', '[k3]']);
    const failed: TimelineItem = { ...text(1, 'a', noon, true), delivery: { failed: 'rate.limited' } } as TimelineItem;
    expect(shape([failed, text(2, 'a', noon + 1, true)])).toEqual(['day', '[k1]', 'k2]']);
  });
  it('puts the divider before the first unread message of somebody else', () => {
    const items = [text(1, 'a', noon), text(2, 'me', noon + 1, true), text(3, 'a', noon + 2), text(4, 'a', noon + 3)];
    expect(shape(items, 1, 4)).toEqual(['day', '[k1]', '[k2]', 'unread', '[k3', 'k4]']);
    expect(dividerKey(items, 4, 4)).toBeNull();
  });
  it('has no divider before acts of one\'s own', () => {
    const own = [act(1, 'me', { type: 'created' }), act(2, 'me', { type: 'added', people: [user('a')] }), text(3, 'me', noon, true)];
    expect(dividerKey(own, 0, 3, user('me'))).toBeNull();
    expect(dividerKey([...own, act(4, 'a', { type: 'left' })], 0, 4, user('me'))).toBe('e4');
  });
  it('has no divider before what arrived after opening', () => {
    expect(dividerKey([text(1, 'a', noon), text(2, 'a', noon + 1)], 1, 1)).toBeNull();
  });
});

describe('changes of a timeline', () => {
  const before = view([text(5, 'a', noon), text(6, 'a', noon)]);
  it('sees older messages in front', () => {
    expect(timelineChange(before, view([text(4, 'a', noon), ...before.items]))).toEqual({ prepended: true, arrived: [], ownSent: false });
  });
  it('sees arrivals and own sends, but not an acknowledgement', () => {
    const own = text(null, 'me', noon, true);
    const sent = view([...before.items, own]);
    expect(timelineChange(before, sent).ownSent).toBe(true);
    expect(timelineChange(sent, view([...before.items, { ...own, sequence: 7, delivery: 'sent' } as TimelineItem]))).toEqual({ prepended: false, arrived: [], ownSent: false });
    expect(timelineChange(before, view([...before.items, text(7, 'b', noon)])).arrived.map((item) => item.key)).toEqual(['k7']);
  });
  it('says nothing about the first view', () => {
    expect(timelineChange(null, before)).toEqual({ prepended: false, arrived: [], ownSent: false });
  });
});

describe('links', () => {
  it('keeps punctuation of both languages outside and never makes other schemes a link', () => {
    expect(textPieces('看 https://a.example/x。See (https://b.example/y).')).toEqual([
      { text: '看 ', href: null },
      { text: 'https://a.example/x', href: 'https://a.example/x' },
      { text: '。See (', href: null },
      { text: 'https://b.example/y', href: 'https://b.example/y' },
      { text: ').', href: null },
    ]);
    expect(textPieces('javascript:alert(1) data:text/html,x').every((piece) => piece.href === null)).toBe(true);
    expect(textPieces('').length).toBe(0);
  });
});

describe('[X10] a changed key', () => {
  const change = (at: number) => ({ person: user('li'), at });
  const kinds = (items: readonly TimelineItem[], changes: readonly number[], more = false) =>
    timelineRows({ ...view(items, 99), more }, 99, { me: null, outOf: null }, changes.map(change)).map((row) => (row.kind === 'text' ? row.key : row.kind));
  it('stands where it was seen', () => {
    const items = [text(1, 'li', noon), text(2, 'li', noon + 10)];
    expect(kinds(items, [noon + 5])).toEqual(['day', 'k1', 'identity', 'k2']);
    expect(kinds(items, [noon + 20, noon - 1])).toEqual(['day', 'identity', 'k1', 'k2', 'identity']);
    expect(kinds([], [noon])).toEqual(['day', 'identity']);
  });
  it('that belongs to an older page waits for it', () => {
    expect(kinds([text(7, 'li', noon)], [noon - 1, noon + 1], true)).toEqual(['day', 'k7', 'identity']);
    expect(kinds([], [noon], true)).toEqual([]);
  });
});
