/** Retention: what the rules say goes, except what is held; erasing it, and the receipts ([R5], [R8], [R12]). */
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type ConversationId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { listPageMax, policiesMax, receiptsPageMax } from '#protocol/limits.ts';
import {
  type ErasedOther,
  type ErasedRange,
  type ErasureProof,
  type ErasureReason,
  type NoticedRule,
  type Receipt,
  type ReceiptId,
  retentionClasses,
  type RetentionPolicy,
  serverWideClasses,
} from '#protocol/retention.ts';
import { type ErasureStore, purgeEntriesMax, type RetentionStore } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { Store } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import { DueFiles, type DueFilesParts } from './files.ts';
import { Holds } from './holds.ts';
import { type ErasedPerson, type LeaverParts, Leavers } from './leavers.ts';
import { cutoffDay, heldBy, policyFor } from './policies.ts';
import { type RestoreActs, Restored } from './restored.ts';
import { RegisteredRules } from './rules.ts';
import { ServerWide, type ServerWideParts } from './server-wide.ts';
import type { ServerKey } from './server-key.ts';
import { Steps } from './steps.ts';

type Preview = Output<'retention.preview'>;
const conversationsStep = 50;

/** What a run writes into the audit log. */
export type RunActs = 'purge.run' | 'audit.trimmed' | 'account.erased' | 'person.shredded';

export type RetentionParts = Omit<LeaverParts & ServerWideParts & DueFilesParts, 'store' | 'erasure'> & {
  readonly store: RetentionStore;
  readonly erasure: ErasureStore;
  readonly key: ServerKey;
  readonly runtime: Runtime;
};

/** Those of the parts that the store gives. */
export const retentionPartsOf = ({
  retention: store,
  purged: register,
  erasure,
  blobs,
  audit,
  sessions,
  people,
  conversations: memberships,
}: Store) => ({ store, register, erasure, blobs, audit, sessions, people, memberships });

