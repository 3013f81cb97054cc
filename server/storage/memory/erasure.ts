/** The model of erasure: what is raised is gone at once, and nothing is left that a proof could find. */
import type { ConversationId } from '#protocol/ids.ts';
import { archiveBaseEvery } from '#protocol/limits.ts';
import type { ErasedOther, ErasedRange, ErasureProof, ErasureReason, ReceiptId } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import {
  type ErasureStore,
  type LogFloor,
  purgeDaysMax,
  type PurgePlan,
  type RegisteredFloor,
  type Settled,
  type StoredReceipt,
} from '../../ports/retention-store.ts';
import type { MemoryConversations } from './conversations.ts';
import { copy, copyOrNull, type Shelf } from './shelf.ts';

const dayMs = 86_400_000;
const dayOf = (sentAt: number): number => Math.floor(sentAt / dayMs);

export class MemoryErasure implements ErasureStore {
  readonly #shelf: Shelf;
  readonly #conversations: MemoryConversations;
  readonly #open = new Map<ConversationId, ErasedRange>();
  readonly #receipts: StoredReceipt[] = [];
  #unproven = false;

  constructor(shelf: Shelf, conversations: MemoryConversations) {
    this.#shelf = shelf;
    this.#conversations = conversations;
  }

  async conversations(after: ConversationId | null, limit: number): Promise<readonly ConversationId[]> {
    const all = this.#conversations.all().map(({ conversationId }) => conversationId);
    const from = after === null ? 0 : all.indexOf(after) + 1;
    return all.slice(from, from + limit);
  }

  async plan(conversationId: ConversationId, beforeDay: number): Promise<PurgePlan | null> {
    const entries = this.#conversations.entriesOf(conversationId);
    const days = [...new Set(entries.map(({ sentAt }) => dayOf(sentAt)))]
      .filter((day) => day < beforeDay)
      .slice(0, purgeDaysMax);
    const going = entries.filter(({ sentAt }) => days.includes(dayOf(sentAt)));
    const [first] = going;
    const last = going.at(-1);
    if (first === undefined || last === undefined) return null;
    return {
      conversationId,
      fromSequence: first.sequence,
      throughSequence: last.sequence,
      fromDay: dayOf(first.sentAt),
      throughDay: dayOf(last.sentAt),
    };
  }

  async begin(plan: PurgePlan, reason: ErasureReason, purgedAt: number): Promise<LogFloor | null> {
    this.#shelf.writing();
    const last = this.#conversations
      .entriesOf(plan.conversationId)
      .findLast(({ sentAt }) => dayOf(sentAt) <= plan.throughDay);
    if (last?.sequence !== plan.throughSequence) return null;
    const floor = { sequence: last.sequence, hash: last.hash, sentAt: last.sentAt, day: plan.throughDay, purgedAt };
    this.#raise(plan, reason, floor);
    return copy(floor);
  }

