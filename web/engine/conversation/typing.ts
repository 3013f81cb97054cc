/** Typing signals: sealed like messages, never stored, at most every 3 s out and 6 s long in. */
import type { EventPayload } from '#protocol/events.ts';
import { type ConversationId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { LanyingError } from '../api.ts';
import { signalId } from '../content/body.ts';
import { decodeContent, encodeContent } from '../content/content.ts';
import { epoch as epochOfGroup } from '../mls/reading.ts';
import { after, messages, padded } from '../store/records.ts';
import { deviceKeyIn } from './epochs.ts';
import type { Conversation } from './conversation.ts';
import type { Parts } from './parts.ts';

const sendEveryMs = 3_000;
const shownMs = 6_000;
/** Signals remembered for each conversation, so that none counts twice. */
const heardMax = 1_000;
const lagMax = 50;

export class Typing {
  readonly #sentAt = new Map<ConversationId, number>();
  readonly #until = new Map<ConversationId, Map<UserId, number>>();
  readonly #heard = new Map<ConversationId, Set<string>>();

  constructor(
    readonly parts: Parts,
    readonly changed: (conversationId: ConversationId) => void,
  ) {}

  of(conversationId: ConversationId): readonly UserId[] {
    const now = this.parts.runtime.now();
    return [...(this.#until.get(conversationId) ?? [])].filter(([, until]) => until > now).map(([user]) => user);
  }

  /** Says that this person types; silently nothing when it was said a moment ago or nobody can be reached. */
  async say(conversation: Conversation): Promise<void> {
    const now = this.parts.runtime.now();
    const { connection, cipher, me, store } = this.parts;
    if (now - (this.#sentAt.get(conversation.id) ?? 0) < sendEveryMs || !connection.online || !conversation.state.active) return;
    this.#sentAt.set(conversation.id, now);
    const { epoch, secrets } = await conversation.present();
    const { cursor } = conversation.state;
    const secret = { conversation: conversation.id, epoch, contentKey: secrets.contentKey };
    const seen = { seenSequence: cursor.sequence, seenHash: cursor.hash };
    const sealed = await cipher.seal(secret, { device: me.deviceId, id: signalId, kind: 'signal' }, seen, encodeContent({ type: 'typing' }), store.keys);
    if (!sealed.ok) return;
    try {
      await connection.call('conversation.signal', { conversationId: conversation.id, epoch, body: sealed.body });
    } catch (cause) {
      // A signal is worth nothing later: the next one says it again.
      if (!(cause instanceof LanyingError)) throw cause;
    }
  }

  /** Shows nothing for a signal that is not what its member's device sealed in this epoch, or that was here before ([E3]). */
  async heard(conversation: Conversation, signal: EventPayload<'signal'>): Promise<void> {
    if (signal.epoch !== epochOfGroup(conversation.group)) return;
    const secrets = await conversation.epochs.local(signal.epoch);
    const key = secrets === null ? null : deviceKeyIn(secrets, signal.user, signal.device);
    if (secrets === null || key === null || signal.user === this.parts.me.userId) return;
    const secret = { conversation: conversation.id, epoch: signal.epoch, contentKey: secrets.contentKey };
    const opened = await this.parts.cipher.open(secret, { device: signal.device, id: signalId, kind: 'signal' }, signal.body, key);
    if (!opened.ok) return;
    const decoded = decodeContent('signal', opened.content);
    if (!decoded.ok || decoded.content.type !== 'typing') return;
    if (this.#isRepeated(conversation.id, signal) || (await this.#isOver(conversation, signal.user, opened.seenSequence))) return;
    const users = this.#until.get(conversation.id) ?? new Map<UserId, number>();
    users.set(signal.user, this.parts.runtime.now() + shownMs);
    this.#until.set(conversation.id, users);
    this.changed(conversation.id);
    this.parts.runtime.after(shownMs + 50, () => this.changed(conversation.id));
  }

  #isRepeated(conversationId: ConversationId, { body }: EventPayload<'signal'>): boolean {
    const heard = this.#heard.get(conversationId) ?? new Set<string>();
    this.#heard.set(conversationId, heard);
    // Its nonce and seen mark: with others it would not have opened.
    const name = toBase64Url(body.subarray(0, 32));
    if (heard.has(name)) return true;
    heard.add(name);
    if (heard.size > heardMax) heard.delete(heard.values().next().value ?? '');
    return false;
  }

  /** Held back and played late: its author has spoken since, or had seen less by far than is here. */
  async #isOver(conversation: Conversation, user: UserId, seenSequence: number): Promise<boolean> {
    const { sequence } = conversation.state.cursor;
    if (seenSequence >= sequence) return false;
    if (seenSequence + lagMax < sequence) return true;
    const since = await this.parts.store.range(messages, `${conversation.id}/${padded(seenSequence + 1)}`, after(`${conversation.id}/`), lagMax);
    return since.some(({ value }) => value.entry.user === user);
  }

  /** A message ends the typing of its author. */
  spoke(conversationId: ConversationId, user: UserId): void {
    this.#until.get(conversationId)?.delete(user);
  }
}
