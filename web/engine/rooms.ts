/** All conversations of a signed-in device: which there are, bringing them up to date, entering new ones. */
import type { EventPayload } from '#protocol/events.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { tailCursorsMax } from '#protocol/limits.ts';
import type { Conversation as Summary } from '#protocol/model.ts';
import { LanyingError } from './api.ts';
import { Conversation } from './conversation/conversation.ts';
import type { Parts } from './conversation/parts.ts';
import { epoch, MlsError } from './mls/reading.ts';
import { late } from './late.ts';
import { Mutex } from './mutex.ts';
import { after, conversations as records, creations, messages, padded } from './store/records.ts';

/** This device's own troubles, or worth a new try: no sign of a lie. */
const passing = new Set<string>([
  'network.unreachable', 'server.unavailable', 'storage.full', 'rate.limited', 'command.too_many_in_flight', 'epoch.stale', 'session.required', 'engine.closed', 'engine.busy_elsewhere', 'storage.failed',
]);

/** So far does a device that comes in again read back to what it had, at most. */
const pagesBackMax = 20;

const creating = late(() => import('./conversation/creating.ts'));
const history = late(() => import('./conversation/history.ts'));
const entering = late(() => import('./conversation/entering.ts'));

/** Entering may have to write: it waits for room, and what is here already goes on ([E13]). */
function unlessFull(cause: unknown): void {
  if (!(cause instanceof LanyingError) || cause.code !== 'storage.full') throw cause;
}

export class Rooms {
  readonly #rooms = new Map<ConversationId, Conversation>();
  readonly #entering = new Mutex();
  readonly #named = new Set<string>();

  constructor(
    readonly parts: Parts,
    readonly added: (conversation: Conversation) => void,
  ) {}

  async load(): Promise<void> {
    for (const { value } of await this.parts.store.range(records, '', after(''), 10_000)) {
      this.#rooms.set(value.conversationId, new Conversation(this.parts, value));
    }
  }

