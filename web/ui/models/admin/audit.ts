/** The audit log as administrators look through it: filters, pages, what an entry says, and the export. */
import type { ActName, AuditEntry } from '#protocol/audit.ts';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { codeOf, type EngineErrorCode, type UserId } from '../app.ts';
import type { AdministrationApi, AuditFilter } from './desk.ts';

export type { ActName, AuditEntry };
export const actGroups = ['people', 'sign_in', 'keys', 'rules', 'erasing', 'server'] as const;
export type ActGroup = (typeof actGroups)[number];

/** Every act has its place: one that is added without one does not compile. */
const groups: Readonly<Record<ActName, ActGroup>> = {
  'account.created': 'people', 'invite.created': 'people', 'invite.revoked': 'people', 'invite.used': 'people',
  'sign_in.succeeded': 'sign_in', 'sign_in.failed': 'sign_in', 'session.ended': 'sign_in', 'session.proven': 'sign_in', 'recovery_code.used': 'sign_in',
  'device.registered': 'keys', 'device.attached': 'keys', 'device.removed': 'keys', 'unlockers.changed': 'keys',
  'password.changed': 'keys', 'password.reset_issued': 'keys', 'passkey.added': 'keys', 'passkey.renamed': 'keys', 'passkey.suspected': 'keys', 'totp.added': 'keys',
  'totp.removed': 'keys', 'recovery_codes.made': 'keys', 'passkey.removed': 'keys', 'key.reset': 'keys',
  'role.changed': 'rules', 'policy.changed': 'rules', 'hold.requested': 'rules', 'hold.placed': 'rules',
  'hold.lifted': 'rules', 'hold.expired': 'rules',
  'purge.run': 'erasing', 'erasure.requested': 'erasing', 'account.closed': 'erasing', 'account.erased': 'erasing',
  'person.shredded': 'erasing', 'audit.trimmed': 'erasing',
  'setup.completed': 'server', 'export.made': 'server', 'audit.exported': 'server', 'backup.made': 'server',
  'backup.restored': 'server', 'settings.changed': 'server',
};
const isAct = (name: string): name is ActName => Object.hasOwn(groups, name);
export const actsOf = (group: ActGroup): readonly ActName[] => Object.keys(groups).filter((name) => isAct(name) && groups[name] === group).filter(isAct);
/** What somebody should look at twice. */
export const isGrave = (act: ActName): boolean => act === 'sign_in.failed' || act === 'key.reset' || act === 'passkey.suspected' || act === 'backup.restored' || groups[act] === 'erasing';

/** As the form has it; empty: anything. Days are `YYYY-MM-DD` of this device's calendar. */
export interface AuditForm {
  readonly act: ActName | '';
  readonly actor: UserId | '';
  readonly from: string;
  readonly to: string;
}
export const anything: AuditForm = { act: '', actor: '', from: '', to: '' };
export const isFiltered = (form: AuditForm): boolean => Object.values(form).some((value) => value !== '');

/** Midnight of a day plus whole days, in milliseconds; null for what is no day. */
export function dayStart(day: string, plusDays = 0): number | null {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? [];
  if (year === undefined || month === undefined || date === undefined) return null;
  const at = new Date(Number(year), Number(month) - 1, Number(date) + plusDays).getTime();
  return Number.isFinite(at) && at >= 0 ? at : null;
}

/** The last day counts as a whole. */
export function filterOf({ act, actor, from, to }: AuditForm): AuditFilter {
  const [start, end] = [dayStart(from), dayStart(to, 1)];
  return {
    ...(act === '' ? {} : { act }),
    ...(actor === '' ? {} : { actor }),
    ...(start === null ? {} : { from: start }),
    ...(end === null ? {} : { to: end }),
  };
}

/** Facts that have a word of their own; others are shown by their names. */
const knownFacts: ReadonlySet<string> = new Set([
  'unrecorded', 'days', 'state', 'reason', 'until', 'conversation', 'role', 'expiresAt', 'factor', 'device', 'session', 'usedBy', 'format', 'filtered',
  'receipt', 'conversations', 'entries', 'files', 'auditEntries', 'sessions', 'accounts', 'floor', 'passkeys', 'recoveryCodes', 'scope', 'act',
]);
export const hasWord = (fact: string): boolean => knownFacts.has(fact);

export interface Fact {
  readonly key: string;
  readonly before: string | null;
  readonly after: string | null;
}
const told = (value: string | number | boolean | null | undefined): string | null => (value === undefined ? null : String(value));
/** Facts before and after, side by side, in their order. */
export function factsOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>): readonly Fact[] {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return keys.map((key) => ({ key, before: told(before?.[key]), after: told(after?.[key]) }));
}

