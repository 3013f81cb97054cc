import { describe, expect, it } from 'vitest';
import type { ConversationId } from '../../../../server/protocol/ids.ts';
import type { ConversationView, EngineSnapshot, UserId } from '../../../../web/ui/models/app.ts';
import { conversationRows, filterRows, listKey, neighbour, stopOf, unreadTotal } from '../../../../web/ui/models/conversation-list.ts';
import { digitGroups, directConversation, filterPeople, shortTitle } from '../../../../web/ui/models/people.ts';

const user = (name: string): UserId => name as UserId;
const me = 'me' as UserId;
const ann = 'ann' as UserId;
const bob = 'bob' as UserId;
const now = new Date(2026, 10, 23, 12).getTime();
const make = (id: string, extra: Partial<ConversationView>): ConversationView => ({
  conversationId: id as ConversationId, title: null, members: [me, ann], owner: me, mayRemove: true, active: true, unread: 0,
  last: null, draft: '', failedSends: 0, blockedBy: [], halted: null, activeAt: now, ...extra,
});
const person = (userId: UserId, displayName: string) => ({ userId, handle: userId, displayName, role: 'member' as const, safetyNumber: null, identity: 'pinned' as const, verified: false, keyChanges: [] });
const people = [person(me, 'Me'), person(ann, 'Ann'), person(bob, '鲍勃')];
const snapshot = (conversations: readonly ConversationView[]): EngineSnapshot => ({
  account: { state: 'ready', me: { userId: me, deviceId: 'd' as never, handle: 'me', displayName: 'Me', role: 'owner' } },
  connection: { state: 'online' }, people, gone: [user('dan')], devices: [], vault: null, approval: null, conversations, directory: { state: 'consistent' }, notices: [], audit: null,
});
const rows = (...conversations: readonly ConversationView[]) => conversationRows(snapshot(conversations), now, 'en', 'Deleted account');

