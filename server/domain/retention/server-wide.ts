/** Classes of data with one rule for everywhere: audit entries, sessions, accounts that were closed ([R8], [U11]). */
import type { ErasureReason, HoldId, RetentionClass } from '#protocol/retention.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import type { PurgeRegister, RetentionStore, Why } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { SessionStore } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Leavers } from './leavers.ts';
import { cutoffDay, dayMs, heldBy, policyFor } from './policies.ts';
import type { Steps } from './steps.ts';

const auditStep = 5_000;
const sessionsStep = 50;

export interface ServerWideParts {
  readonly store: Pick<RetentionStore, 'policies' | 'holds'>;
  readonly audit: AuditStore;
  readonly sessions: Pick<SessionStore, 'endIdle' | 'countIdle'>;
  readonly register: PurgeRegister;
  readonly bus: EventBus;
  readonly runtime: Pick<Runtime, 'now'>;
}

interface Due {
  readonly days: number;
  readonly before: number;
  readonly reason: ErasureReason;
  readonly heldBy: HoldId | null;
}

export class ServerWide {
  readonly #parts: ServerWideParts;
  readonly #leavers: Leavers;
  readonly #steps: Steps;

  constructor(parts: ServerWideParts, leavers: Leavers, steps: Steps) {
    this.#parts = parts;
    this.#leavers = leavers;
    this.#steps = steps;
  }

  /** Everything that a run would look at, whether it is held or not; null without a rule. */
  async due(ofClass: RetentionClass): Promise<Due | null> {
    const { store, runtime } = this.#parts;
    const policy = policyFor(await store.policies(), ofClass, null);
    if (policy === null) return null;
    const { days, setAt } = policy;
    const before = Math.max(0, cutoffDay(runtime.now(), days) * dayMs);
    const hold = heldBy(await store.holds(), null, runtime.now());
    return {
      days,
      before,
      reason: { kind: 'policy', conversationId: null, days, setAt },
      heldBy: hold?.holdId ?? null,
    };
  }

  /** How much a run would take; for audit entries at most `auditStep`. */
  async counts(): Promise<
    readonly (Due & { readonly class: 'audit' | 'sessions' | 'accounts'; readonly count: number })[]
  > {
    const { audit, sessions } = this.#parts;
    const counted = {
      audit: (before: number) => audit.olderThan(before, auditStep),
      sessions: (before: number) => sessions.countIdle(before),
      accounts: async (before: number) => (await this.#leavers.closedBefore(before)).length,
    };
    const found: (Due & { readonly class: keyof typeof counted; readonly count: number })[] = [];
    for (const ofClass of ['audit', 'sessions', 'accounts'] as const) {
      const due = await this.due(ofClass);
      const count = due === null ? 0 : await counted[ofClass](due.before);
      if (due !== null && count > 0) found.push({ ...due, class: ofClass, count });
    }
    return found;
  }

  /** Accounts that are due are only taken here; Leavers.finish erases them. */
  async erase(audit: Scribe<'audit.trimmed' | 'account.erased'>): Promise<void> {
    await this.#accounts(audit);
    await this.#audit(audit);
    await this.#sessions();
  }

  async #accounts(audit: Scribe<'account.erased'>): Promise<void> {
    const due = await this.due('accounts');
    if (due === null) return;
    for (const { userId, goneAt } of await this.#leavers.closedBefore(due.before)) {
      if ((await this.#leavers.heldBy(userId)) !== null) continue;
      const act = audit({ act: 'account.erased', object: { kind: 'account', id: userId }, reason: 'policy' });
      await this.#leavers.take(userId, { state: 'erasing', goneAt, reason: due.reason }, [act]);
    }
  }

  async #audit(audit: Scribe<'audit.trimmed'>): Promise<void> {
    const due = await this.due('audit');
    if (due !== null && due.heldBy === null) await this.trim(due.before, audit);
    // Also what a crash left of an earlier one.
    await this.eraseTrimmed(due ?? { reason: { kind: 'restore' }, before: 0 });
  }

  /** What lies below the floor of the audit log. */
  eraseTrimmed({ reason, before }: Why): Promise<void> {
    return this.#parts.audit.eraseTrimmed({ reason, before }, this.#steps.pause);
  }

  /** Raises the floor of the audit log over everything older; true when there was something. */
  async trim(before: number, audit: Scribe<'audit.trimmed'>): Promise<boolean> {
    const { audit: log, register } = this.#parts;
    let trimmed = false;
    for (let count = auditStep; count === auditStep;) {
      count = await log.olderThan(before, auditStep);
      if (count === 0) break;
      trimmed = true;
      await register.add([{ kind: 'audit', before }]);
      const floor = await log.floor();
      const facts = { before: { floor }, after: { floor: floor + count } };
      await log.trim(floor + count, [audit({ act: 'audit.trimmed', object: { kind: 'log', id: 'audit' }, ...facts })]);
      await this.#steps.pause();
    }
    return trimmed;
  }

  async #sessions(): Promise<void> {
    const { sessions, bus } = this.#parts;
    const due = await this.due('sessions');
    if (due === null || due.heldBy !== null) return;
    const { before, reason } = due;
    for (let more = true; more;) {
      const ended = await sessions.endIdle({ reason, before }, sessionsStep);
      for (const { sessionId } of ended) bus.publish({ kind: 'sessionEnded', sessionId, reason: 'expired' });
      more = ended.length === sessionsStep;
      await this.#steps.pause();
    }
  }
}
