import { describe, expect, it } from 'vitest';
import { retentionClasses } from '../../../../../server/protocol/retention.ts';
import { holdLifetimeMsMax, holdReasonLengthMax, retentionDaysMax } from '../../../../../server/protocol/limits.ts';
import type { Hold, RetentionPolicy } from '../../../../../server/protocol/retention.ts';
import { handleTyped, erasable, linesOf, receiptFile, stillOpen } from '../../../../../web/ui/models/admin/erasure.ts';
import { classes, dayIn, daysMax, daysOf, daysTyped, dueRows, holdEnd, isShorter, singles, standingOf, stepsOf, waitsForOther } from '../../../../../web/ui/models/admin/retention.ts';

const day = 86_400_000;
const now = new Date(2026, 10, 24, 12).getTime();
const [ada, ben] = ['ada', 'ben'] as never[];
const policy = (ofClass: RetentionPolicy['class'], days: number | null, conversationId: string | null = null, setAt = 0): RetentionPolicy => ({ class: ofClass, conversationId: conversationId as never, days, setBy: ada as never, setAt });
const hold = (extra: Partial<Hold>): Hold => ({
  holdId: 'h' as never, conversationId: null, reason: 'x', state: 'proposed', placedBy: ada as never, placedAt: now, confirmBy: now + 3 * day, confirmedBy: null,
  until: now + 90 * day, releaseBy: null, releasedBy: null, releasedAt: null, ...extra,
});

describe('rules', () => {
  it('come in the order of the classes, each with its days', () => {
    expect([...classes].toSorted()).toEqual([...retentionClasses].toSorted());
    const policies = [policy('messages', 90), policy('messages', 7, 'c', 1), policy('files', null), policy('files', 3, 'd', 2)];
    expect(classes.map((ofClass) => daysOf(policies, ofClass))).toEqual([90, null, null, null, null]);
    expect(singles(policies).map(({ conversationId }) => conversationId)).toEqual(['d', 'c']);
  });
  it('take whole days only', () => {
    expect(['30', ' 1 ', '36500', '0', '36501', '1.5', '-3', '', '1e3'].map(daysTyped)).toEqual([30, 1, 36_500, null, null, null, null, null, null]);
    expect(daysMax).toBe(retentionDaysMax);
  });
  it('say when they delete what was kept', () => {
    expect([isShorter(90, 30), isShorter(null, 30), isShorter(30, 90), isShorter(30, null), isShorter(30, 30)]).toEqual([true, true, false, false, false]);
  });
  it('show what goes before what is held', () => {
    const item = { conversationId: 'c' as never, fromSequence: 3, throughSequence: 12, fromDay: 0, throughDay: 9, days: 30, heldBy: 'h' as never };
    const other = { class: 'sessions' as const, conversationId: null, count: 2, before: 5, days: 90, heldBy: null };
    const rows = dueRows({ items: [item], others: [other], more: false });
    expect(rows.map(({ class: ofClass, count, before, held }) => [ofClass, count, before, held])).toEqual([['sessions', 2, 5, false], ['messages', 10, 10 * day, true]]);
  });
});

describe('[R9] a hold', () => {
  it('needs another person for each step', () => {
    const proposed = hold({});
    expect([stepsOf(proposed, ada as never, now), stepsOf(proposed, ben as never, now)]).toEqual([['withdraw'], ['confirm', 'withdraw']]);
    expect([waitsForOther(proposed, ada as never, now), waitsForOther(proposed, ben as never, now)]).toEqual([true, false]);
    expect(stepsOf(hold({ state: 'active' }), ada as never, now)).toEqual(['release']);
    const releasing = hold({ state: 'releasing', releaseBy: ben as never });
    expect([stepsOf(releasing, ada as never, now), stepsOf(releasing, ben as never, now)]).toEqual([['confirm_release'], []]);
    expect(stepsOf(hold({ state: 'released' }), ada as never, now)).toEqual([]);
  });
  it('lapses, and runs out', () => {
    expect(standingOf(hold({}), now + 3 * day)).toBe('lapsed');
    expect(standingOf(hold({ state: 'active' }), now + 90 * day)).toBe('ended');
    expect(standingOf(hold({ state: 'released' }), now + 90 * day)).toBe('released');
    expect(stepsOf(hold({ state: 'active' }), ada as never, now + 90 * day)).toEqual([]);
  });
  it('ends after today, and within what the server takes', () => {
    expect(dayIn(1, now)).toBe('2026-11-25');
    expect(holdEnd(dayIn(0, now), now)).toBeNull();
    expect(holdEnd(dayIn(1, now), now)).toBe(new Date(2026, 10, 26).getTime());
    expect([holdEnd('', now), holdEnd(dayIn(800, now), now)]).toEqual([null, null]);
    expect(holdEnd(dayIn(729, now), now)).toBeLessThan(now + holdLifetimeMsMax);
    expect(holdReasonLengthMax).toBe(280);
  });
});

describe('[R14] an erasure', () => {
  it('is of those that this administrator may erase', () => {
    const person = (userId: string, role: 'owner' | 'admin' | 'member') => ({ userId: userId as never, handle: userId, displayName: userId, role, safetyNumber: null, identity: 'pinned' as const, verified: false, keyChanges: [] });
    const people = [person('o', 'owner'), person('a', 'admin'), person('b', 'admin'), person('m', 'member')];
    const as = (userId: string, role: 'owner' | 'admin') => ({ userId: userId as never, deviceId: 'd' as never, handle: userId, displayName: userId, role });
    expect(erasable(people, as('o', 'owner')).map(({ handle }) => handle)).toEqual(['a', 'b', 'm']);
    expect(erasable(people, as('a', 'admin')).map(({ handle }) => handle)).toEqual(['m']);
  });
  it('is confirmed by the handle as people type it, in time', () => {
    expect([' @Ada ', 'ada', 'ADA'].map(handleTyped)).toEqual(['ada', 'ada', 'ada']);
    const asked = { requestId: 'r' as never, confirmBy: now, userId: ada as never, name: 'Ada', handle: 'ada' };
    expect([stillOpen([asked], now - 1), stillOpen([asked], now)]).toEqual([[asked], []]);
  });
});

describe('[R5] a receipt', () => {
  const reason = { kind: 'restore' as const };
  const receipt = {
    receiptId: 'r' as never, at: now, proof: null,
    ranges: [{ conversationId: 'c' as never, reason, fromSequence: 1, throughSequence: 9, fromDay: 0, throughDay: 1, counts: { entries: 9, bytes: 1, dataKeys: 1, welcomes: 0, archiveItems: 0 } }],
    others: [{ class: 'accounts' as const, conversationId: null, userId: ben as never, reason, count: 4, bytes: 1, before: now }],
  };
  it('tells each thing that went', () => {
    expect(linesOf(receipt).map(({ class: ofClass, count, userId }) => [ofClass, count, userId])).toEqual([['messages', 9, null], ['accounts', 4, 'ben']]);
  });
  it('is saved as it was signed', () => {
    const file = receiptFile({ receiptId: 'r' as never, at: now, receipt, verified: true, statement: '{"a":1}', signature: new Uint8Array([1, 255]) });
    expect(file.name).toBe('lanying-receipt-r.json');
    expect(JSON.parse(file.text)).toEqual({ statement: '{"a":1}', signature: '01ff' });
  });
});
