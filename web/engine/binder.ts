/** Binds what is no longer the newest into pages (store/folding.ts), a while after it was written, while nobody waits for it. */
import type { ConversationId } from '#protocol/ids.ts';
import type { Conversation } from './conversation/conversation.ts';
import { late } from './late.ts';
import type { Runtime, Timer } from './ports.ts';
import type { Rooms } from './rooms.ts';
import { blockOf, pageEntries } from './store/pages.ts';
import { messages } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';

const restMs = 2_000;
type Folding = Awaited<ReturnType<typeof folding>>;
const folding = late(() => import('./store/folding.ts'));

export class Binder {
  readonly #due = new Set<ConversationId>();
  #timer: Timer | null = null;

  constructor(
    readonly runtime: Runtime,
    readonly store: SealedStore,
    readonly rooms: () => Rooms,
    readonly background: (work: Promise<unknown>) => void,
  ) {
    store.onWritten((keys) => {
      for (const key of keys) if (key.startsWith(messages.prefix)) this.#heard(key.slice(messages.prefix.length));
    });
  }

  /** At the start: what an earlier version or a crash left as single records. */
  all(): void {
    for (const { id } of this.rooms().all()) this.#due.add(id);
    this.#soon();
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** The first of a block closes the one before it; one of an older block stands over its page. */
  #heard(name: string): void {
    const at = name.indexOf('/');
    const sequence = Number.parseInt(name.slice(at + 1), 16);
    const room = this.rooms().all().find(({ id }) => id === name.slice(0, at));
    if (room === undefined || this.#due.has(room.id)) return;
    if (sequence % pageEntries !== 0 && blockOf(sequence) >= blockOf(room.state.cursor.sequence)) return;
    this.#due.add(room.id);
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= this.runtime.after(restMs, () => {
      this.#timer = null;
      this.background(this.#bind());
    });
  }

  /** In steps: each lets others in between. */
  async #bindAll(room: Conversation, foldSome: Folding['foldSome']): Promise<void> {
    for (let more = true; more; ) more = await room.exclusively(() => foldSome(this.store, room.id, room.state.cursor.sequence));
  }

  async #bind(): Promise<void> {
    const { foldSome } = await folding();
    for (const id of this.#due) {
      const room = this.rooms().get(id);
      if (room !== null) await this.#bindAll(room, foldSome);
      this.#due.delete(id);
    }
  }
}
