import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { ConversationView } from '../engine/api.ts';
import { LanyingError } from '../engine/api.ts';
import type { HeadlessEngine, TextEntry } from './engine.ts';
import type { People } from './people.ts';
import type { Conversation, Message } from './types.ts';

const pageDefault = 50;
const pageMax = 200;

export const messageOf = (people: People, { id, sequence, from, sentAt, text }: TextEntry): Message => ({
  id, sequence, from: people.handleOf(from), sentAt, text,
});

export class LiveConversation implements Conversation {
  readonly #id: ConversationId;
  readonly #engine: HeadlessEngine;
  readonly #people: People;

  constructor(id: ConversationId, engine: HeadlessEngine, people: People) {
    this.#id = id;
    this.#engine = engine;
    this.#people = people;
  }

  get id(): string {
    return this.#id;
  }
  get title(): string | null {
    return this.#view()?.title ?? null;
  }
  get members(): readonly string[] {
    return (this.#view()?.members ?? []).map((userId) => this.#people.handleOf(userId));
  }
  get active(): boolean {
    return this.#view()?.active ?? false;
  }

  async send({ text }: { readonly text: string }): Promise<{ readonly id: string; readonly sequence: number }> {
    const id = await this.#engine.send(this.#id, text);
    return { id, sequence: await this.#engine.delivered(this.#id, id) };
  }

  async messages({ limit = pageDefault, before }: { readonly limit?: number; readonly before?: number } = {}): Promise<readonly Message[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > pageMax) throw new LanyingError('input.invalid', { field: 'limit' });
    if (before !== undefined && !(Number.isSafeInteger(before) && before >= 0)) throw new LanyingError('input.invalid', { field: 'before' });
    const texts = await this.#engine.readTexts(this.#id, before ?? null, limit);
    return texts.map((entry) => messageOf(this.#people, entry));
  }

  async add(handle: string): Promise<void> {
    await this.#engine.addMembers(this.#id, [await this.#people.idOf(handle)]);
  }

  async remove(handle: string): Promise<void> {
    await this.#engine.removeMember(this.#id, await this.#people.idOf(handle));
  }

  leave(): Promise<void> {
    return this.#engine.leaveConversation(this.#id);
  }

  #view(): ConversationView | undefined {
    return this.#engine.snapshot().conversations.find(({ conversationId }) => conversationId === this.#id);
  }
}

/** What `conversation` events tell of: anything else in a view is not theirs. */
export function changedView(before: ConversationView | undefined, now: ConversationView): boolean {
  if (before === undefined) return true;
  const sameMembers = before.members.length === now.members.length && before.members.every((member: UserId, at) => member === now.members[at]);
  return before.title !== now.title || before.active !== now.active || !sameMembers;
}
