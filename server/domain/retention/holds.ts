/** Legal holds: two people, time-boxed, each step an entry in the audit log ([R9]). */
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type ConversationId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { holdConfirmMs, holdLifetimeMsMax, holdsOpenMax } from '#protocol/limits.ts';
import type { Hold, HoldId } from '#protocol/retention.ts';
import type { RetentionStore } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { Scribe } from '../audit/scribe.ts';
import { suspends } from './policies.ts';

export interface HoldInput {
  readonly conversationId: ConversationId | null;
  readonly reason: string;
  readonly until: number;
}

export class Holds {
  readonly #store: RetentionStore;
  readonly #runtime: Runtime;

  constructor(store: RetentionStore, runtime: Runtime) {
    this.#store = store;
    this.#runtime = runtime;
  }

  list(): Promise<readonly Hold[]> {
    return this.#store.holds();
  }

  /** Suspends at once, and lapses unless somebody else confirms it. Refuses input.invalid, hold.too_many. */
  async place(by: UserId, input: HoldInput, audit: Scribe<'hold.requested'>): Promise<Result<{ hold: Hold }>> {
    const now = this.#runtime.now();
    if (input.until <= now || input.until > now + holdLifetimeMsMax) return refuse('input.invalid', { field: 'until' });
    const open = (await this.#store.holds()).filter((hold) => suspends(hold, now));
    if (open.length >= holdsOpenMax) return refuse('hold.too_many');
    const hold: Hold = {
      ...input,
      holdId: idFromBytes<HoldId>(this.#runtime.random(16)),
      state: 'proposed',
      placedBy: by,
      placedAt: now,
      confirmBy: now + holdConfirmMs,
      confirmedBy: null,
      releaseBy: null,
      releasedBy: null,
      releasedAt: null,
    };
    await this.#store.putHold(hold, null, [audit({ act: 'hold.requested', ...objectOf(hold), after: factsOf(hold) })]);
    return ok({ hold });
  }

  /** A second person makes a proposed hold stand, or a release final. Refuses hold.unknown, hold.second_person. */
  async confirm(
    by: UserId,
    holdId: HoldId,
    audit: Scribe<'hold.placed' | 'hold.lifted'>,
  ): Promise<Result<{ hold: Hold }>> {
    const hold = await this.#standing(holdId);
    if (hold === null || hold.state === 'active') return refuse('hold.unknown');
    if (hold.state === 'proposed') {
      if (hold.placedBy === by) return refuse('hold.second_person');
      return this.#move(hold, { ...hold, state: 'active', confirmedBy: by }, (facts) => [
        audit({ act: 'hold.placed', ...objectOf(hold), ...facts }),
      ]);
    }
    if (hold.releaseBy === by) return refuse('hold.second_person');
    return this.#move(hold, this.#released(hold, by), (facts) => [
      audit({ act: 'hold.lifted', ...objectOf(hold), ...facts }),
    ]);
  }

  /** Asks for the release of a hold that stands, which a second person confirms; withdraws a proposed one. Refuses hold.unknown. */
  async release(
    by: UserId,
    holdId: HoldId,
    audit: Scribe<'hold.requested' | 'hold.lifted'>,
  ): Promise<Result<{ hold: Hold }>> {
    const hold = await this.#standing(holdId);
    if (hold === null || hold.state === 'releasing') return refuse('hold.unknown');
    if (hold.state === 'proposed')
      return this.#move(hold, this.#released(hold, by), (facts) => [
        audit({ act: 'hold.lifted', ...objectOf(hold), ...facts }),
      ]);
    const next: Hold = { ...hold, state: 'releasing', releaseBy: by };
    return this.#move(hold, next, (facts) => [
      audit({ act: 'hold.requested', reason: 'release', ...objectOf(hold), ...facts }),
    ]);
  }

  #released(hold: Hold, by: UserId): Hold {
    return { ...hold, state: 'released', releasedBy: by, releasedAt: this.#runtime.now() };
  }

  async #standing(holdId: HoldId): Promise<Hold | null> {
    const hold = (await this.#store.holds()).find((each) => each.holdId === holdId);
    return hold !== undefined && suspends(hold, this.#runtime.now()) ? hold : null;
  }

  async #move(
    hold: Hold,
    next: Hold,
    acts: (facts: {
      readonly before: ReturnType<typeof factsOf>;
      readonly after: ReturnType<typeof factsOf>;
    }) => Parameters<RetentionStore['putHold']>[2],
  ): Promise<Result<{ hold: Hold }>> {
    const outcome = await this.#store.putHold(next, hold.state, acts({ before: factsOf(hold), after: factsOf(next) }));
    return outcome === 'conflict' ? refuse('hold.unknown') : ok({ hold: next });
  }
}

const objectOf = ({ holdId }: Hold) => ({ object: { kind: 'hold' as const, id: holdId } });
const factsOf = ({ state, conversationId, reason, until }: Hold) => ({
  state,
  conversation: conversationId,
  reason,
  until,
});
