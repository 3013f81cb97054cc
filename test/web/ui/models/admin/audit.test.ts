import { describe, expect, it } from 'vitest';
import { actNames } from '../../../../../server/protocol/audit.ts';
import type { AuditEntry } from '../../../../../server/protocol/audit.ts';
import type { AdministrationApi, AuditFilter } from '../../../../../web/engine/administration-api.ts';
import { LanyingError } from '../../../../../web/engine/api.ts';
import { actGroups, actsOf, anything, createAuditModel, dayStart, factsOf, filterOf, isFiltered, linesIn } from '../../../../../web/ui/models/admin/audit.ts';
import { deskOf } from '../../../../../web/ui/models/admin/desk.ts';

const entry = (index: number, act: AuditEntry['act'] = 'invite.created'): AuditEntry => ({
  index, time: 1_000 * index, act, actor: { kind: 'operator' }, object: null, reason: null, before: null, after: null, requestId: '-', personal: [],
});
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
};

type Pages = (filter: AuditFilter, before: number | null) => ReturnType<AdministrationApi['auditPage']>;
function set(auditPage: Pages, lines: readonly string[] = []) {
  const asked: unknown[] = [];
  const desk = deskOf({
    administer: (async (method: string, ...input: readonly unknown[]) => {
      asked.push([method, ...input]);
      if (method === 'auditPage') return auditPage(input[0] as AuditFilter, input[1] as number | null);
      const after = input[2] as number;
      return { text: lines[after] ?? '', next: after + 1 < lines.length ? after + 1 : null };
    }) as never,
  });
  return { model: createAuditModel(desk), asked };
}

describe('the form of the audit log', () => {
  it('has a place for every act, and each only one', () => {
    expect(actGroups.flatMap(actsOf).toSorted()).toEqual([...actNames].toSorted());
  });
  it('counts its last day as a whole', () => {
    const filter = filterOf({ ...anything, from: '2026-03-01', to: '2026-03-01' });
    expect([filter.from, filter.to]).toEqual([new Date(2026, 2, 1).getTime(), new Date(2026, 2, 2).getTime()]);
    expect(filterOf({ ...anything, act: 'key.reset', to: 'soon' })).toEqual({ act: 'key.reset' });
    expect([isFiltered(anything), isFiltered({ ...anything, from: '2026-03-01' })]).toEqual([false, true]);
    expect(dayStart('1912-01-01')).toBeNull();
  });
  it('sets facts side by side', () => {
    expect(factsOf({ before: { days: 90, kept: null }, after: { days: 30, by: 'me' } })).toEqual([
      { key: 'days', before: '90', after: '30' },
      { key: 'kept', before: 'null', after: null },
      { key: 'by', before: null, after: 'me' },
    ]);
  });
});

describe('the pages of the audit log', () => {
  it('go on where the last one ended', async () => {
    const { model } = set(async ({ act }, before) => (act === undefined ? { entries: [entry(before === null ? 9 : 4)], next: before === null ? 5 : null } : { entries: [], next: null }));
    model.load();
    await turns();
    expect(model.store.getState()).toMatchObject({ busy: false, next: 5, exportedAt: null });
    model.more();
    await turns();
    expect(model.store.getState().entries.map(({ index }) => index)).toEqual([9, 4]);
    expect(model.store.getState().next).toBeNull();
    model.more();
    expect(model.store.getState().busy).toBe(false);
  });
  it('look behind empty pages, but not for ever', async () => {
    const { model, asked } = set(async (_filter, before) => ({ entries: [], next: (before ?? 100) - 1 }));
    model.set({ act: 'key.reset' });
    await turns();
    expect(asked.filter((call) => (call as unknown[])[0] === 'auditPage')).toHaveLength(5);
    expect(model.store.getState()).toMatchObject({ entries: [], next: 95, busy: false });
  });
  it('drop the answer to what was asked before', async () => {
    const late: (() => void)[] = [];
    const { model } = set((filter) =>
      filter.act === undefined ? new Promise((resolve) => late.push(() => resolve({ entries: [entry(1)], next: null }))) : Promise.resolve({ entries: [entry(2, filter.act)], next: null }),
    );
    model.set({});
    model.set({ act: 'key.reset' });
    await turns();
    for (const answer of late) answer();
    await turns();
    expect(model.store.getState().entries.map(({ index }) => index)).toEqual([2]);
  });
  it('tell of a failure, and of the last export', async () => {
    const { model } = set(async ({ act }) => {
      if (act === 'audit.exported') return { entries: [entry(7, act)], next: null };
      throw new LanyingError('permission.denied');
    });
    model.load();
    await turns();
    expect(model.store.getState()).toMatchObject({ failed: 'permission.denied', busy: false, exportedAt: 7_000 });
  });
});

describe('an export', () => {
  it('reads every page, saves once, and counts entries', async () => {
    const { model, asked } = set(async () => ({ entries: [], next: null }), ['head\na\n', 'b\nc\n']);
    model.set({ act: 'key.reset' });
    const saved: unknown[] = [];
    model.exportAs('csv', (name, parts) => saved.push([name.replace(/\d{4}-\d\d-\d\d/, 'DAY'), ...parts]));
    model.exportAs('csv', () => saved.push('twice'));
    await turns();
    expect(saved).toEqual([['lanying-audit-DAY.csv', 'head\na\n', 'b\nc\n']]);
    expect(model.store.getState().export).toEqual({ state: 'done', count: 3 });
    expect(asked).toContainEqual(['auditLines', 'csv', { act: 'key.reset' }, 1]);
    expect(linesIn('')).toBe(0);
  });
});
