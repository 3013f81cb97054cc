/** Files that are due: by the rule of files, and those whose messages go first, which nothing names any more ([B10]). */
import type { ConversationId } from '#protocol/ids.ts';
import type { ErasureReason, HoldId } from '#protocol/retention.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import type { ErasureStore, PurgeRegister, RetentionStore, Why } from '../../ports/retention-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import { cutoffDay, dayMs, heldBy, policyFor } from './policies.ts';
import type { Steps } from './steps.ts';

const filesStep = 16;
/** Nothing expires that early but what is being removed. */
const justErased = 1;
const walkStep = 100;

export interface DueFilesParts {
  readonly store: Pick<RetentionStore, 'policies' | 'holds'>;
  readonly blobs: Pick<BlobStore, 'erase' | 'sweep' | 'walk'>;
  readonly erasure: Pick<ErasureStore, 'requestShredding'>;
  readonly register: PurgeRegister;
  readonly runtime: Pick<Runtime, 'now'>;
}

export interface DueOfConversation {
  readonly conversationId: ConversationId;
  readonly count: number;
  readonly before: number;
  readonly days: number;
  readonly reason: ErasureReason;
  readonly heldBy: HoldId | null;
}

export class DueFiles {
  readonly #parts: DueFilesParts;
  readonly #steps: Steps;

  constructor(parts: DueFilesParts, steps: Steps) {
    this.#parts = parts;
    this.#steps = steps;
  }

  /** One for each conversation with files that are due, held or not. */
  async due(): Promise<readonly DueOfConversation[]> {
    const found = new Map<ConversationId, DueOfConversation>();
    const rule = await this.#ruling();
    for (let after: string | null = null, more = true; more;) {
      const { files, next }: Awaited<ReturnType<BlobStore['walk']>> = await this.#parts.blobs.walk(after, walkStep);
      for (const { conversationId, createdAt } of files) {
        const due = found.get(conversationId) ?? rule(conversationId);
        if (due !== null && createdAt < due.before) found.set(conversationId, { ...due, count: due.count + 1 });
      }
      after = next;
      more = next !== null;
      if (more) await this.#steps.pause();
    }
    return [...found.values()];
  }

  /** The rule in force for the files of a conversation; without one null. */
  async #ruling(): Promise<(conversationId: ConversationId) => DueOfConversation | null> {
    const { store, runtime } = this.#parts;
    const [policies, holds, now] = [await store.policies(), await store.holds(), runtime.now()];
    return (conversationId) => {
      const rules = (['files', 'messages'] as const)
        .map((ofClass) => policyFor(policies, ofClass, conversationId))
        .filter((rule) => rule !== null);
      const rule = rules.toSorted((one, other) => one.days - other.days)[0];
      if (rule === undefined) return null;
      const { days, setAt } = rule;
      return {
        conversationId,
        count: 0,
        before: cutoffDay(now, days) * dayMs,
        days,
        reason: { kind: 'policy', conversationId: rule.conversationId, days, setAt },
        heldBy: heldBy(holds, conversationId, now)?.holdId ?? null,
      };
    };
  }

  async erase(): Promise<void> {
    await this.finish();
    const due = (await this.due()).filter((each) => each.heldBy === null);
    if (due.length === 0) return;
    // Before they go: what the register does not know would come back with an older copy.
    await this.#parts.register.add(
      due.map(({ conversationId, before }) => ({ kind: 'files', conversationId, before })),
    );
    for (const { conversationId, before, reason } of due) await this.eraseBefore(conversationId, { before, reason });
  }

  /** True when there was one. */
  async eraseBefore(conversationId: ConversationId, why: Why): Promise<boolean> {
    const { blobs, erasure } = this.#parts;
    let count = 0;
    for (let more = true; more;) {
      const step = await blobs.erase(conversationId, why, filesStep);
      count += step.files;
      more = step.more;
      if (more) await this.#steps.pause();
    }
    if (count > 0) await erasure.requestShredding();
    return count > 0;
  }

  /** Removals that a crash cut off: a receipt is to tell of them, so they come to their end before it. */
  async finish(): Promise<void> {
    while ((await this.#parts.blobs.sweep(justErased, filesStep)) === filesStep) await this.#steps.pause();
  }
}
