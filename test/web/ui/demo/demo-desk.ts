/** What the administrators' pages show over the demo engine: entries, rules, holds and receipts of a small company. */
import type { AuditEntry } from '../../../../server/protocol/audit.ts';
import type { CeremonyId, ConversationId, UserId } from '../../../../server/protocol/ids.ts';
import type { Hold, Receipt, RetentionPolicy } from '../../../../server/protocol/retention.ts';
import type { AdministrationApi, AdministrationMethod } from '../../../../web/engine/administration-api.ts';
import { LanyingError } from '../../../../web/engine/api.ts';
import { conversationId } from './demo-data.ts';

const day = 86_400_000;
const user = (name: string): UserId => name.padEnd(22, '0') as UserId;
const [me, lin, emre] = [user('me'), user('lin'), user('emre')];
const person = (userId: UserId): AuditEntry['actor'] => ({ kind: 'person', userId });
type Part = Pick<AuditEntry, 'act' | 'actor'> & Partial<AuditEntry>;

function entriesOf(now: number): readonly AuditEntry[] {
  const parts: readonly (readonly [number, Part])[] = [
    [4, { act: 'sign_in.failed', actor: { kind: 'stranger' }, object: { kind: 'account', id: emre }, reason: 'password', after: { unrecorded: 12 }, personal: [{ subject: 'strangers-2026-11', fields: { address: '203.0.113.77' } }] }],
    [9, { act: 'sign_in.succeeded', actor: person(lin), object: { kind: 'session', id: 'sessionSession00000000' }, reason: 'passkey', personal: [{ subject: lin, fields: { address: '198.51.100.4' } }] }],
    [31, { act: 'policy.changed', actor: person(me), object: { kind: 'policy', id: 'retention messages' }, before: { days: 365 }, after: { days: 180 }, personal: [{ subject: me, fields: { address: '198.51.100.4' } }] }],
    [44, { act: 'hold.requested', actor: person(lin), object: { kind: 'hold', id: 'holdhold00000000000000' }, after: { state: 'proposed', conversation: null, reason: '合同争议 2026-17', until: now + 90 * day } }],
    [180, { act: 'invite.created', actor: person(me), object: { kind: 'invite', id: 'inviteinvite0000000000' }, after: { role: 'member', expiresAt: now + 7 * day }, personal: [{ subject: me, fields: { label: 'Für die neue Kollegin in Hohenstein-Ernstthal', address: '198.51.100.4' } }] }],
    [1_500, { act: 'purge.run', actor: { kind: 'system', name: 'purge' }, object: { kind: 'server', id: 'retention' }, after: { receipt: 'receipt00000000000000a', conversations: 3, entries: 1_284, files: 12, auditEntries: 0, sessions: 2, accounts: 0 } }],
    [1_600, { act: 'account.erased', actor: person(me), object: { kind: 'account', id: user('gone') }, reason: 'request', personal: [{ subject: user('gone'), fields: null }] }],
    [1_610, { act: 'audit.exported', actor: person(lin), object: { kind: 'log', id: 'audit' }, after: { format: 'csv', filtered: false } }],
    [2_980, { act: 'setup.completed', actor: person(me), object: { kind: 'account', id: me } }],
  ];
  return parts.map(([minutes, part], place) => ({ index: 1_283 - place, time: now - minutes * 60_000, object: null, reason: null, before: null, after: null, requestId: `r-${8_213 - place}`, personal: [], ...part }));
}

const policiesOf = (now: number): readonly RetentionPolicy[] => {
  const rule = (ofClass: RetentionPolicy['class'], days: number | null, where: ConversationId | null = null): RetentionPolicy => ({ class: ofClass, conversationId: where, days, setBy: me, setAt: now - day });
  return [rule('messages', 180), rule('files', 30), rule('sessions', 90), rule('messages', 3_650, conversationId('audit')), rule('files', null, conversationId('long'))];
};

const holdsOf = (now: number): readonly Hold[] => {
  const hold = (holdId: string, reason: string, extra: Partial<Hold>): Hold => ({
    holdId: holdId.padEnd(22, '0') as Hold['holdId'], conversationId: null, reason, state: 'active', placedBy: lin, placedAt: now - 2 * day, confirmBy: now + day,
    confirmedBy: me, until: now + 88 * day, releaseBy: null, releasedBy: null, releasedAt: null, ...extra,
  });
  return [
    hold('a', '合同争议 2026-17', { state: 'proposed', confirmedBy: null }),
    hold('b', 'Incident of 3 November, supplier access', { conversationId: conversationId('audit') }),
    hold('c', 'Tax audit 2025', { state: 'releasing', releaseBy: me, placedAt: now - 30 * day }),
    hold('d', 'Tender, phase 1', { state: 'released', placedAt: now - 200 * day, releasedBy: me, releasedAt: now - 100 * day }),
  ];
};

