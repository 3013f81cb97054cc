/** Retention: what the rules say goes, except what is held; erasing it, and the receipts ([R5], [R8], [R12]). */
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type ConversationId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { listPageMax, policiesMax, receiptsPageMax } from '#protocol/limits.ts';
import type {
  ErasedOther,
  ErasedRange,
  ErasureProof,
  ErasureReason,
  Receipt,
  ReceiptId,
  RetentionPolicy,
} from '#protocol/retention.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import {
  type ErasureStore,
  type Pause,
  purgeEntriesMax,
  type PurgeRegister,
  type RetentionStore,
} from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Conversations } from '../conversations.ts';
import { Holds } from './holds.ts';
import { cutoffDay, dayMs, heldBy, policyFor } from './policies.ts';
import type { ServerKey } from './server-key.ts';

type Preview = Output<'retention.preview'>;
const pauseMs = 5;
const filesStep = 16;
const conversationsStep = 50;

export interface RetentionParts {
  readonly store: RetentionStore;
  readonly erasure: ErasureStore;
  readonly blobs: Pick<BlobStore, 'erase'>;
  readonly conversations: Conversations;
  readonly register: PurgeRegister;
  readonly key: ServerKey;
  readonly runtime: Runtime;
}

export class Retention {
  readonly holds: Holds;
  readonly #parts: RetentionParts;
  #latest: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.holds = new Holds(parts.store, parts.runtime);
  }

  async get(): Promise<Output<'retention.get'>> {
    const { store, key } = this.#parts;
    return {
      policies: [...(await store.policies())],
      holds: [...(await store.holds())],
      serverKey: await key.publicKey(),
    };
  }

  /** Refuses conversation.unknown, retention.too_many. */
  async set(
    by: UserId,
    input: Pick<RetentionPolicy, 'class' | 'conversationId' | 'days'>,
    audit: Scribe<'policy.changed'>,
  ): Promise<Result<{ policy: RetentionPolicy }>> {
    const { store, conversations, runtime } = this.#parts;
    const { conversationId } = input;
    if (conversationId !== null && (await conversations.load(conversationId)) === null)
      return refuse('conversation.unknown');
    const policies = await store.policies();
    const before = policies.find((policy) => policy.class === input.class && policy.conversationId === conversationId);
    if (before === undefined && policies.length >= policiesMax) return refuse('retention.too_many');
    const policy = { ...input, setBy: by, setAt: runtime.now() };
    const id = `retention ${input.class}${conversationId === null ? '' : ` ${conversationId}`}`;
    await store.setPolicy(policy, [
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
    return { items, more };
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
  run(audit: Scribe<'purge.run'>): Promise<Receipt | null> {
    const run = this.#latest.then(() => this.#run(audit));
    this.#latest = run.catch(() => undefined);
    return run;
  }

  async #run(audit: Scribe<'purge.run'>): Promise<Receipt | null> {
    // What an earlier run could not write there comes first.
    await this.#parts.register.add(await this.#parts.erasure.floors());
    let receipt: Receipt | null = null;
    // In rounds of a bounded size, until one finds nothing more to begin; the files go with the last.
    for (let begun = 1; begun > 0;) {
      begun = await this.#beginSome();
      receipt = (await this.#round(begun === 0, audit)) ?? receipt;
    }
    return receipt;
  }

  async #round(isLast: boolean, audit: Scribe<'purge.run'>): Promise<Receipt | null> {
    const ranges = await this.#parts.erasure.finish(this.#pause);
    const others = isLast ? await this.#eraseFiles() : [];
    const proof = await this.#parts.erasure.prove(this.#pause);
    // What is still found is deleted again by the next run, and gets its receipt then.
    if (proof !== null && proof.found > 0) throw new Error(`an erasure left ${proof.found} fingerprints behind`);
    return ranges.length + others.length === 0 ? null : this.#settle(ranges, others, proof, audit);
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
    await register.add([{ conversationId, generation: record.generation, floor: record.floor }]);
  }

  /** Files by the rule of files; those of a conversation whose messages go first have no message that names them any more. */
  async #eraseFiles(): Promise<readonly ErasedOther[]> {
    const { store, blobs, erasure, runtime } = this.#parts;
    const erased: ErasedOther[] = [];
    const policies = await store.policies();
    await this.#eachConversation(async (conversationId) => {
      const now = runtime.now();
      if (heldBy(await store.holds(), conversationId, now) !== null) return;
      const rules = [
        policyFor(policies, 'files', conversationId),
        policyFor(policies, 'messages', conversationId),
      ].filter((rule) => rule !== null);
      const rule = rules.toSorted((one, other) => one.days - other.days)[0];
      if (rule === undefined) return;
      const before = cutoffDay(now, rule.days) * dayMs;
      let count = 0;
      let bytes = 0;
      for (let more = true; more;) {
        const step = await blobs.erase(conversationId, before, filesStep);
        count += step.files;
        bytes += step.bytes;
        more = step.more;
        if (more) await this.#pause();
      }
      if (count === 0) return;
      const reason: ErasureReason = {
        kind: 'policy',
        conversationId: rule.conversationId,
        days: rule.days,
        setAt: rule.setAt,
      };
      erased.push({ class: 'files', conversationId, reason, count, bytes, before });
    });
    if (erased.length > 0) await erasure.requestShredding();
    return erased;
  }

  async #settle(
    ranges: readonly ErasedRange[],
    others: readonly ErasedOther[],
    proof: ErasureProof | null,
    audit: Scribe<'purge.run'>,
  ): Promise<Receipt> {
    const { erasure, key, runtime } = this.#parts;
    const receipt: Receipt = {
      receiptId: idFromBytes<ReceiptId>(runtime.random(16)),
      at: runtime.now(),
      ranges: [...ranges],
      others: [...others],
      proof,
    };
    const signed = await key.receipt(JSON.stringify(receipt));
    const entries = ranges.reduce((sum, { counts }) => sum + counts.entries, 0);
    const files = others.reduce((sum, { count }) => sum + count, 0);
    const after = { receipt: receipt.receiptId, conversations: ranges.length, entries, files };
    await erasure.settle(
      { ...signed, receiptId: receipt.receiptId, at: receipt.at },
      ranges.map(({ conversationId }) => conversationId),
      [audit({ act: 'purge.run', object: { kind: 'server', id: 'retention' }, after })],
    );
    return receipt;
  }

  /**
   * At start, before anything is served: floors of the register that the database does not know are raised again and
   * what lies below is erased; the register learns what it does not know. Resolves to how many logs were purged again.
   */
  async reapply(audit: Scribe<'purge.run'>): Promise<number> {
    const { erasure, register } = this.#parts;
    const raised = await erasure.reapply(await register.read());
    await register.add(await erasure.floors());
    if (raised.length === 0) return 0;
    const ranges = await erasure.finish(this.#pause);
    const proof = await erasure.prove(this.#pause);
    if (proof !== null && proof.found > 0) throw new Error(`an erasure left ${proof.found} fingerprints behind`);
    await this.#settle(ranges, [], proof, audit);
    return raised.length;
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
      if (more) await this.#pause();
    }
  }

  /** No longer than a step: what was begun is finished after the next start. */
  stop(): void {
    this.#stopping = true;
  }

  readonly #pause: Pause = () =>
    new Promise((resolve, reject) => {
      if (this.#stopping) reject(new Error('the server stops; the purge goes on after the next start'));
      else this.#parts.runtime.after(pauseMs, resolve);
    });
}
