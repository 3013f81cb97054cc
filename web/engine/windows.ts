/** The conversations that are open on screens, each with its window; told at most once a task, however much happened in it. */
import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { TimelineView } from './api.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { Outbox } from './conversation/outbox.ts';
import type { Parts } from './conversation/parts.ts';
import type { MessageState } from './store/records.ts';
import { Timeline } from './timeline.ts';

export interface WindowsSurroundings {
  readonly parts: Parts;
  readonly outbox: Outbox;
  typing(conversationId: ConversationId): readonly UserId[];
  emit(view: TimelineView): void;
}

export class Windows {
  readonly #open = new Map<ConversationId, Timeline>();
  readonly #pushing = new Set<ConversationId>();

  constructor(readonly around: WindowsSurroundings) {}

  has(conversationId: ConversationId): boolean {
    return this.#open.has(conversationId);
  }

  /** At its newest messages, or around a sequence. */
  async open(room: Conversation, around: number | null = null): Promise<void> {
    const { parts, outbox } = this.around;
    const timeline = new Timeline(parts, room, outbox, (view) => this.around.emit(view));
    this.#open.set(room.id, timeline);
    await timeline.open(around);
    this.#tell(room.id);
  }

  readonly close = (conversationId: ConversationId): boolean => this.#open.delete(conversationId);

  async older(conversationId: ConversationId): Promise<void> {
    await this.#open.get(conversationId)?.older();
    this.#tell(conversationId);
  }

  async newer(conversationId: ConversationId): Promise<void> {
    await this.#open.get(conversationId)?.newer();
    this.#tell(conversationId);
  }

  /** Whoever reads elsewhere and says something is at the end again. */
  async sent(room: Conversation): Promise<void> {
    if (this.#open.get(room.id)?.apart === true) await this.open(room);
  }

  entered(conversationId: ConversationId, message: MessageState): void {
    this.#open.get(conversationId)?.entered(message);
  }

  purged(conversationId: ConversationId, sequence: number): void {
    this.#open.get(conversationId)?.purged(sequence);
  }

  push(conversationId: ConversationId): void {
    if (!this.#open.has(conversationId) || this.#pushing.has(conversationId)) return;
    this.#pushing.add(conversationId);
    this.around.parts.runtime.after(0, () => {
      this.#pushing.delete(conversationId);
      this.#tell(conversationId);
    });
  }

  #tell(conversationId: ConversationId): void {
    this.#open.get(conversationId)?.push(this.around.typing(conversationId));
  }
}
