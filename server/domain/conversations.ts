/** The conversations in use, and what is known of them to their members ([C1], [C7]). */
import type { Output } from '#protocol/commands/index.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { listPageMax } from '#protocol/limits.ts';
import type { Conversation as ConversationView } from '#protocol/model.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Floor } from '#protocol/floor.ts';
import type { ConversationRecord, ConversationStore, Membership } from '../ports/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { Conversation } from './conversation.ts';
import { pageBytesMax } from './pages.ts';
import { isActive, leavingLeaves, memberOf, pastStays } from './roster.ts';

/** How somebody stands to a conversation. */
export type Relation = 'owner' | 'member' | 'leaving' | 'former' | 'none';

/** The floor of a record as it is said to clients; null when it has none. */
export type SignFloor = (record: ConversationRecord) => Promise<Floor | null>;

/** What a conversation and each of its members take in an answer, in CBOR or JSON. */
const viewBytesMax = 800;
const memberBytesMax = 100;

/** Conversations kept in memory; one with a write under way stays referenced by its callers. */
const conversationsCached = 1_000;

export class Conversations {
  readonly #store: ConversationStore;
  readonly #bus: EventBus;
  readonly #cached = new BoundedMap<ConversationId, Promise<Conversation | null>>(conversationsCached);
  /** Those with entries under way: forgetting one of them would make a second copy behind the first. */
  readonly #busy = new Map<ConversationId, { readonly loaded: Promise<Conversation | null>; uses: number }>();

  readonly #signFloor: SignFloor;

  constructor(store: ConversationStore, bus: EventBus, signFloor: SignFloor) {
    this.#store = store;
    this.#bus = bus;
    this.#signFloor = signFloor;
  }

  /** After the store raised it: readers see it, and members who are online are told. */
  async raiseFloor(conversationId: ConversationId): Promise<void> {
    await this.using(conversationId, async (conversation) => {
      const record = await this.#store.load(conversationId);
      if (record === null || record.floor === null) return;
      const signed = await this.#signFloor(record);
      if (signed === null || signed.sequence <= (conversation.floor?.sequence ?? 0)) return;
      conversation.raiseFloor(record.floor, signed);
    });
    this.#bus.publish({ kind: 'membership', conversationId, added: [], removed: [] });
  }

  load(conversationId: ConversationId): Promise<Conversation | null> {
    const known = this.#busy.get(conversationId)?.loaded ?? this.#cached.get(conversationId);
    if (known !== undefined) return known;
    const loaded = this.#read(conversationId);
    this.#cached.set(conversationId, loaded);
    return loaded;
  }

  /** Holds several at once: while `use` runs, what it was given is the copy that everybody writes to. */
  async usingAll<T>(conversationIds: readonly ConversationId[], use: (found: ReadonlyMap<ConversationId, Conversation>) => Promise<T>): Promise<T> {
    const held = new Map<ConversationId, Conversation>();
    const [first, ...rest] = conversationIds;
    if (first === undefined) return use(held);
    const hold = async (conversationId: ConversationId, others: readonly ConversationId[]): Promise<{ readonly value: T }> => {
      const [next, ...more] = others;
      const go = async (): Promise<{ readonly value: T }> => (next === undefined ? { value: await use(held) } : hold(next, more));
      const done = await this.using(conversationId, (conversation) => {
        held.set(conversationId, conversation);
        return go();
      });
      return done ?? go();
    };
    return (await hold(first, rest)).value;
  }

