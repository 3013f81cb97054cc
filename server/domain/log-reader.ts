/** Reading logs: pages and going live ([C7], [C10], [L7], [L9]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import type { Cursor } from '#protocol/cursor.ts';
import type { Entry } from '#protocol/envelope.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { logPageBytesMax, logPageEntriesMax } from '#protocol/limits.ts';
import type { LogPage } from '#protocol/model.ts';
import type { Floor } from '#protocol/floor.ts';
import type { ConversationStore, Stay } from '../ports/store.ts';
import type { Conversation } from './conversation.ts';
import { canRead, type Conversations } from './conversations.ts';
import { isActive, memberOf, pastStays } from './roster.ts';

type TailResult = Output<'log.tail'>['results'][number];
type Subscribe = (conversationId: ConversationId) => void;

export class LogReader {
  readonly #conversations: Conversations;
  readonly #store: ConversationStore;

  constructor(conversations: Conversations, store: ConversationStore) {
    this.#conversations = conversations;
    this.#store = store;
  }

  /** Pages of one stay each ([C10]). Refuses conversation.unknown; input.invalid when both ends are given. */
  async read(userId: UserId, input: Input<'log.read'>): Promise<Result<Output<'log.read'>>> {
    const { conversationId, after, before, limit = logPageEntriesMax } = input;
    if (after !== undefined && before !== undefined) return refuse('input.invalid', { field: 'before' });
    const conversation = await this.#conversations.load(conversationId);
    if (conversation === null) return refuse('conversation.unknown');
    const stays = staysOf(conversation, userId);
    const page = after === undefined
      ? await this.#pageBefore(conversation, stays, before ?? conversation.published.headSequence + 1, limit)
      : await this.#pageAfter(conversation, stays, after, limit, logPageBytesMax);
    // Cut off, or more of it purged, while it was read.
    const last = page?.entries.at(-1)?.sequence ?? 0;
    return page !== null && last <= (staysOf(conversation, userId).at(-1)?.to ?? -1) ? ok({ page }) : refuse('conversation.unknown');
  }

  /**
   * Pages for what is behind; then, in one step without waiting, everything at its head goes live. `subscribe` is null
   * where there is no socket: then what is at its head gets an empty page.
   */
  async tail(userId: UserId, cursors: readonly Cursor[], subscribe: Subscribe | null): Promise<Output<'log.tail'>> {
    const asked = [...new Set(cursors.map((cursor) => cursor.conversationId))];
    return this.#conversations.usingAll(asked, (found) => this.#tail(userId, cursors, subscribe, found));
  }

  async #tail(
    userId: UserId,
    cursors: readonly Cursor[],
    subscribe: Subscribe | null,
    found: ReadonlyMap<ConversationId, Conversation>,
  ): Promise<Output<'log.tail'>> {
    const steps: { readonly cursor: Cursor; readonly conversation: Conversation | null; page: LogPage | null }[] = [];
    let bytesLeft = logPageBytesMax;
    for (const cursor of cursors) {
      const conversation = found.get(cursor.conversationId) ?? null;
      let page: LogPage | null = null;
      const readable = conversation !== null && refusedCursor(conversation, userId, cursor) === null;
      const whole = readable && purgedBehind(conversation, userId, cursor) === null;
      if (whole && bytesLeft > 0 && (subscribe === null || !isAtHead(conversation, userId, cursor))) {
        page = await this.#pageAfter(conversation, [presentStay(conversation, userId)], cursor.sequence, logPageEntriesMax, bytesLeft);
        for (const entry of page?.entries ?? []) bytesLeft -= entry.body.length;
      }
      steps.push({ cursor, conversation, page });
    }
    return { results: steps.map(({ cursor, conversation, page }) => settle(userId, cursor, conversation, page, subscribe)) };
  }

  async #pageAfter(conversation: Conversation, stays: readonly Stay[], after: number, limit: number, limitBytes: number): Promise<LogPage | null> {
    const stay = stays.find(({ to }) => to > after) ?? stays.at(-1);
    if (stay === undefined) return null;
    const from = Math.min(Math.max(after, stay.from - 1), stay.to);
    const found = await this.#store.readAfter(conversation.id, from, limit, limitBytes);
    return this.#page(conversation, stays, stay, from, found);
  }

  async #pageBefore(conversation: Conversation, stays: readonly Stay[], before: number, limit: number): Promise<LogPage | null> {
    const stay = stays.findLast(({ from }) => from < before) ?? stays[0];
    if (stay === undefined) return null;
    const to = Math.min(Math.max(before, stay.from), stay.to + 1);
    const found = await this.#store.readBefore(conversation.id, to, limit, logPageBytesMax);
    const visible = found.filter((entry) => entry.sequence >= stay.from);
    return this.#page(conversation, stays, stay, (visible[0]?.sequence ?? to) - 1, visible);
  }

  /** Only what has been published: the rest is not promised to be on disk. */
  async #page(conversation: Conversation, stays: readonly Stay[], stay: Stay, from: number, found: readonly Entry[]): Promise<LogPage | null> {
    // Purged while it was read: the page begins behind the floor.
    const start = Math.max(from, conversation.floor?.sequence ?? 0);
    const previousHash = await conversation.hashAt(start);
    if (previousHash === null) return null;
    const entries = found.filter((entry) => entry.sequence > start && entry.sequence <= stay.to);
    const earlier = start === stay.from - 1 ? await earlierOf(conversation, stays[stays.indexOf(stay) - 1]) : null;
    return { entries, previousHash, headSequence: stays.at(-1)?.to ?? stay.to, floor: conversation.floor, earlier };
  }
}