describe('the conversation list', () => {
  it('puts the newest first and keeps equal times in one order', () => {
    const a = make('a', { activeAt: 1 });
    const b = make('b', { activeAt: 1 });
    const c = make('c', { activeAt: 2 });
    expect(rows(b, a, c).map((row) => row.id)).toEqual(['c', 'a', 'b']);
    expect(rows(a, c, b).map((row) => row.id)).toEqual(['c', 'a', 'b']);
  });
  it('names a conversation by title, else by the others, else not at all', () => {
    expect(rows(make('a', { title: 'Team' }))[0]?.title).toBe('Team');
    expect(rows(make('a', { members: [me, bob, ann] }))[0]?.title).toBe('Ann 鲍勃');
    expect(rows(make('a', { members: [me] }))[0]?.title).toBeNull();
  });
  it('says of somebody whose account is gone that it is, and of somebody not known yet nothing', () => {
    const dan = user('dan');
    const last = { from: dan, text: 'I am leaving', at: now };
    expect(rows(make('a', { members: [me, dan] }))[0]?.title).toBe('Deleted account');
    expect(rows(make('a', { members: [me, dan, ann], last }))[0]).toMatchObject({ title: 'Ann Deleted account', preview: { name: 'Deleted account' } });
    expect(rows(make('a', { members: [me, user('eve')] }))[0]?.title).toBeNull();
  });
  it('says in the preview what matters most: failed, then draft, then the last message', () => {
    const last = { from: ann, text: 'two\n lines', at: now };
    expect(rows(make('a', { failedSends: 1, draft: 'x', last }))[0]?.preview).toEqual({ kind: 'failed' });
    expect(rows(make('a', { draft: 'x', last }))[0]?.preview).toEqual({ kind: 'draft', text: 'x' });
    expect(rows(make('a', { draft: '  ', last }))[0]?.preview).toEqual({ kind: 'other', name: null, text: 'two lines' });
    expect(rows(make('a', { members: [me, ann, bob], last }))[0]?.preview).toEqual({ kind: 'other', name: 'Ann', text: 'two lines' });
    expect(rows(make('a', { last: { ...last, from: me } }))[0]?.preview).toEqual({ kind: 'own', text: 'two lines' });
    expect(rows(make('a', {}))[0]?.preview).toEqual({ kind: 'empty' });
    expect(rows(make('a', { active: false, draft: 'x' }))[0]?.preview).toEqual({ kind: 'left' });
  });
  it('marks what does not go on: halted before a changed key before a failed send', () => {
    const last = { from: ann, text: 'hello', at: now };
    const failed = make('a', { failedSends: 1, last });
    const blocked = { ...failed, blockedBy: [ann] };
    const kind = (item: ConversationView) => rows(item)[0]?.preview.kind;
    expect(kind(failed)).toBe('failed');
    expect(kind(blocked)).toBe('blocked');
    expect(kind({ ...blocked, halted: 'forked' })).toBe('halted');
    expect(kind({ ...failed, halted: 'commit_refused' })).toBe('halted');
  });
  it('asks for the decision about a key before it gives up on a refused change of members', () => {
    expect(stopOf(make('a', { blockedBy: [ann], halted: 'commit_refused' }))).toEqual({ kind: 'blocked', by: ann });
    expect(stopOf(make('a', { blockedBy: [ann], halted: 'forked' }))).toEqual({ kind: 'halted', reason: 'forked' });
    expect(stopOf(make('a', {}))).toBeNull();
  });
  it('knows the neighbours of a conversation and stops at both ends', () => {
    const all = rows(make('a', { activeAt: 3 }), make('b', { activeAt: 2 }), make('c', { activeAt: 1 }));
    expect(neighbour(all, 'a', 1)).toBe('b');
    expect(neighbour(all, 'b', -1)).toBe('a');
    expect(neighbour(all, 'a', -1)).toBeNull();
    expect(neighbour(all, 'c', 1)).toBeNull();
    expect(neighbour(all, null, 1)).toBe('a');
    expect(neighbour(all, 'gone', -1)).toBe('c');
    expect(neighbour([], null, 1)).toBeNull();
  });
  it('filters by title without regard to case', () => {
    const all = rows(make('a', { title: 'Team' }), make('b', { title: 'Other' }), make('c', { members: [me] }));
    expect(filterRows(all, ' TEA ').map((row) => row.id)).toEqual(['a']);
    expect(filterRows(all, '').length).toBe(3);
  });
  it('moves by arrow keys and stops at both ends', () => {
    expect(listKey('ArrowDown', 2, 3)).toBe(2);
    expect(listKey('ArrowUp', 0, 3)).toBe(0);
    expect(listKey('ArrowDown', -1, 3)).toBe(0);
    expect(listKey('End', 0, 3)).toBe(2);
    expect(listKey('Home', 2, 3)).toBe(0);
    expect(listKey('a', 0, 3)).toBeNull();
    expect(listKey('ArrowDown', 0, 0)).toBeNull();
  });
  it('sums unread messages', () => {
    expect(unreadTotal(snapshot([make('a', { unread: 2 }), make('b', { unread: 3 })]))).toBe(5);
  });
});

describe('people', () => {
  it('finds the one conversation of two that has no title and is alive', () => {
    const titled = make('t', { title: 'Team' });
    const left = make('l', { active: false });
    const direct = make('d', {});
    expect(directConversation([titled, left, make('g', { members: [me, ann, bob] }), direct], ann)?.conversationId).toBe('d');
    expect(directConversation([titled, left], ann)).toBeUndefined();
  });
  it('filters by name and handle', () => {
    expect(filterPeople(people, '鲍').map((one) => one.userId)).toEqual([bob]);
    expect(filterPeople(people, 'AN').map((one) => one.userId)).toEqual([ann]);
  });
  it('shortens a title to a width, by whole characters', () => {
    expect(shortTitle('Front desk', 10)).toBe('Front desk');
    expect(shortTitle('Front desk of the house', 12)).toBe('Front desk o…');
    expect(shortTitle('研究与供应商协调小组', 8)).toBe('研究与供…');
    expect(shortTitle('👩‍💻👩‍💻👩‍💻', 4)).toBe('👩‍💻👩‍💻…');
  });
  it('shows 60 digits as twelve groups', () => {
    expect(digitGroups('1'.repeat(60))).toHaveLength(12);
  });
});
