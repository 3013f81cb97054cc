/**
 * What this device still has to send: kept on disk before it is tried, in order for each conversation, retried with its
 * own id until acknowledged, sealed anew only when the server refused the old seal and the log lacks it ([E7], [E12]).
 */
import { type ConversationId, idBytes, idFromBytes, type MessageId } from '#protocol/ids.ts';
import { epochAgeMsMax, epochMessagesMax } from '#protocol/limits.ts';
import { engineErrorOf, LanyingError } from '../api.ts';
import { encodeContent } from '../content/content.ts';
import { after, messageIds, outbox, padded, type QueuedMessage } from '../store/records.ts';
import type { Conversation } from './conversation.ts';
import type { Parts } from './parts.ts';

const resealsMax = 8;
/** Refusals after which the same text may be sealed anew. */
const resealable = new Set(['epoch.stale', 'message.seen_refused', 'message.conflict']);

/** How many finished messages are remembered for those who ask late. */
const settledMax = 4_096;

export interface Watcher {
  resolve(sequence: number): void;
  reject(error: LanyingError): void;
}

interface Item {
  readonly name: string;
  value: QueuedMessage;
}

/** It waits and is sent again: nothing was stored, and nothing is wrong with it. */
const waitable = new Set<string>(['network.unreachable', 'server.unavailable', 'storage.full', 'rate.limited', 'command.too_many_in_flight']);

export class Outbox {
  readonly #items = new Map<ConversationId, Item[]>();
  readonly #watchers = new Map<string, readonly Watcher[]>();
  readonly #settled = new Map<MessageId, number>();
  #order = 0;

  constructor(
    readonly parts: Parts,
    readonly blocked: (conversation: Conversation) => boolean,
  ) {}

  async load(): Promise<void> {
    for (const { name, value } of await this.parts.store.range(outbox, '', after(''), 100_000)) {
      this.#of(value.conversationId).push({ name, value });
      this.#order = Math.max(this.#order, Number.parseInt(name.slice(name.indexOf('/') + 1), 16) + 1);
    }
  }

