/** What members' devices do by themselves for a group: leavers go ([C8], [D5]), epochs end in time ([E9]). */
import { type ConversationId } from '#protocol/ids.ts';
import { epochAgeMsMax } from '#protocol/limits.ts';
import { chance } from './chance.ts';
import type { Connection } from './connection.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { Runtime, Timer } from './ports.ts';
import type { Rooms } from './rooms.ts';

const upkeepEveryMs = 10 * 60_000;
const tidyAfterMs = 1_500;

export class Upkeep {
  #timer: Timer;
  #closed = false;

  constructor(
    readonly runtime: Runtime,
    readonly connection: Connection,
    readonly rooms: () => Rooms,
    readonly background: (work: Promise<unknown>) => void,
  ) {
    this.#timer = runtime.after(upkeepEveryMs, () => this.#keepUp());
  }

  close(): void {
    this.#closed = true;
    this.#timer.cancel();
  }

  /** Somebody left: whoever is online takes them out of the tree, each after a pause of its own length. */
  tidyLater(conversationId: ConversationId): void {
    const pause = tidyAfterMs * (0.2 + chance(this.runtime));
    this.runtime.after(pause, () => {
      const room = this.rooms().get(conversationId);
      if (room !== null && this.connection.writable && !this.#closed) this.background(this.tidy(room));
    });
  }

  tidy(room: Conversation): Promise<unknown> {
    return room.exclusively(async () => {
      if (!room.state.active || room.halted !== null || room.leavers().length === 0) return;
      await room.submit(() => Promise.resolve(room.leavers().length > 0 ? {} : null));
    });
  }

  /** Epochs end after a day even where nobody writes ([E9]); the pause by leaf keeps all from committing at once. */
  #keepUp(): void {
    this.#timer = this.runtime.after(upkeepEveryMs, () => this.#keepUp());
    if (!this.connection.writable) return;
    const now = this.runtime.now();
    for (const room of this.rooms().all()) {
      const jitterMs = chance(this.runtime) * 6 * upkeepEveryMs;
      const stale = () => now - room.state.epochStartedAt > epochAgeMsMax - 6 * upkeepEveryMs + jitterMs;
      if (room.state.active && stale())
        this.background(room.exclusively(() => room.submit(() => Promise.resolve(stale() ? {} : null))));
    }
  }
}
