/**
 * Everything that was said and is on this device, opened in memory, newest last, and looked through from its end: over
 * 100,000 messages that takes milliseconds, finds any part of any word in every language, and needs no second copy on
 * disk, because the sealed pages (store/pages.ts) are read in well under a second. Follows what is written after that.
 */
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { blockOf, nameIn, pageEntries, pages, shownIn } from '../store/pages.ts';
import { after, messages } from '../store/records.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { fold, snippetOf, termsOf } from './folding-text.ts';
import type { Has, Hit, Place, SearchAnswer, SearchQuery } from './query.ts';
import { hasBits, linksIn, said } from './said.ts';

interface Line {
  readonly conversationId: ConversationId;
  readonly sequence: number;
  readonly sentAt: number;
  readonly from: UserId;
  readonly text: string;
  readonly folded: string;
  readonly has: number;
  /** It has a record of its own, which beats its page. */
  readonly alone: boolean;
  gone: boolean;
}

const pagesAtOnce = 96;
const singlesAtOnce = 1_000;
const linksMax = 8;
/** More that is gone than this part of all, and the list is written anew. */
const goneShare = 0.2;

const compare = (a: Place, b: Place): number => a.sentAt - b.sentAt || (a.conversationId < b.conversationId ? -1 : a.conversationId > b.conversationId ? 1 : a.sequence - b.sequence);

/** Names are the store's own: an id of 22 characters, a slash, 16 hexadecimal digits. */
function nameOf(name: string): { readonly conversationId: ConversationId; readonly number: number } {
  const at = name.indexOf('/');
  return { conversationId: name.slice(0, at) as ConversationId, number: Number.parseInt(name.slice(at + 1), 16) };
}

export class MessageIndex {
  readonly #store: SealedStore;
  readonly #rooms = new Map<ConversationId, Map<number, Line>>();
  #lines: Line[] = [];
  #gone = 0;
  #loading: Promise<void> | null = null;
  #whole = false;
  /** Keys that were written, to be read (again). */
  readonly #due = new Set<string>();
  #following: Promise<void> = Promise.resolve();

  constructor(store: SealedStore) {
    this.#store = store;
  }

  get whole(): boolean {
    return this.#whole;
  }

