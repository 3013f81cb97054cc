/**
 * Entries that were read lately, opened: whoever catches up reads what others have just read, or will read it on another
 * device. Filled by reads alone, so that sends pay nothing for it.
 */
import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId } from '#protocol/ids.ts';
import type { Page } from '../log-page.ts';

/** Of bodies and fixed parts; a quarter of it for one conversation. */
export const recentBytesMax = 64 * 1024 * 1024;
const runBytesMax = recentBytesMax / 4;
const fixedBytes = 512;

interface Run {
  /** By sequence; those that were read first are first. */
  readonly entries: Map<number, Entry>;
  bytes: number;
}

const sizeOf = ({ body }: Entry): number => body.length + fixedBytes;

export class RecentPages {
  /** The one unused for longest first. */
  readonly #runs = new Map<ConversationId, Run>();
  #bytes = 0;

  /** Never more than recentBytesMax. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The page behind `after`, up to `head`; null unless all of it is at hand. */
  read(id: ConversationId, after: number, head: number, page: Page): readonly Entry[] | null {
    const run = this.#runs.get(id);
    if (run === undefined) return null;
    for (let sequence = after + 1; sequence <= head; sequence += 1) {
      const entry = run.entries.get(sequence);
      if (entry === undefined) return null;
      if (!page.take(entry)) break;
    }
    this.#runs.delete(id);
    this.#runs.set(id, run);
    return page.entries;
  }

  /** `entries` are on disk, and there to be read at this moment. */
  learn(id: ConversationId, entries: readonly Entry[]): void {
    const run = this.#runs.get(id) ?? { entries: new Map<number, Entry>(), bytes: 0 };
    this.forget(id);
    for (const entry of entries) {
      if (run.entries.has(entry.sequence)) continue;
      run.entries.set(entry.sequence, entry);
      run.bytes += sizeOf(entry);
    }
    for (const [sequence, entry] of run.entries) {
      if (run.bytes <= runBytesMax) break;
      run.entries.delete(sequence);
      run.bytes -= sizeOf(entry);
    }
    this.#runs.set(id, run);
    this.#bytes += run.bytes;
    for (const oldest of this.#runs.keys()) {
      if (this.#bytes <= recentBytesMax) break;
      this.forget(oldest);
    }
  }

  forget(id: ConversationId): void {
    this.#bytes -= this.#runs.get(id)?.bytes ?? 0;
    this.#runs.delete(id);
  }
}