  #raise(plan: PurgePlan, reason: ErasureReason, floor: LogFloor): void {
    const { conversationId } = plan;
    const gone = this.#conversations.entriesOf(conversationId).filter(({ sequence }) => sequence <= floor.sequence);
    const dataKeys = new Set(gone.map(({ sentAt }) => dayOf(sentAt))).size;
    const bytes = gone.reduce((sum, { body }) => sum + body.length, 0);
    this.#conversations.raiseFloor(conversationId, copy(floor));
    const left = this.#conversations.entriesOf(conversationId)[0];
    const epoch =
      left?.epoch ??
      this.#conversations.all().find((record) => record.conversationId === conversationId)?.roster.epoch ??
      0;
    const earlier = this.#open.get(conversationId);
    const counts = {
      entries: gone.length + (earlier?.counts.entries ?? 0),
      bytes: bytes + (earlier?.counts.bytes ?? 0),
      dataKeys: dataKeys + (earlier?.counts.dataKeys ?? 0),
      welcomes: this.#dropWelcomes(conversationId, floor.sequence, epoch) + (earlier?.counts.welcomes ?? 0),
      archiveItems: this.#dropArchives(conversationId, epoch) + (earlier?.counts.archiveItems ?? 0),
    };
    this.#open.set(conversationId, {
      ...plan,
      reason,
      fromSequence: Math.min(plan.fromSequence, earlier?.fromSequence ?? Infinity),
      fromDay: Math.min(plan.fromDay, earlier?.fromDay ?? Infinity),
      counts,
    });
    this.#unproven = true;
  }

  #dropWelcomes(conversationId: ConversationId, through: number, epoch: number): number {
    let dropped = 0;
    for (const [device, mail] of this.#shelf.mail) {
      const left = mail.filter(
        (welcome) => welcome.conversationId !== conversationId || welcome.sequence > through || welcome.epoch >= epoch,
      );
      dropped += mail.length - left.length;
      this.#shelf.mail.set(device, left);
    }
    return dropped;
  }

  #dropArchives(conversationId: ConversationId, epoch: number): number {
    let dropped = 0;
    const keep = epoch - (epoch % archiveBaseEvery);
    for (const [name, items] of this.#shelf.archive) {
      if (!name.endsWith(conversationId)) continue;
      for (const at of [...items.keys()]) if (at < keep && items.delete(at)) dropped += 1;
    }
    return dropped;
  }

  async unsettled(): Promise<readonly ErasedOther[]> {
    return copy([...this.#shelf.unsettled.values()]);
  }

  async begun(): Promise<boolean> {
    return this.#open.size > 0;
  }

  async finish(): Promise<readonly ErasedRange[]> {
    return copy([...this.#open.values()]);
  }

  async prove(): Promise<ErasureProof | null> {
    if (!this.#unproven) return null;
    this.#unproven = false;
    return { fingerprints: 0, files: 0, bytes: 0, found: 0, shredded: true };
  }

  async requestShredding(): Promise<void> {
    this.#unproven = true;
  }

  async settle(receipt: StoredReceipt, { conversations, people, others }: Settled, acts: Acts): Promise<void> {
    this.#shelf.writing();
    this.#shelf.audit(acts);
    for (const conversationId of conversations) this.#open.delete(conversationId);
    for (const { class: ofClass, conversationId } of others)
      this.#shelf.unsettled.delete(`${ofClass} ${conversationId ?? ''}`);
    for (const userId of people) {
      const gone = this.#shelf.gone.get(userId);
      const state = gone?.state === 'closing' ? 'closed' : 'erased';
      if (gone !== undefined) this.#shelf.gone.set(userId, { ...gone, state, records: 0, bytes: 0 });
    }
    this.#receipts.unshift(copy(receipt));
  }

  async receipts(before: StoredReceipt | null, limit: number): Promise<readonly StoredReceipt[]> {
    const from = before === null ? 0 : this.#receipts.findIndex(({ receiptId }) => receiptId === before.receiptId) + 1;
    return copy(this.#receipts.slice(from, from + limit));
  }

  async receipt(receiptId: ReceiptId): Promise<StoredReceipt | null> {
    return copyOrNull(this.#receipts.find((receipt) => receipt.receiptId === receiptId));
  }

  async floors(): Promise<readonly RegisteredFloor[]> {
    return this.#conversations
      .all()
      .flatMap(({ conversationId, generation, floor }) =>
        floor === null ? [] : [{ conversationId, generation, floor }],
      );
  }

  async reapply(registered: readonly RegisteredFloor[]): Promise<readonly RegisteredFloor[]> {
    const raised: RegisteredFloor[] = [];
    for (const each of registered) {
      const { conversationId, generation, floor } = each;
      const record = this.#conversations.all().find((candidate) => candidate.conversationId === conversationId);
      if (record === undefined || record.generation !== generation || (record.floor?.sequence ?? 0) >= floor.sequence)
        continue;
      const plan = {
        conversationId,
        fromSequence: (record.floor?.sequence ?? 0) + 1,
        throughSequence: floor.sequence,
        fromDay: 0,
        throughDay: 0,
      };
      this.#raise(plan, { kind: 'restore' }, floor);
      raised.push(each);
    }
    return raised;
  }
}