async function earlierOf(conversation: Conversation, stay: Stay | undefined): Promise<LogPage['earlier']> {
  const hash = stay === undefined ? null : await conversation.hashAt(stay.to);
  return stay === undefined || hash === null ? null : { ...stay, hash };
}

/** What this person may read, oldest first: stays that are over, and the present one to the head. Nothing of what was purged. */
function staysOf(conversation: Conversation, userId: UserId): readonly Stay[] {
  const { published } = conversation;
  const floor = conversation.floor?.sequence ?? 0;
  const isIn = canRead(conversation, userId);
  // [C7] Who is out by what is accepted is cut off at once; who comes in waits until it is on disk.
  const over = pastStays(isActive(conversation.roster, userId) ? published.roster : conversation.roster, userId)
    .map(({ from, to }) => ({ from: Math.max(from, floor + 1), to: Math.min(to, published.headSequence) }))
    .filter(({ from, to }) => from <= to);
  if (!isIn) return over;
  const joined = joinedSequence(conversation, userId);
  const last = over.at(-1);
  const head = published.headSequence;
  return last?.to === joined - 1 ? [...over.slice(0, -1), { from: last.from, to: head }] : [...over, presentStay(conversation, userId)];
}

const presentStay = (conversation: Conversation, userId: UserId): Stay => ({ from: beginning(conversation, userId) + 1, to: conversation.published.headSequence });

/** Where this person's reading begins: behind what came before them ([C10]), and behind what was purged ([R10]). */
const beginning = (conversation: Conversation, userId: UserId): number =>
  Math.max(joinedSequence(conversation, userId) - 1, conversation.floor?.sequence ?? 0);

/** A cursor into what was purged: there is no way on from it but from the floor. */
function purgedBehind(conversation: Conversation, userId: UserId, cursor: Cursor): Floor | null {
  const { floor } = conversation;
  return floor !== null && Math.max(cursor.sequence, joinedSequence(conversation, userId) - 1) < floor.sequence ? floor : null;
}

const joinedSequence = (conversation: Conversation, userId: UserId): number => memberOf(conversation.published.roster, userId)?.joinedSequence ?? 1;

function isAtHead(conversation: Conversation, userId: UserId, cursor: Cursor): boolean {
  return Math.max(cursor.sequence, joinedSequence(conversation, userId) - 1) === conversation.published.headSequence;
}

/** [L9] */
function refusedCursor(conversation: Conversation, userId: UserId, cursor: Cursor): 'conversation.unknown' | 'cursor.refused' | null {
  if (!canRead(conversation, userId)) return 'conversation.unknown';
  const { generation, headSequence } = conversation.published;
  return cursor.generation === generation && cursor.sequence <= headSequence ? null : 'cursor.refused';
}

/** [L7] Compares with what has been published and subscribes, in one step. */
function settle(userId: UserId, cursor: Cursor, conversation: Conversation | null, page: LogPage | null, subscribe: Subscribe | null): TailResult {
  const { conversationId } = cursor;
  if (conversation === null) return { state: 'refused', conversationId, code: 'conversation.unknown' };
  const code = refusedCursor(conversation, userId, cursor);
  if (code !== null) return { state: 'refused', conversationId, code };
  const floor = purgedBehind(conversation, userId, cursor);
  if (floor !== null) return { state: 'purged', conversationId, floor };
  if (subscribe !== null && isAtHead(conversation, userId, cursor)) {
    subscribe(conversationId);
    return { state: 'live', conversationId };
  }
  return page === null ? { state: 'later', conversationId } : { state: 'page', conversationId, page };
}