export class Retention {
  readonly holds: Holds;
  readonly leavers: Leavers;
  readonly #parts: RetentionParts;
  readonly #rules: RetentionStore;
  readonly #steps: Steps;
  readonly #files: DueFiles;
  readonly #wide: ServerWide;
  #latest: Promise<unknown> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#rules = new RegisteredRules(parts.store, parts.register);
    this.holds = new Holds(this.#rules, parts.runtime);
    this.#steps = new Steps(parts.runtime);
    this.leavers = new Leavers(parts, this.#steps);
    this.#files = new DueFiles(parts, this.#steps);
    this.#wide = new ServerWide(parts, this.leavers, this.#steps);
  }

  async get(): Promise<Omit<Output<'retention.get'>, 'clockAheadMs'>> {
    const { store, key } = this.#parts;
    return {
      policies: [...(await store.policies())],
      holds: [...(await store.holds())],
      serverKey: await key.publicKey(),
    };
  }

  /** Rules for everywhere, in the order of their classes: what a newcomer is told. */
  async noticed(): Promise<readonly NoticedRule[]> {
    const policies = await this.#parts.store.policies();
    return retentionClasses.flatMap((ofClass) => {
      const days = policies.find((policy) => policy.class === ofClass && policy.conversationId === null)?.days ?? null;
      return days === null ? [] : [{ class: ofClass, days }];
    });
  }

  /** Refuses conversation.unknown, retention.too_many; input.invalid for a conversation's rule of a class that has only one for everywhere. */
  async set(
    by: UserId,
    input: Pick<RetentionPolicy, 'class' | 'conversationId' | 'days'>,
    audit: Scribe<'policy.changed'>,
  ): Promise<Result<{ policy: RetentionPolicy }>> {
    const { store, conversations, runtime } = this.#parts;
    const { conversationId } = input;
    if (conversationId !== null && isServerWide(input.class))
      return refuse('input.invalid', { field: 'conversationId' });
    if (conversationId !== null && (await conversations.load(conversationId)) === null)
      return refuse('conversation.unknown');
    const policies = await store.policies();
    const before = policies.find((policy) => policy.class === input.class && policy.conversationId === conversationId);
    if (before === undefined && policies.length >= policiesMax) return refuse('retention.too_many');
    // Never before the one that it follows, whatever the clock does: of two the later one counts.
    const policy = { ...input, setBy: by, setAt: Math.max(runtime.now(), (before?.setAt ?? -1) + 1) };
    const id = `retention ${input.class}${conversationId === null ? '' : ` ${conversationId}`}`;
    await this.#rules.setPolicy(policy, [
      audit({
        act: 'policy.changed',
        object: { kind: 'policy', id },
        before: { days: before?.days ?? null },
        after: { days: input.days },
      }),
    ]);
    return ok({ policy });
  }

  /** What a run would erase now, and what a hold keeps of it ([R12]). At most `listPageMax` conversations; `more` when there are others. */
  async preview(): Promise<Preview> {
    const items: Preview['items'] = [];
    let more = false;
    await this.#eachConversation(async (conversationId) => {
      const item = await this.#due(conversationId);
      if (item === null) return;
      if (items.length >= listPageMax) more = true;
      else items.push(item);
    });
    return { items, others: await this.#otherDue(), more };
  }

  async #otherDue(): Promise<Preview['others']> {
    const files = (await this.#files.due()).map((due) => ({ ...due, class: 'files' as const }));
    const wide = (await this.#wide.counts()).map((due) => ({ ...due, conversationId: null }));
    return [...files, ...wide].slice(0, listPageMax).map((due) => ({
      class: due.class,
      conversationId: due.conversationId,
      count: due.count,
      before: due.before,
      days: due.days,
      heldBy: due.heldBy,
    }));
  }

  async #due(conversationId: ConversationId): Promise<Preview['items'][number] | null> {
    const { store, erasure, runtime } = this.#parts;
    const policy = policyFor(await store.policies(), 'messages', conversationId);
    const plan = policy === null ? null : await erasure.plan(conversationId, cutoffDay(runtime.now(), policy.days));
    if (policy === null || plan === null) return null;
    const hold = heldBy(await store.holds(), conversationId, runtime.now());
    return { ...plan, days: policy.days, heldBy: hold?.holdId ?? null };
  }

  /** One run at a time, one after the other. The last receipt; null when there was nothing. */
  run(audit: Scribe<RunActs>): Promise<Receipt | null> {
    const { register, erasure } = this.#parts;
    return this.#afterOthers(async () => {
      // What an earlier run could not write there comes first.
      await register.add((await erasure.floors()).map((floor) => ({ kind: 'floor', ...floor })));
      let receipt: Receipt | null = null;
      // In rounds of a bounded size, until one finds nothing more to begin; all but messages goes with the last.
      for (let begun = 1; begun > 0;) {
        begun = await this.#beginSome();
        receipt = (await this.#round(begun === 0 ? () => this.#allOthers(audit) : null, audit)) ?? receipt;
      }
      return receipt;
    });
  }

  /** Erases whoever was taken away, and what else was begun; begins nothing. Null when there was nothing to finish. */
  finish(audit: Scribe<RunActs>): Promise<Receipt | null> {
    const { erasure } = this.#parts;
    return this.#afterOthers(async () => {
      const others = await erasure.unsettled();
      const left = (await erasure.begun()) || others.length + (await this.leavers.pending()).length > 0;
      if (!left) return null;
      await this.#files.finish();
      return this.#round(() => this.leavers.finish(audit), audit);
    });
  }

  #afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#latest.then(work);
    this.#latest = run.catch(() => undefined);
    return run;
  }

  async #allOthers(audit: Scribe<RunActs>): Promise<readonly ErasedPerson[]> {
    await this.#wide.erase(audit);
    await this.#files.erase();
    return this.leavers.finish(audit);
  }

  async #round(
    eraseOthers: (() => Promise<readonly ErasedPerson[]>) | null,
    audit: Scribe<'purge.run'>,
  ): Promise<Receipt | null> {
    const ranges = await this.#parts.erasure.finish(this.#steps.pause);
    const people = eraseOthers === null ? [] : await eraseOthers();
    // Of an earlier run too, if a crash came before its receipt.
    const others = eraseOthers === null ? [] : await this.#parts.erasure.unsettled();
    const proof = await this.#proven();
    return ranges.length + others.length + people.length === 0
      ? null
      : this.#settle({ ranges, others, people }, proof, audit);
  }

  async #proven(): Promise<ErasureProof | null> {
    const proof = await this.#parts.erasure.prove(this.#steps.pause);
    // What is still found is deleted again by the next run, and gets its receipt then.
    if (proof !== null && proof.found > 0) throw new Error(`an erasure left ${proof.found} fingerprints behind`);
    return proof;
  }

  /** Entries that are going now: those of as many conversations as one round may hold. */
  async #beginSome(): Promise<number> {
    let entries = 0;
    await this.#eachConversation(async (conversationId) => {
      if (entries < purgeEntriesMax) entries += await this.#begin(conversationId);
    });
    return entries;
  }

  async #begin(conversationId: ConversationId): Promise<number> {
    const { store, erasure, runtime } = this.#parts;
    const now = runtime.now();
    const policy = policyFor(await store.policies(), 'messages', conversationId);
    if (policy === null || heldBy(await store.holds(), conversationId, now) !== null) return 0;
    const plan = await erasure.plan(conversationId, cutoffDay(now, policy.days));
    if (plan === null) return 0;
    const reason: ErasureReason = {
      kind: 'policy',
      conversationId: policy.conversationId,
      days: policy.days,
      setAt: policy.setAt,
    };
    const floor = await erasure.begin(plan, reason, now);
    if (floor === null) return 0;
    await this.#told(conversationId);
    return plan.throughSequence - plan.fromSequence + 1;
  }

  /** The register first: what it does not know would come back with an older copy. */
  async #told(conversationId: ConversationId): Promise<void> {
    const { conversations, register } = this.#parts;
    await conversations.raiseFloor(conversationId);
    const conversation = await conversations.load(conversationId);
    const record = conversation?.published;
    if (record === undefined || record.floor === null) return;
    await register.add([{ kind: 'floor', conversationId, generation: record.generation, floor: record.floor }]);
  }

  async #settle(
    { ranges, others, people }: Gone,
    proof: ErasureProof | null,
    audit: Scribe<'purge.run'>,
  ): Promise<Receipt> {
    const { erasure, key, runtime } = this.#parts;
    const receipt: Receipt = {
      receiptId: idFromBytes<ReceiptId>(runtime.random(16)),
      at: runtime.now(),
      ranges: [...ranges],
      others: [...others, ...people],
      proof,
    };
    const signed = await key.receipt(JSON.stringify(receipt));
    await erasure.settle(
      { ...signed, receiptId: receipt.receiptId, at: receipt.at },
      {
        conversations: ranges.map(({ conversationId }) => conversationId),
        people: people.map(({ userId }) => userId),
        others,
      },
      [audit({ act: 'purge.run', object: { kind: 'server', id: 'retention' }, after: factsOf(receipt) })],
    );
    return receipt;
  }

  /**
   * At start, before anything is served: what the register knows and the database does not is done again; the register
   * learns what it does not know. Resolves to how many things there were.
   */
  async reapply(audit: Scribe<RunActs | RestoreActs>): Promise<number> {
    const { store, erasure, register } = this.#parts;
    const parts = { rules: store, erasure, register, files: this.#files, leavers: this.leavers, wide: this.#wide };
    const count = await new Restored(parts).apply(audit);
    await this.leavers.outAgain();
    if (count === 0) return 0;
    await this.#round(() => this.leavers.finish(audit), audit);
    return count;
  }

  async receipts(before: ReceiptId | null, limit: number = receiptsPageMax): Promise<Output<'retention.receipts'>> {
    const { erasure } = this.#parts;
    const from = before === null ? null : await erasure.receipt(before);
    const found = before !== null && from === null ? [] : await erasure.receipts(from, limit + 1);
    const receipts = found
      .slice(0, limit)
      .map(({ receiptId, at, statement, signature }) => ({ receiptId, at, statement, signature }));
    return { receipts, more: found.length > limit };
  }

  async #eachConversation(work: (conversationId: ConversationId) => Promise<void>): Promise<void> {
    const { erasure } = this.#parts;
    for (let after: ConversationId | null = null, more = true; more;) {
      const page: readonly ConversationId[] = await erasure.conversations(after, conversationsStep);
      for (const conversationId of page) await work(conversationId);
      after = page.at(-1) ?? after;
      more = page.length === conversationsStep;
      if (more) await this.#steps.pause();
    }
  }

  /** No longer than a step: what was begun is finished after the next start. */
  stop(): void {
    this.#steps.stop();
  }
}

/** What one receipt tells of. */
interface Gone {
  readonly ranges: readonly ErasedRange[];
  readonly others: readonly ErasedOther[];
  readonly people: readonly ErasedPerson[];
}

const isServerWide = (ofClass: RetentionPolicy['class']): boolean =>
  serverWideClasses.some((serverWide) => serverWide === ofClass);

function factsOf({ receiptId, ranges, others }: Receipt) {
  const of = (ofClass: ErasedOther['class']): number =>
    others.reduce((sum, other) => sum + (other.class === ofClass ? other.count : 0), 0);
  return {
    receipt: receiptId,
    conversations: ranges.length,
    entries: ranges.reduce((sum, { counts }) => sum + counts.entries, 0),
    files: of('files'),
    auditEntries: of('audit'),
    sessions: of('sessions'),
    accounts: others.filter(({ userId }) => userId !== undefined).length,
  };
}
