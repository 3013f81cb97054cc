/** The window of an open conversation: what is on this device from `from` on, and what waits to be sent. */
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { engineErrorOf, type TimelineItem, type TimelineView } from './api.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { Outbox } from './conversation/outbox.ts';
import type { Parts } from './conversation/parts.ts';
import { late } from './late.ts';
import { after, messages, type MessageState, padded, type QueuedMessage } from './store/records.ts';

const pageSize = 60;
const fetchSize = 120;
/** What came in while it was open: a window that reaches so many keeps its newest half; one that was read back in, later. */
const windowMax = 240;
const readWindowMax = 1_000;

function itemOf({ entry, shown }: MessageState, me: UserId): TimelineItem | null {
  const { sequence, sentAt, id, user } = entry;
  const event = (kind: Extract<TimelineItem, { kind: 'event' }>['event']): TimelineItem => ({ kind: 'event', key: id, sequence, sentAt, actor: user, event: kind });
  switch (shown.type) {
    case 'text':
      return { kind: 'text', key: id, id, sequence, from: user, own: user === me, sentAt, text: shown.text, delivery: 'sent' };
    case 'created':
      return event({ type: 'created' });
    case 'titled':
      return event({ type: 'titled', title: shown.title });
    case 'left':
      return event({ type: 'left' });
    case 'unreadable':
      return { kind: 'unreadable', key: id, sequence, sentAt, reason: shown.reason };
    case 'members': {
      if (shown.added.length > 0) return event({ type: 'added', people: shown.added });
      if (shown.removed.length > 0) return event({ type: 'removed', people: shown.removed });
      const person = shown.devices[0];
      return person === undefined ? null : event({ type: 'new_device', person });
    }
    case 'nothing':
      return null;
  }
}

/** Entries follow each other without a gap, but where this person was out in between. */
function gapBefore({ entry: { sequence, sentAt, user } }: MessageState, before: MessageState | undefined): TimelineItem | null {
  if (before === undefined || before.entry.sequence + 1 === sequence) return null;
  return { kind: 'event', key: `gap ${sequence}`, sequence: sequence - 1, sentAt, actor: user, event: { type: 'gap' } };
}

function queuedItem(message: QueuedMessage, me: UserId): TimelineItem {
  const delivery = message.failed !== null ? { failed: engineErrorOf(message.failed) } : message.acknowledged === null ? 'sending' : 'sent';
  return { kind: 'text', key: message.id, id: message.id, sequence: message.acknowledged, from: me, own: true, sentAt: message.createdAt, text: message.text, delivery };
}

const history = late(() => import('./conversation/history.ts'));

export class Timeline {
  #messages: MessageState[] = [];
  #loading = false;
  /** The window ends before the newest message. */
  #apart = false;
  #newest = 0;
  /** Older ones were asked for: somebody may be reading there. */
  #readBack = false;
  readonly #readSequence: number;

  constructor(
    readonly parts: Parts,
    readonly conversation: Conversation,
    readonly outbox: Outbox,
    readonly emit: (view: TimelineView) => void,
  ) {
    this.#readSequence = conversation.state.readSequence;
  }

  get id(): ConversationId {
    return this.conversation.id;
  }

  get apart(): boolean {
    return this.#apart;
  }

  /** `around`: a sequence that this device has, else the newest messages. */
  async open(around: number | null = null): Promise<void> {
    if (around !== null && (await this.#openAround(around))) return;
    await this.#more();
    if (this.#messages.filter(({ shown }) => shown.type === 'text').length < pageSize / 2 && this.#mayHaveMore()) await this.older();
  }

  async #openAround(sequence: number): Promise<boolean> {
    const before = await this.parts.store.range(messages, `${this.id}/`, `${this.id}/${padded(sequence)}`, pageSize / 2, true);
    this.#messages = before.map(({ value }) => value).toReversed();
    this.#apart = true;
    await this.newer();
    return (this.#messages.at(-1)?.entry.sequence ?? 0) >= sequence;
  }

  /** What follows the window, from this device. */
  async newer(): Promise<void> {
    if (!this.#apart || this.#loading) return;
    this.#loading = true;
    try {
      const last = this.#messages.at(-1)?.entry.sequence ?? 0;
      const rows = await this.parts.store.range(messages, `${this.id}/${padded(last + 1)}`, after(`${this.id}/`), pageSize);
      this.#messages = [...this.#messages, ...rows.map(({ value }) => value)];
      // Of what came in meanwhile nothing may be left out.
      this.#apart = rows.length === pageSize || (this.#messages.at(-1)?.entry.sequence ?? 0) < this.#newest;
    } finally {
      this.#loading = false;
    }
  }

  #mayHaveMore(): boolean {
    const { low, joinedSequence } = this.conversation.state;
    const first = this.#messages[0]?.entry.sequence ?? this.conversation.state.cursor.sequence + 1;
    return first > low.sequence + 1 || (low.sequence >= joinedSequence && low.sequence > (this.conversation.state.floor ?? 0));
  }

  /** Local records before the window; false when there were none. */
  async #more(): Promise<boolean> {
    const first = this.#messages[0]?.entry.sequence;
    const to = first === undefined ? after(`${this.id}/`) : `${this.id}/${padded(first)}`;
    const rows = await this.parts.store.range(messages, `${this.id}/`, to, pageSize, true);
    this.#messages = [...rows.map(({ value }) => value).toReversed(), ...this.#messages];
    return rows.length > 0;
  }

  /** Earlier messages: from this device, else from the server. */
  async older(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    this.#readBack = true;
    this.push([]);
    try {
      if (!(await this.#more()) && this.parts.connection.online) {
        await this.conversation.exclusively(async () => (await history()).fetchOlder(this.parts, this.conversation, fetchSize));
        await this.#more();
      }
    } finally {
      this.#loading = false;
    }
  }

  /** What was purged is not shown any more. */
  purged(sequence: number): void {
    this.#messages = this.#messages.filter(({ entry }) => entry.sequence > sequence);
  }

  entered(message: MessageState): void {
    this.#newest = message.entry.sequence;
    if (this.#apart || (this.#messages.at(-1)?.entry.sequence ?? 0) >= message.entry.sequence) return;
    this.#messages.push(message);
    const most = this.#readBack ? readWindowMax : windowMax;
    if (this.#messages.length <= most) return;
    this.#messages = this.#messages.slice(-windowMax / 2);
    this.#readBack = false;
  }

  push(typing: readonly UserId[]): void {
    const me = this.parts.me.userId;
    const stored = this.#messages.flatMap((message, at) => [gapBefore(message, this.#messages[at - 1]), itemOf(message, me)]).filter((item) => item !== null);
    const known = new Set(stored.map(({ key }) => key));
    const queued = this.#apart ? [] : this.outbox.queued(this.id).filter(({ id }) => !known.has(id)).map((message) => queuedItem(message, me));
    this.emit({
      conversationId: this.id,
      items: [...stored, ...queued],
      more: this.#mayHaveMore(),
      newer: this.#apart,
      loading: this.#loading,
      readSequence: this.#readSequence,
      typing,
    });
  }
}
