import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import {
  type ConversationRecord,
  type ConversationStore,
  type Membership,
  type Roster,
  type RosterChange,
  StoreFailure,
} from '../../ports/store.ts';
import type { LogFloor } from '../../ports/retention-store.ts';
import { checkFollows, Page, presenceChange, present, withEntries } from '../log-page.ts';
import { copy, copyOrNull, type Shelf } from './shelf.ts';

interface Held {
  record: ConversationRecord;
  entries: Entry[];
  groupInfo: Uint8Array<ArrayBuffer> | null;
  readonly marks: Map<UserId, number>;
}

export class MemoryConversations implements ConversationStore {
  readonly #shelf: Shelf;
  readonly #held = new Map<ConversationId, Held>();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async create(
    record: ConversationRecord,
    entries: readonly Entry[],
    change: RosterChange,
  ): Promise<'created' | 'exists'> {
    this.#shelf.writing();
    if (this.#held.has(record.conversationId)) return 'exists';
    checkFollows({ sequence: 0, sentAt: 0 }, 0, entries);
    const held: Held = {
      record: copy({ ...record, headSequence: 0, metaSequence: 0, floor: null }),
      entries: [],
      groupInfo: null,
      marks: new Map(),
    };
    this.#held.set(record.conversationId, held);
    this.#apply(held, null, entries, change);
    return 'created';
  }

  async load(conversationId: ConversationId): Promise<ConversationRecord | null> {
    return copyOrNull(this.#held.get(conversationId)?.record);
  }

  async append(
    conversationId: ConversationId,
    expectedSequence: number,
    entries: readonly Entry[],
    change: RosterChange | null,
  ): Promise<void> {
    this.#shelf.writing();
    const held = this.#held.get(conversationId);
    if (held === undefined) throw new StoreFailure('the conversation is not stored');
    checkFollows({ sequence: held.record.headSequence, sentAt: held.record.headSentAt }, expectedSequence, entries);
    this.#apply(held, held.record.roster, entries, change);
  }

  async groupInfo(conversationId: ConversationId): Promise<Uint8Array<ArrayBuffer> | null> {
    return copyOrNull(this.#held.get(conversationId)?.groupInfo ?? undefined);
  }

  async readAfter(
    conversationId: ConversationId,
    after: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]> {
    const page = new Page(limitEntries, limitBytes);
    for (const entry of this.#held.get(conversationId)?.entries ?? [])
      if (entry.sequence > after && !page.take(entry)) break;
    return copy(page.entries);
  }

  async readBefore(
    conversationId: ConversationId,
    before: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]> {
    const page = new Page(limitEntries, limitBytes);
    const earlier = this.#held.get(conversationId)?.entries.filter((entry) => entry.sequence < before) ?? [];
    for (const entry of earlier.toReversed()) if (!page.take(entry)) break;
    return copy(page.entries.toReversed());
  }

  async memberships(userId: UserId): Promise<readonly Membership[]> {
    return [...this.#held]
      .filter(([, { record }]) => present(record.roster).has(userId))
      .map(([conversationId, { marks }]) => ({ conversationId, readSequence: marks.get(userId) ?? 0 }));
  }

  async markRead(userId: UserId, conversationId: ConversationId, sequence: number): Promise<number | null> {
    this.#shelf.writing();
    const held = this.#held.get(conversationId);
    if (held === undefined || !present(held.record.roster).has(userId)) return null;
    const mark = Math.max(sequence, held.marks.get(userId) ?? 0);
    held.marks.set(userId, mark);
    return mark;
  }

  /** In the order of the store. */
  all(): readonly ConversationRecord[] {
    return [...this.#held.values()].map(({ record }) => copy(record));
  }

  entriesOf(conversationId: ConversationId): readonly Entry[] {
    return this.#held.get(conversationId)?.entries ?? [];
  }

  raiseFloor(conversationId: ConversationId, floor: LogFloor): void {
    const held = this.#held.get(conversationId);
    if (held === undefined) return;
    held.entries = held.entries.filter((entry) => entry.sequence > floor.sequence);
    const head = { headSequence: floor.sequence, headHash: floor.hash, headSentAt: floor.sentAt };
    held.record = {
      ...held.record,
      ...(held.record.headSequence < floor.sequence ? head : {}),
      metaSequence: held.record.metaSequence > floor.sequence ? held.record.metaSequence : 0,
      floor,
    };
  }

  #apply(held: Held, before: Roster | null, entries: readonly Entry[], change: RosterChange | null): void {
    held.entries.push(...copy(entries));
    held.record = copy(withEntries(held.record, entries, change?.roster ?? held.record.roster));
    if (change === null) return;
    held.groupInfo = change.groupInfo === null ? held.groupInfo : copy(change.groupInfo);
    const { came, went } = presenceChange(before, change.roster);
    for (const { userId } of [...came, ...went]) held.marks.delete(userId);
    for (const { deviceId, welcome } of change.welcomes) {
      this.#shelf.mail.set(deviceId, [...(this.#shelf.mail.get(deviceId) ?? []), copy(welcome)]);
    }
  }
}
