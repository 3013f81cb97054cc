/** People whose accounts are taken away: out at once, erased in steps ([R14]–[R16]). */
import type { UserId } from '#protocol/ids.ts';
import type { ErasedOther, ErasureReason, Hold } from '#protocol/retention.ts';
import type { Acts, AuditStore } from '../../ports/audit-store.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import type { EventBus } from '../../ports/event-bus.ts';
import type { GonePerson, PeopleStore } from '../../ports/people-store.ts';
import type { PurgeRegister, RetentionStore } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { ConversationStore } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Conversations } from '../conversations.ts';
import { afterDeparture, isActive, memberOf, pastStays } from '../roster.ts';
import { suspends } from './policies.ts';
import type { Steps } from './steps.ts';

export type ErasedPerson = ErasedOther & { readonly userId: UserId };

const peopleStep = 50;
const uploadsStep = 16;

export interface LeaverParts {
  readonly people: PeopleStore;
  readonly blobs: Pick<BlobStore, 'abandon'>;
  readonly audit: Pick<AuditStore, 'shred'>;
  readonly conversations: Conversations;
  readonly memberships: Pick<ConversationStore, 'memberships'>;
  readonly store: Pick<RetentionStore, 'holds'>;
  readonly register: PurgeRegister;
  readonly bus: EventBus;
  readonly runtime: Pick<Runtime, 'now'>;
}

export class Leavers {
  readonly #parts: LeaverParts;
  readonly #steps: Steps;

  constructor(parts: LeaverParts, steps: Steps) {
    this.#parts = parts;
    this.#steps = steps;
  }

  /**
   * Takes the account away and its person out of everything; true when it was there. What is left goes with `finish`.
   * `state`: `closing` leaves vault, archive and key of personal data for the rule of accounts.
   */
  async take(
    userId: UserId,
    as: { readonly state: 'closing' | 'erasing'; readonly reason: ErasureReason; readonly goneAt: number },
    acts: Acts,
  ): Promise<boolean> {
    const { people, bus } = this.#parts;
    const outcome = await people.take(userId, as, acts);
    if (outcome === 'unknown') return false;
    // Out first, at once (P6): a register that cannot be written now is written by `finish`.
    await this.#out(userId);
    bus.publish({ kind: 'devices', userId });
    await this.#register({ userId, ...as });
    return true;
  }

  #register({ userId, state, goneAt }: Pick<GonePerson, 'userId' | 'state' | 'goneAt'>): Promise<void> {
    const scope = state === 'closing' ? 'account' : 'all';
    return this.#parts.register.add([{ kind: 'person', userId, scope, goneAt }]);
  }

  /** Sessions end and sockets close at once (P6); in conversations the next commit removes the leaves ([C8]). Repeats without harm. */
  async #out(userId: UserId): Promise<void> {
    const { people, bus, memberships, conversations } = this.#parts;
    for (const { sessionId } of await people.endSessions(userId))
      bus.publish({ kind: 'sessionEnded', sessionId, reason: 'revoked' });
    for (const { conversationId } of await memberships.memberships(userId))
      await conversations.using(conversationId, async (conversation) => {
        if (!isActive(conversation.roster, userId)) return;
        const roster = afterDeparture(conversation.roster, userId, conversation.accepted.headSequence);
        const happening = { kind: 'membership', conversationId, added: [], removed: [userId] } as const;
        await conversation.accept([], { roster, groupInfo: null, welcomes: [] }, [happening]);
      });
  }

  /** A crash may have come between somebody's going and their being out everywhere. */
  async outAgain(): Promise<void> {
    for (const { userId } of await this.pending()) await this.#out(userId);
  }

  /** Erases what is due of everybody who was taken away, and shreds their keys; each goes into the next receipt. */
  async finish(audit: Scribe<'person.shredded'>): Promise<readonly ErasedPerson[]> {
    const { people, blobs, audit: log } = this.#parts;
    const erased: ErasedPerson[] = [];
    for (const gone of await this.pending()) {
      const { userId, reason, goneAt } = gone;
      await this.#out(userId);
      await this.#register(gone);
      while ((await blobs.abandon(userId, uploadsStep)).more) await this.#steps.pause();
      const { records, bytes } = await people.erase(userId, this.#steps.pause);
      if (gone.state === 'erasing')
        await log.shred(userId, [audit({ act: 'person.shredded', object: { kind: 'account', id: userId } })]);
      erased.push({ class: 'accounts', conversationId: null, userId, reason, count: records, bytes, before: goneAt });
    }
    return erased;
  }

  async pending(): Promise<readonly GonePerson[]> {
    return (await this.all()).filter(({ state }) => state === 'closing' || state === 'erasing');
  }

  /** Closed before `before`, and waiting for the rule of accounts. */
  async closedBefore(before: number): Promise<readonly GonePerson[]> {
    return (await this.all()).filter(({ state, goneAt }) => state === 'closed' && goneAt < before);
  }

  async all(): Promise<readonly GonePerson[]> {
    const found: GonePerson[] = [];
    for (let more = true; more;) {
      const page = await this.#parts.people.list(found.at(-1)?.userId ?? null, peopleStep);
      found.push(...page);
      more = page.length === peopleStep;
    }
    return found;
  }

  /** A hold of everywhere keeps everybody's data; one of a conversation that of everybody who is or was in it. */
  async heldBy(userId: UserId): Promise<Hold | null> {
    const { store, conversations, runtime } = this.#parts;
    for (const hold of await store.holds()) {
      if (!suspends(hold, runtime.now())) continue;
      if (hold.conversationId === null) return hold;
      const conversation = await conversations.load(hold.conversationId);
      if (conversation === null) continue;
      const { roster } = conversation;
      if (memberOf(roster, userId) !== undefined || pastStays(roster, userId).length > 0) return hold;
    }
    return null;
  }
}