  all(): readonly Conversation[] {
    return [...this.#rooms.values()];
  }

  get(conversationId: ConversationId): Conversation | null {
    return this.#rooms.get(conversationId) ?? null;
  }

  /** Runs while no conversation is being entered, so that one's own new one is not taken for somebody else's. */
  making(make: () => Promise<Conversation>): Promise<Conversation> {
    return this.#entering.run(async () => {
      const made = await make();
      await this.#made(made);
      return made;
    });
  }

  /** The server has it: where the connection goes before its log was read, the next one reads it. */
  async #made(made: Conversation): Promise<void> {
    this.#rooms.set(made.id, made);
    try {
      await made.exclusively(() => made.catchUp());
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code !== 'network.unreachable') throw cause;
    }
    this.added(made);
  }

  /** After each connection: what was missed, what is new, then everything live. */
  async synchronise(): Promise<void> {
    const summaries = await this.#summaries();
    await this.#purge(summaries);
    await this.#enterAll(summaries).catch(unlessFull);
    // Those that were entered anew begin behind their floors too.
    await this.#purge(summaries);
    for (const room of this.#rooms.values()) room.live = false;
    await this.catchUpAll();
    // Its leaf went while nobody was here ([D6]): in again by itself.
    const out = summaries.filter(({ conversationId }) => this.#rooms.get(conversationId)?.state.active === false);
    if (out.length > 0) {
      await this.#enterAll(out).catch(unlessFull);
      await this.catchUpAll();
    }
    for (const summary of summaries) await this.#summarised(summary, true);
  }

  /** [R11] */
  async #purge(summaries: readonly Summary[]): Promise<void> {
    for (const { conversationId, floor } of summaries) {
      const room = this.#rooms.get(conversationId);
      if (floor !== null && room?.state.active === true) await room.exclusively(() => room.purged(floor));
    }
  }

  async #summaries(): Promise<readonly Summary[]> {
    const all: Summary[] = [];
    for (let more = true; more; ) {
      const last = all.at(-1)?.conversationId;
      const page = await this.parts.connection.call('conversation.list', last === undefined ? {} : { after: last });
      all.push(...page.conversations);
      more = page.more && page.conversations.length > 0;
    }
    return all;
  }

  /** Cursors go in hundreds; whoever got a page asks again until all are live. */
  async catchUpAll(): Promise<void> {
    let behind = this.all().filter((room) => room.state.active && room.halted === null);
    while (behind.length > 0) {
      const asked = behind.slice(0, tailCursorsMax);
      const { results } = await this.parts.connection.call('log.tail', { cursors: asked.map(({ cursor }) => cursor) });
      const again: Conversation[] = [];
      for (const result of results) {
        const room = this.#rooms.get(result.conversationId);
        if (room !== undefined && (await room.tailed(result))) again.push(room);
      }
      behind = [...again, ...behind.slice(tailCursorsMax)];
    }
  }

  /** A summary pushed by the server: a new conversation, or changes of one that is here. */
  async heard(summary: Summary): Promise<void> {
    await this.#purge([summary]);
    if (this.#toEnter(summary)) await this.#enterAll([summary]);
    await this.#summarised(summary, false);
  }

  /** `whole`: the log was read to its head after the summary was made. */
  async #summarised(summary: Summary, whole: boolean): Promise<void> {
    const room = this.#rooms.get(summary.conversationId);
    if (room === undefined) return;
    if (!room.bearsOut(summary, whole)) return room.contradicted(summary.headSequence);
    await room.summarised(summary);
    for (const userId of room.strangers(summary)) {
      const name = `${room.id}/${userId}`;
      if (this.#named.has(name)) continue;
      this.#named.add(name);
      this.parts.listener.onNotice({ kind: 'members_differ', at: this.parts.runtime.now(), conversationId: room.id, userId });
    }
  }

  async #enterAll(summaries: readonly Summary[]): Promise<void> {
    await this.#entering.run(async () => {
      await this.#finishOwn();
      const missing = summaries.filter((summary) => this.#toEnter(summary));
      if (missing.length === 0) return;
      await this.#takeWelcomes(missing);
      for (const summary of missing) if (this.#toEnter(summary)) await this.#enterAlone(summary);
    });
  }

  /** Not here, not in it any more, or taken out and brought back behind what was read here ([C10]). */
  #toEnter(summary: Summary): boolean {
    const room = this.#rooms.get(summary.conversationId);
    return room === undefined || !room.state.active || room.broughtBack(summary);
  }

  /** Sets what `enter` makes in the place of what is here, while nobody else works on that. */
  async #replace(conversationId: ConversationId, enter: () => Promise<Conversation | null>): Promise<Conversation | null> {
    const old = this.#rooms.get(conversationId);
    const replacing = async (): Promise<Conversation | null> => {
      const room = await enter();
      if (room === null) return null;
      // What was not archived yet when it was over still is to be.
      if (old !== undefined && old.state.archiveFrom < room.state.archiveFrom) await room.update({ archiveFrom: old.state.archiveFrom });
      this.#rooms.set(conversationId, room);
      old?.replaced();
      return room;
    };
    return old === undefined ? replacing() : old.exclusively(replacing);
  }

  /** One's own new conversations whose answer was lost come first: an external commit would enter them without their first epoch. */
  async #finishOwn(): Promise<void> {
    for (const { value: creation } of await this.parts.store.range(creations, '', after(''), 1_000)) {
      try {
        const { finishIfTaken } = await creating();
        const made = await finishIfTaken(this.parts, creation);
        if (made !== null) await this.#made(made);
      } catch (cause) {
        // Not decided: asked again at the next connection, and no reason to keep everything else waiting.
        if (!(cause instanceof LanyingError) || passing.has(cause.code)) throw cause;
      }
    }
  }

  async #takeWelcomes(summaries: readonly Summary[]): Promise<void> {
    for (let more = true; more; ) {
      const page = await this.parts.connection.call('welcome.list', {});
      for (const welcome of page.welcomes.toReversed()) {
        const summary = summaries.find(({ conversationId }) => conversationId === welcome.conversationId);
        if (summary === undefined || !this.#toEnter(summary)) continue;
        try {
          const isNew = !this.#rooms.has(welcome.conversationId);
          const entered = await this.#replace(welcome.conversationId, async () => (await entering()).enterByWelcome(this.parts, welcome, summary));
          if (entered !== null) await this.#entered(entered, summary, isNew);
        } catch (cause) {
          this.#refused(cause, summary);
        }
      }
      const welcomeIds = page.welcomes.map(({ welcomeId }) => welcomeId);
      if (welcomeIds.length > 0) await this.parts.connection.call('welcome.acknowledge', { welcomeIds });
      more = page.more && welcomeIds.length > 0;
    }
  }

  async #enterAlone(summary: Summary): Promise<void> {
    try {
      const isNew = !this.#rooms.has(summary.conversationId);
      const entered = await this.#replace(summary.conversationId, async () => (await entering()).enterByExternalCommit(this.parts, summary));
      if (entered !== null) await this.#entered(entered, summary, isNew);
    } catch (cause) {
      this.#refused(cause, summary);
    }
  }

  /** A group whose members do not check out is not entered; the person is told and nothing of it is used. */
  #refused(cause: unknown, summary: Summary): void {
    if (!(cause instanceof MlsError || cause instanceof LanyingError)) throw cause;
    if (passing.has(cause.code)) throw cause;
    // Taken out again before this device was in: that is nobody's lie.
    if (cause.code === 'conversation.unknown') return;
    const { conversationId, headSequence: sequence } = summary;
    this.parts.listener.onNotice({ kind: 'commit_refused', at: this.parts.runtime.now(), conversationId, sequence, reason: cause.code });
  }

  async #entered(room: Conversation, summary: Summary, isNew: boolean): Promise<void> {
    // One whose account is gone is in the tree until the next commit, and keeps nobody out.
    await this.parts.directory.seek(room.state.members);
    await room.exclusively(async () => {
      await this.#pastOf(room, summary.metaSequence, isNew);
      await room.catchUp();
    });
    this.added(room);
  }

  /** Title, latest message and unread count of what was before this device came. */
  async #pastOf(room: Conversation, metaSequence: number, isNew: boolean): Promise<void> {
    const { fetchOlder, fetchTitle } = await history();
    // A device that was in it before reads on to what it had: what is shown has no other gaps than those of its person.
    const { joinedSequence } = room.state;
    for (let pages = isNew ? 1 : pagesBackMax; pages > 0; pages -= 1) {
      if (!(await fetchOlder(this.parts, room, isNew ? 60 : 200)) || room.state.joinedSequence !== joinedSequence) break;
    }
    const rows = await this.parts.store.range(messages, `${room.id}/`, after(`${room.id}/`), 60, true);
    const texts = rows.filter(({ value }) => value.shown.type === 'text');
    const titled = rows.find(({ value }) => value.shown.type === 'titled');
    const me = this.parts.me.userId;
    const newest = texts[0]?.value;
    const earlier = titled === undefined && metaSequence > 0 && metaSequence <= room.state.low.sequence && metaSequence >= joinedSequence;
    const title = earlier ? await fetchTitle(this.parts, room, metaSequence) : null;
    await room.update({
      ...(title === null ? {} : { title, titleSequence: metaSequence }),
      unread: texts.filter(({ value }) => value.entry.user !== me && value.entry.sequence > Math.max(room.state.readSequence, joinedSequence)).length,
      ...(titled?.value.shown.type === 'titled' ? { title: titled.value.shown.title, titleSequence: titled.value.entry.sequence } : {}),
      ...(newest?.shown.type === 'text' ? { last: { from: newest.entry.user, text: newest.shown.text.slice(0, 280), at: newest.entry.sentAt } } : {}),
    });
  }

  /** Messages of others behind a read mark; counts what is on this device, at most 1,000. */
  async unreadBehind(room: Conversation, sequence: number): Promise<number> {
    const rows = await this.parts.store.range(messages, `${room.id}/${padded(sequence + 1)}`, after(`${room.id}/`), 1_000);
    return rows.filter(({ value }) => value.shown.type === 'text' && value.entry.user !== this.parts.me.userId).length;
  }

  async removed(conversationId: ConversationId): Promise<void> {
    const room = this.#rooms.get(conversationId);
    await room?.exclusively(() => room.update({ active: false, pending: null }));
  }

  async entry({ conversationId, entry }: EventPayload<'entry'>): Promise<void> {
    await this.#rooms.get(conversationId)?.receive(entry);
  }

  async lagged(conversationIds: readonly ConversationId[]): Promise<void> {
    for (const id of conversationIds) {
      const room = this.#rooms.get(id);
      if (room !== undefined) await room.exclusively(() => room.catchUp());
    }
  }

  /** Puts new epochs into the archive; what fails is tried again after the next change or connection. */
  async archive(room: Conversation): Promise<void> {
    await room.exclusively(async () => {
      const { archiveFrom, active } = room.state;
      const current = epoch(room.group);
      if (!active || archiveFrom > current || !this.parts.connection.writable) return;
      await room.update({ archiveFrom: await room.epochs.archive(archiveFrom, current) });
    });
  }
}