  /** Reads everything once; `progress` is called now and then while it does. A failure leaves what was read, and the next call goes on from the beginning. */
  load(progress: () => void = () => undefined): Promise<void> {
    this.#loading ??= this.#load(progress).catch((cause: unknown) => {
      this.#loading = null;
      throw cause;
    });
    return this.#loading;
  }

  async #load(progress: () => void): Promise<void> {
    await this.#loadAll(pagesAtOnce, async (from, to, limit) => {
      const rows = await this.#store.rangeAlone(pages, from, to, limit);
      for (const { name, value } of rows) this.#takePage(name, shownIn(value));
      return rows;
    }, progress);
    await this.#loadAll(singlesAtOnce, async (from, to, limit) => {
      const rows = await this.#store.rangeAlone(messages, from, to, limit);
      for (const { name, value: { entry, ...rest } } of rows) this.#take(name, entry.sequence, entry.sentAt, entry.user, rest, true);
      return rows;
    }, progress);
    this.#whole = true;
    progress();
  }

  async #loadAll(step: number, read: (from: string, to: string, limit: number) => Promise<readonly { readonly name: string }[]>, progress: () => void): Promise<void> {
    for (let from = '', more = true; more; ) {
      const rows = await read(from, after(''), step);
      // The least name behind the last one.
      from = `${rows.at(-1)?.name ?? ''}\u0000`;
      more = rows.length === step;
      this.#lines.sort(compare);
      if (more) progress();
    }
  }

  #takePage(name: string, rows: ReturnType<typeof shownIn>): void {
    const { conversationId, number: block } = nameOf(name);
    const room = this.#room(conversationId);
    const here = new Set(rows.map(([sequence]) => sequence));
    for (let sequence = block * pageEntries; sequence < (block + 1) * pageEntries; sequence += 1) {
      const old = room.get(sequence);
      if (old !== undefined && !old.alone && !here.has(sequence)) this.#drop(old);
    }
    for (const [sequence, sentAt, from, rest] of rows) {
      if (room.get(sequence)?.alone !== true) this.#take(name, sequence, sentAt, from, rest, false);
    }
  }

  #room(conversationId: ConversationId): Map<number, Line> {
    const room = this.#rooms.get(conversationId) ?? new Map<number, Line>();
    this.#rooms.set(conversationId, room);
    return room;
  }

  #take(name: string, sequence: number, sentAt: number, from: string, rest: Readonly<Record<string, unknown>>, alone: boolean): void {
    const { conversationId } = nameOf(name);
    const old = this.#room(conversationId).get(sequence);
    if (old !== undefined) this.#drop(old);
    const words = said(rest);
    if (words === null) return;
    const folded = fold(words.text);
    // One string where both are the same: most of Chinese.
    const line: Line = {
      conversationId, sequence, sentAt, from: from as UserId, text: words.text, folded: folded === words.text ? words.text : folded, has: words.has, alone, gone: false,
    };
    this.#room(conversationId).set(sequence, line);
    this.#insert(line);
  }

  #insert(line: Line): void {
    const last = this.#lines.at(-1);
    if (!this.#whole || last === undefined || compare(last, line) <= 0) this.#lines.push(line);
    else this.#lines.splice(this.#placeOf(line), 0, line);
  }

  /** Index of the first line that is not before a place. */
  #placeOf(place: Place): number {
    let [low, high] = [0, this.#lines.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const line = this.#lines[middle];
      if (line !== undefined && compare(line, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #drop(line: Line): void {
    line.gone = true;
    this.#gone += 1;
    this.#rooms.get(line.conversationId)?.delete(line.sequence);
    if (this.#gone < 1_000 || this.#gone < this.#lines.length * goneShare) return;
    this.#lines = this.#lines.filter(({ gone }) => !gone);
    this.#gone = 0;
  }

  /** Keys of the store that were put or deleted; resolves when what they say is in the index. */
  follow(keys: readonly string[]): Promise<void> {
    for (const key of keys) if (key.startsWith(pages.prefix) || key.startsWith(messages.prefix)) this.#due.add(key);
    this.#following = this.#following.then(() => this.#followAll());
    return this.#following;
  }

  /** What was written while everything is being read is read behind it. */
  async #followAll(): Promise<void> {
    if (this.#loading === null) return this.#due.clear();
    await this.#loading;
    const due = [...this.#due];
    this.#due.clear();
    const blocks = new Set<string>();
    for (const key of due.filter((one) => one.startsWith(messages.prefix))) {
      const name = key.slice(messages.prefix.length);
      const message = await this.#store.getAlone(messages, name);
      const { conversationId, number: sequence } = nameOf(name);
      if (message !== null) {
        const { entry, ...rest } = message;
        this.#take(name, sequence, entry.sentAt, entry.user, rest, true);
        continue;
      }
      // It is in its page now, or nowhere.
      const old = this.#rooms.get(conversationId)?.get(sequence);
      if (old?.alone === true) this.#drop(old);
      blocks.add(nameIn(conversationId, blockOf(sequence)));
    }
    for (const key of due.filter((one) => one.startsWith(pages.prefix))) blocks.add(key.slice(pages.prefix.length));
    for (const name of blocks) {
      const page = await this.#store.getAlone(pages, name);
      this.#takePage(name, page === null ? [] : shownIn(page));
    }
  }

  search(query: SearchQuery): SearchAnswer {
    const terms = termsOf(query.text);
    const fits = filterOf(query, terms);
    const hits: Hit[] = [];
    let next: Place | null = null;
    let at = (query.behind === undefined ? this.#lines.length : this.#placeOf(query.behind)) - 1;
    for (; at >= 0; at -= 1) {
      const line = this.#lines[at];
      if (line === undefined || line.gone || !fits(line)) continue;
      if (hits.length === query.limit) {
        const { sentAt, conversationId, sequence } = hits.at(-1) ?? line;
        next = { sentAt, conversationId, sequence };
        break;
      }
      hits.push(hitOf(line, terms));
    }
    return { hits, next, searched: this.#lines.length - this.#gone, whole: this.#whole, oldest: this.#lines.find(({ gone }) => !gone)?.sentAt ?? null };
  }
}

function hitOf({ conversationId, sequence, sentAt, from, text, has }: Line, terms: readonly string[]): Hit {
  return { conversationId, sequence, sentAt, from, ...snippetOf(text, terms), links: (has & hasBits.link) === 0 ? [] : linksIn(text).slice(0, linksMax) };
}

function filterOf({ from, in: rooms, has = [], after: since, before }: SearchQuery, terms: readonly string[]): (line: Line) => boolean {
  const wanted = has.reduce((bits: number, one: Has) => bits | hasBits[one], 0);
  const people = from === undefined || from.length === 0 ? null : new Set(from);
  const places = rooms === undefined || rooms.length === 0 ? null : new Set(rooms);
  return (line) => {
    if (since !== undefined && line.sentAt < since) return false;
    if (before !== undefined && line.sentAt >= before) return false;
    if ((line.has & wanted) !== wanted) return false;
    if (people !== null && !people.has(line.from)) return false;
    if (places !== null && !places.has(line.conversationId)) return false;
    for (const term of terms) if (!line.folded.includes(term)) return false;
    return true;
  };
}
