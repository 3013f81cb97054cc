/** What finds things on this device, and brings onto it what is to be found (finding-api.ts). */
import { LanyingError } from './api.ts';
import type { Conversation } from './conversation/conversation.ts';
import { fetchOlder } from './conversation/history.ts';
import type { Finds, HistoryView } from './finding-api.ts';
import type { Home } from './home.ts';
import { MessageIndex } from './search/message-index.ts';
import { after, messages, padded, wholeHistory } from './store/records.ts';

const pageEntries = 200;
/** Between two pages: others want the connection too. */
const pauseMs = 120;
/** So far does one go back for a date. */
const pagesBackMax = 500;

const hasOlder = ({ state: { low, joinedSequence, floor = 0 } }: Conversation): boolean => low.sequence >= joinedSequence && low.sequence > floor && low.sequence > 0;

export class Finding {
  #index: MessageIndex | null = null;
  #running = false;
  #wanted = false;

  constructor(readonly home: Home) {}

  async find<K extends keyof Finds>(kind: K, input: Finds[K]['input']): Promise<Finds[K]['output']>;
  async find(kind: keyof Finds, input: Finds[keyof Finds]['input']): Promise<unknown> {
    if (typeof input === 'string') return this.#history(input);
    if (kind === 'search' && 'text' in input) return this.#search(input);
    if (kind === 'date' && 'at' in input) return this.#date(input);
    throw new LanyingError('input.invalid', { field: kind });
  }

  async #search(query: Finds['search']['input']): Promise<Finds['search']['output']> {
    const { store } = this.home;
    if (this.#index === null) {
      const index = new MessageIndex(store);
      this.#index = index;
      store.onWritten((keys) => this.home.background(index.follow(keys)));
    }
    await this.#index.load();
    await this.#index.follow([]);
    return this.#index.search(query);
  }

  // Older messages of everything.

  async #history(act: Finds['history']['input']): Promise<HistoryView> {
    const { store } = this.home;
    if (act === 'start') await store.write([await store.put(wholeHistory, '', { wanted: true })]);
    if (act === 'stop') await store.write([store.remove(wholeHistory, '')]);
    if (act !== 'look') this.#wanted = act === 'start';
    if (act === 'start') this.resume();
    return this.#view();
  }

  async #view(): Promise<HistoryView> {
    this.#wanted = (await this.home.store.get(wholeHistory)) !== null;
    const rooms = this.home.rooms.all();
    const behind = rooms.filter(hasOlder).length;
    const state = this.#running ? 'running' : this.#wanted && behind > 0 ? 'waiting' : 'idle';
    return { state, behind, conversations: rooms.length };
  }

  /** After each connection, where it is wanted. */
  resume(): void {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    this.home.background(this.#fetchAll().finally(() => (this.#running = false)));
  }

  async #fetchAll(): Promise<void> {
    const { rooms, store, parts, connection } = this.home;
    const newestFirst = rooms.all().toSorted((a, b) => (b.state.last?.at ?? 0) - (a.state.last?.at ?? 0));
    for (const room of newestFirst) {
      for (let more = hasOlder(room); more && this.#wanted; ) {
        if (!connection.online || store.recalled) return;
        more = await room.exclusively(() => fetchOlder(parts, room, pageEntries));
        await this.#pause();
      }
    }
    if (this.#wanted) await store.write([store.remove(wholeHistory, '')]);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.home.runtime.after(pauseMs, resolve);
    });
  }

  // A date.

  async #date({ conversationId, at }: Finds['date']['input']): Promise<number | null> {
    const room = this.home.rooms.get(conversationId);
    if (room === null) throw new LanyingError('conversation.unknown');
    for (let pages = 0; pages < pagesBackMax && this.home.connection.online && hasOlder(room); pages += 1) {
      const first = await this.#firstFrom(room, 0);
      if (first !== null && first.sentAt <= at) break;
      if (!(await room.exclusively(() => fetchOlder(this.home.parts, room, pageEntries)))) break;
    }
    return this.#firstSince(room, at);
  }

  /** The server's times never decrease in a log. */
  async #firstSince(room: Conversation, at: number): Promise<number | null> {
    let [low, high] = [0, room.state.cursor.sequence];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = await this.#firstFrom(room, middle);
      if (next === null || next.sentAt >= at) high = middle;
      else low = Math.max(next.sequence, middle) + 1;
    }
    const found = await this.#firstFrom(room, low);
    return (found ?? (await this.#last(room)))?.sequence ?? null;
  }

  async #firstFrom({ id }: Conversation, sequence: number): Promise<{ readonly sequence: number; readonly sentAt: number } | null> {
    const [row] = await this.home.store.range(messages, `${id}/${padded(sequence)}`, after(`${id}/`), 1);
    return row?.value.entry ?? null;
  }

  async #last({ id }: Conversation): Promise<{ readonly sequence: number; readonly sentAt: number } | null> {
    const [row] = await this.home.store.range(messages, `${id}/`, after(`${id}/`), 1, true);
    return row?.value.entry ?? null;
  }
}