function receiptsOf(now: number): Awaited<ReturnType<AdministrationApi['receipts']>> {
  const receipt = (id: string, at: number, others: Receipt['others'], ranges: Receipt['ranges'] = []): Receipt => ({
    receiptId: id.padEnd(22, '0') as Receipt['receiptId'], at, ranges, others, proof: { fingerprints: 1_284, files: 37, bytes: 91_000_000, found: 0, shredded: true },
  });
  const policy = { kind: 'policy' as const, conversationId: null, days: 180, setAt: now - 30 * day };
  const counts = { entries: 1_284, bytes: 900_000, dataKeys: 3, welcomes: 4, archiveItems: 9 };
  const run = receipt('a', now - day, [{ class: 'files', conversationId: conversationId('product'), reason: { ...policy, days: 30 }, count: 12, bytes: 8_000_000, before: now - 30 * day }], [
    { conversationId: conversationId('product'), reason: policy, fromSequence: 1, throughSequence: 1_284, fromDay: 20_000, throughDay: 20_300, counts },
  ]);
  const request = receipt('b', now - 3 * day, [{ class: 'accounts', conversationId: null, userId: user('gone'), reason: { kind: 'request', by: me, text: '离职，本人书面申请' }, count: 41, bytes: 120_000, before: now - 3 * day }]);
  const view = (one: Receipt, verified: boolean) => ({ receiptId: one.receiptId, at: one.at, receipt: one, verified, statement: JSON.stringify(one), signature: new Uint8Array(64) });
  return { receipts: [view(run, true), view(request, false)], more: true };
}

const previewOf = (now: number): Awaited<ReturnType<AdministrationApi['previewRetention']>> => ({
  items: [
    { conversationId: conversationId('product'), fromSequence: 1, throughSequence: 212, fromDay: 20_300, throughDay: 20_390, days: 180, heldBy: null },
    { conversationId: conversationId('audit'), fromSequence: 1, throughSequence: 58, fromDay: 20_300, throughDay: 20_390, days: 3_650, heldBy: 'b'.padEnd(22, '0') as Hold['holdId'] },
  ],
  others: [
    { class: 'files', conversationId: conversationId('product'), count: 4, before: now - 30 * day, days: 30, heldBy: null },
    { class: 'sessions', conversationId: null, count: 2, before: now - 90 * day, days: 90, heldBy: null },
  ],
  more: false,
});

const nothing = async (): Promise<void> => undefined;
export interface DemoDeskOptions {
  readonly now: number;
  readonly clockJumped: boolean;
  readonly nothingYet: boolean;
  readonly fault: boolean;
}
export function demoDesk({ now, clockJumped, nothingYet, fault }: DemoDeskOptions): AdministrationApi {
  const asked = async () => ({ requestId: 'request000000000000000' as CeremonyId, confirmBy: now + 15 * 60_000 });
  return {
    auditPage: async ({ act, actor }, before) => {
      const found = entriesOf(now).filter((entry) => (act === undefined || entry.act === act) && (actor === undefined || (entry.actor.kind === 'person' && entry.actor.userId === actor)));
      return before === null ? { entries: found, next: act === undefined && actor === undefined ? 1_270 : null } : { entries: [], next: null };
    },
    auditLines: async () => ({ text: 'a\nb\n', next: null }),
    checkAudit: async () => {
      if (fault) throw new LanyingError('audit.contradicted', { reason: 'forked' });
      return { size: 1_284, at: now, fault: null };
    },
    retention: async () => ({ policies: nothingYet ? [] : policiesOf(now), holds: nothingYet ? [] : holdsOf(now), clockAheadMs: clockJumped ? 400 * day : null }),
    setRetention: nothing,
    previewRetention: async () => previewOf(now),
    runRetention: async () => null,
    receipts: async () => (nothingYet ? { receipts: [], more: false } : receiptsOf(now)),
    placeHold: nothing,
    confirmHold: nothing,
    releaseHold: nothing,
    requestErasure: asked,
    confirmErasure: nothing,
    retentionRules: async () => [{ class: 'messages', days: 180 }, { class: 'files', days: 30 }],
    requestOwnErasure: asked,
    confirmOwnErasure: nothing,
  };
}

/** One call by its name, as the engine has it. */
export function administer<M extends AdministrationMethod>(desk: AdministrationApi, method: M, input: Parameters<AdministrationApi[M]>): Promise<Awaited<ReturnType<AdministrationApi[M]>>> {
  const call = desk[method] as (...given: Parameters<AdministrationApi[M]>) => Promise<Awaited<ReturnType<AdministrationApi[M]>>>;
  return call(...input);
}