  /** Keeps one copy while `use` runs, whatever else is loaded meanwhile. Null: there is no such conversation. */
  async using<T>(conversationId: ConversationId, use: (conversation: Conversation) => Promise<T>): Promise<T | null> {
    const busy = this.#busy.get(conversationId) ?? { loaded: this.load(conversationId), uses: 0 };
    busy.uses += 1;
    this.#busy.set(conversationId, busy);
    try {
      const conversation = await busy.loaded;
      return conversation === null ? null : await use(conversation);
    } finally {
      busy.uses -= 1;
      if (busy.uses === 0 && this.#busy.get(conversationId) === busy) this.#busy.delete(conversationId);
    }
  }

  async relation(conversationId: ConversationId, userId: UserId): Promise<Relation> {
    const conversation = await this.load(conversationId);
    const member = conversation === null ? undefined : memberOf(conversation.roster, userId);
    if (conversation === null) return 'none';
    if (member === undefined) return pastStays(conversation.roster, userId).length > 0 ? 'former' : 'none';
    if (member.leaving) return 'leaving';
    return conversation.roster.owner === userId ? 'owner' : 'member';
  }

  /** For archives: leaving people still may keep the keys of what they read. */
  async epochFor(conversationId: ConversationId, userId: UserId): Promise<number | null> {
    const conversation = await this.load(conversationId);
    return conversation !== null && memberOf(conversation.roster, userId) !== undefined ? conversation.roster.epoch : null;
  }

  /** How each of these people sees it; whoever is not in it is left out. */
  async views(conversationId: ConversationId, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ConversationView>> {
    const conversation = await this.load(conversationId);
    const views = new Map<UserId, ConversationView>();
    if (conversation === null) return views;
    for (const userId of userIds) {
      if (!canRead(conversation, userId)) continue;
      const mark = (await this.#store.memberships(userId)).find((membership) => membership.conversationId === conversationId);
      const view = viewOf(conversation, userId, mark?.readSequence ?? 0);
      if (view !== null) views.set(userId, view);
    }
    return views;
  }

  async list(userId: UserId, after: ConversationId | undefined, limit = listPageMax): Promise<Output<'conversation.list'>> {
    const behind = (await this.#store.memberships(userId))
      .filter(({ conversationId }) => after === undefined || conversationId > after)
      .sort((one, other) => (one.conversationId < other.conversationId ? -1 : 1));
    const conversations: ConversationView[] = [];
    let bytes = 0;
    for (const membership of behind) {
      const view = await this.#viewFor(userId, membership);
      if (view === null) continue;
      bytes += viewBytesMax + view.members.length * memberBytesMax;
      if (conversations.length === limit || (conversations.length > 0 && bytes > pageBytesMax)) return { conversations, more: true };
      conversations.push(view);
    }
    return { conversations, more: false };
  }

  /** Those of `among` who share a conversation with the person, and the person, if among them. */
  async contacts(userId: UserId, among: readonly UserId[]): Promise<readonly UserId[]> {
    const sharing = new Set<UserId>([userId]);
    for (const { conversationId } of await this.#store.memberships(userId)) {
      const conversation = await this.load(conversationId);
      if (conversation === null || !isActive(conversation.roster, userId)) continue;
      for (const member of conversation.roster.members) if (!member.leaving) sharing.add(member.userId);
    }
    return among.filter((candidate) => sharing.has(candidate));
  }

  async #viewFor(userId: UserId, { conversationId, readSequence }: Membership): Promise<ConversationView | null> {
    const conversation = await this.load(conversationId);
    return conversation === null ? null : viewOf(conversation, userId, readSequence);
  }

  async #read(conversationId: ConversationId): Promise<Conversation | null> {
    const forget = (): void => {
      this.#cached.delete(conversationId);
      this.#busy.delete(conversationId);
    };
    try {
      const record: ConversationRecord | null = await this.#store.load(conversationId);
      if (record !== null) {
        const parts = { store: this.#store, bus: this.#bus, onFailure: forget };
        return new Conversation(parts, record, await this.#signFloor(record));
      }
      forget();
      return null;
    } catch (cause) {
      forget();
      throw cause;
    }
  }
}

/** [C7] By what is accepted and by what is published: cut off at once, let in only when it is on disk. */
export const canRead = (conversation: Conversation, userId: UserId): boolean =>
  isActive(conversation.roster, userId) && isActive(conversation.published.roster, userId);

function viewOf(conversation: Conversation, userId: UserId, readSequence: number): ConversationView | null {
  if (!canRead(conversation, userId)) return null;
  const { published } = conversation;
  const { roster, conversationId, generation, suite, headSequence, metaSequence, createdAt, creator } = published;
  const joinedSequence = memberOf(roster, userId)?.joinedSequence ?? 0;
  return {
    conversationId, generation, suite, headSequence, metaSequence, createdAt, creator,
    headHash: new Uint8Array(published.headHash),
    epoch: roster.epoch,
    epochSequence: roster.epochSequence,
    owner: roster.owner,
    members: roster.members.map((member) => ({ ...member })),
    leavingDevices: leavingLeaves(roster).map(({ deviceId }) => deviceId),
    joinedSequence,
    readSequence,
    floor: conversation.floor,
  };
}