export type Export = { readonly state: 'idle' } | { readonly state: 'running' | 'done'; readonly count: number } | { readonly state: 'failed'; readonly code: EngineErrorCode };
export interface AuditState {
  readonly form: AuditForm;
  readonly entries: readonly AuditEntry[];
  /** Where older ones begin; null at the beginning of the log. */
  readonly next: number | null;
  readonly busy: boolean;
  readonly failed: EngineErrorCode | null;
  /** When the log was last exported; null: never, as far as was looked. Undefined until it is known. */
  readonly exportedAt: number | null | undefined;
  readonly export: Export;
}
export interface AuditModel {
  readonly store: StoreApi<AuditState>;
  /** Reads from the newest on. */
  load(): void;
  more(): void;
  set(form: Partial<AuditForm>): void;
  /** `save` is given the whole file, with its name. */
  exportAs(format: 'jsonl' | 'csv', save: (name: string, parts: readonly string[]) => void): void;
}

/** How many empty pages are looked behind by itself: each looks at a bounded number of entries. */
const emptyPagesMax = 5;

async function seek(desk: AdministrationApi, filter: AuditFilter, before: number | null): ReturnType<AdministrationApi['auditPage']> {
  let page = await desk.auditPage(filter, before);
  for (let looked = 1; page.entries.length === 0 && page.next !== null && looked < emptyPagesMax; looked += 1) page = await desk.auditPage(filter, page.next);
  return page;
}

export const linesIn = (text: string): number => text.split('\n').length - 1;

class Audit implements AuditModel {
  readonly store = createStore<AuditState>(() => ({ form: anything, entries: [], next: null, busy: true, failed: null, exportedAt: undefined, export: { state: 'idle' } }));
  /** Answers to what was asked before the filters changed are dropped. */
  #round = 0;

  constructor(readonly desk: AdministrationApi) {}

  load(): void {
    this.store.setState({ entries: [], next: null });
    this.#read(null);
    this.#lastExport();
  }

  more(): void {
    const { next, busy } = this.store.getState();
    if (next !== null && !busy) this.#read(next);
  }

  set(form: Partial<AuditForm>): void {
    this.store.setState(({ form: before }) => ({ form: { ...before, ...form }, entries: [], next: null, export: { state: 'idle' } }));
    this.#read(null);
  }

  #read(before: number | null): void {
    this.#round += 1;
    const round = this.#round;
    this.store.setState({ busy: true, failed: null });
    seek(this.desk, filterOf(this.store.getState().form), before).then(
      ({ entries, next }) => {
        if (round === this.#round) this.store.setState((now) => ({ entries: [...now.entries, ...entries], next, busy: false }));
      },
      (error: unknown) => {
        if (round === this.#round) this.store.setState({ busy: false, failed: codeOf(error) });
      },
    );
  }

  #lastExport(): void {
    seek(this.desk, { act: 'audit.exported' }, null).then(
      ({ entries }) => this.store.setState({ exportedAt: entries[0]?.time ?? null }),
      // The list itself tells of a failure.
      () => undefined,
    );
  }

  exportAs(format: 'jsonl' | 'csv', save: (name: string, parts: readonly string[]) => void): void {
    if (this.store.getState().export.state === 'running') return;
    this.store.setState({ export: { state: 'running', count: 0 } });
    this.#collect(format).then(
      ({ parts, count }) => {
        save(`lanying-audit-${new Date().toISOString().slice(0, 10)}.${format}`, parts);
        this.store.setState({ export: { state: 'done', count }, exportedAt: Date.now() });
      },
      (error: unknown) => this.store.setState({ export: { state: 'failed', code: codeOf(error) } }),
    );
  }

  async #collect(format: 'jsonl' | 'csv'): Promise<{ readonly parts: readonly string[]; readonly count: number }> {
    const filter = filterOf(this.store.getState().form);
    const parts: string[] = [];
    // The first line of CSV names the columns.
    let count = format === 'csv' ? -1 : 0;
    for (let after: number | null = 0; after !== null; ) {
      const page: Awaited<ReturnType<AdministrationApi['auditLines']>> = await this.desk.auditLines(format, filter, after);
      parts.push(page.text);
      count += linesIn(page.text);
      this.store.setState({ export: { state: 'running', count: Math.max(0, count) } });
      after = page.next;
    }
    return { parts, count };
  }
}

export const createAuditModel = (desk: AdministrationApi): AuditModel => new Audit(desk);