  #of(conversationId: ConversationId): Item[] {
    const items = this.#items.get(conversationId) ?? [];
    this.#items.set(conversationId, items);
    return items;
  }

  queued(conversationId: ConversationId): readonly QueuedMessage[] {
    return this.#of(conversationId).map(({ value }) => value);
  }

  /** Not yet acknowledged and not given up. */
  get waiting(): number {
    let count = 0;
    for (const items of this.#items.values()) count += items.filter(({ value }) => value.failed === null && value.acknowledged === null).length;
    return count;
  }

  /** Resolves once the message is on this device's disk. */
  async add(conversationId: ConversationId, text: string): Promise<MessageId> {
    const { runtime, store } = this.parts;
    const id = idFromBytes<MessageId>(runtime.random(idBytes));
    const value: QueuedMessage = { conversationId, id, text, createdAt: runtime.now(), sealed: null, failed: null, acknowledged: null };
    const item = { name: `${conversationId}/${padded(this.#order)}`, value };
    this.#order += 1;
    await store.write([await store.put(outbox, item.name, value)]);
    this.#of(conversationId).push(item);
    this.parts.listener.onConversation(conversationId);
    return id;
  }

  /** Tells once what became of a message: its sequence, or the code that it failed with. */
  watch(conversationId: ConversationId, id: MessageId, watcher: Watcher): void {
    const settled = this.#settled.get(id);
    if (settled !== undefined) watcher.resolve(settled);
    else this.#watchers.set(`${conversationId}/${id}`, [...(this.#watchers.get(`${conversationId}/${id}`) ?? []), watcher]);
  }

  #tell(item: Item): void {
    const { conversationId, id, acknowledged, failed } = item.value;
    if (acknowledged !== null) this.#acknowledged(conversationId, id, acknowledged);
    else if (failed !== null) for (const watcher of this.#takeWatchers(conversationId, id)) watcher.reject(new LanyingError(engineErrorOf(failed)));
  }

  #acknowledged(conversationId: ConversationId, id: MessageId, sequence: number): void {
    this.#settled.set(id, sequence);
    if (this.#settled.size > settledMax) this.#settled.delete(this.#settled.keys().next().value ?? id);
    for (const watcher of this.#takeWatchers(conversationId, id)) watcher.resolve(sequence);
  }

  #takeWatchers(conversationId: ConversationId, id: MessageId): readonly Watcher[] {
    const watchers = this.#watchers.get(`${conversationId}/${id}`) ?? [];
    this.#watchers.delete(`${conversationId}/${id}`);
    return watchers;
  }

  /** The device goes away: whoever still waits is told. */
  close(): void {
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.reject(new LanyingError('engine.closed'));
    this.#watchers.clear();
  }

  /** The entry is in the local log: the queue need not show it any more. */
  async arrived(conversationId: ConversationId, id: MessageId, sequence: number): Promise<void> {
    this.#acknowledged(conversationId, id, sequence);
    await this.#drop(conversationId, id);
  }

  /** What was sent and is purged goes; where entries went unseen, nobody can say whether a sealed message was among them: the person decides. */
  async purged(conversationId: ConversationId, sequence: number, missed: boolean): Promise<void> {
    for (const { value } of [...this.#of(conversationId)]) {
      if (value.acknowledged !== null && value.acknowledged <= sequence) await this.#drop(conversationId, value.id);
    }
    if (!missed) return;
    for (const item of [...this.#of(conversationId)]) {
      if (item.value.sealed !== null && item.value.acknowledged === null) await this.#change(item, { sealed: null, failed: 'message.seen_refused' });
    }
  }

  async discard(conversationId: ConversationId, id: MessageId): Promise<void> {
    await this.#drop(conversationId, id);
  }

  async #drop(conversationId: ConversationId, id: MessageId): Promise<void> {
    const items = this.#of(conversationId);
    const at = items.findIndex(({ value }) => value.id === id);
    const item = items[at];
    if (item === undefined) return;
    items.splice(at, 1);
    await this.parts.store.write([this.parts.store.remove(outbox, item.name)]);
    this.parts.listener.onConversation(conversationId);
  }

  async retry(conversationId: ConversationId, id: MessageId): Promise<void> {
    const item = this.#of(conversationId).find(({ value }) => value.id === id);
    if (item !== undefined) await this.#change(item, { failed: null });
  }

  async #change(item: Item, change: Partial<QueuedMessage>): Promise<void> {
    item.value = { ...item.value, ...change };
    // Discarded meanwhile: writing it again would bring it back.
    if (!this.#of(item.value.conversationId).includes(item)) return;
    await this.parts.store.write([await this.parts.store.put(outbox, item.name, item.value)]);
    this.#tell(item);
    this.parts.listener.onConversation(item.value.conversationId);
  }

  /** Sends what waits, in order, until the queue is empty, blocked, the connection is gone or the server is full. */
  async flush(conversation: Conversation): Promise<void> {
    await conversation.exclusively(async () => {
      for (;;) {
        const item = this.#of(conversation.id).find(({ value }) => value.failed === null && value.acknowledged === null);
        if (item === undefined || !this.parts.connection.writable || this.blocked(conversation)) return;
        await this.#send(conversation, item);
      }
    });
  }

  async #send(conversation: Conversation, item: Item): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const there = await this.#inLog(item);
        if (there !== null) return await this.#settle(item, there);
        if (!conversation.state.active) throw new LanyingError('conversation.left');
        await this.#prepare(conversation, item);
        const { id, sealed } = item.value;
        if (sealed === null) throw new LanyingError('server.internal', { reason: 'unsealed' });
        const { receipt } = await this.parts.connection.call('conversation.send', {
          conversationId: conversation.id, kind: 'message', message: { id, epoch: sealed.epoch, body: sealed.body },
        });
        const { user, device } = { user: this.parts.me.userId, device: this.parts.me.deviceId };
        await conversation.take({ ...receipt, kind: 'message', epoch: sealed.epoch, user, device, body: sealed.body });
        if ((await this.#inLog(item)) !== null) return await this.#settle(item, receipt.sequence);
        // Behind what was read already and not in it: acknowledged in some other history.
        if (receipt.sequence <= conversation.state.cursor.sequence) return conversation.contradicted(receipt.sequence);
        return await this.#change(item, { acknowledged: receipt.sequence });
      } catch (cause) {
        if (!(cause instanceof LanyingError) || waitable.has(cause.code)) throw cause;
        const again = resealable.has(cause.code) && attempt < resealsMax;
        if (!again) return await this.#change(item, { failed: cause.code === 'conversation.unknown' ? 'conversation.left' : cause.code });
        await conversation.catchUp();
        await conversation.learnLeavers(cause);
        if ((await this.#inLog(item)) !== null) continue;
        await this.#change(item, { sealed: null });
        // What it told went with it.
        await conversation.update({ toldHead: undefined });
      }
    }
  }

  async #inLog(item: Item): Promise<number | null> {
    return (await this.parts.store.get(messageIds, `${item.value.conversationId}/${item.value.id}`))?.sequence ?? null;
  }

  async #settle(item: Item, sequence: number): Promise<void> {
    this.#acknowledged(item.value.conversationId, item.value.id, sequence);
    await this.#drop(item.value.conversationId, item.value.id);
  }

  /** Leavers go and old epochs end before anything new is sealed; the seal is on disk before it is sent. */
  async #prepare(conversation: Conversation, item: Item): Promise<void> {
    if (item.value.sealed !== null) return;
    await conversation.settle();
    const { state } = conversation;
    const leaving = conversation.leavers().length > 0;
    const many = state.cursor.sequence - state.epochSequence >= epochMessagesMax;
    const old = this.parts.runtime.now() - state.epochStartedAt >= epochAgeMsMax;
    if (leaving || many || old) await conversation.submit(() => Promise.resolve({}));
    const { epoch, secrets } = await conversation.present();
    const head = this.parts.directory.tree.toTell(conversation.state.toldHead ?? null);
    const body = await conversation.seal(secrets, epoch, item.value.id, 'message', encodeContent({ type: 'text', text: item.value.text, ...(head === null ? {} : { head }) }));
    if (head !== null) await conversation.update({ toldHead: { size: head.size, at: this.parts.runtime.now() } });
    await this.#change(item, { sealed: { epoch, body } });
  }
}
