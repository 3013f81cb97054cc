/** Retention over a store on disk, and the data folder as a crash would leave it: at every step and behind every call of the store. */
import { createHash } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InProcessBus } from '../../server/bus/in-process.ts';
import { Conversations } from '../../server/domain/conversations.ts';
import { Retention, retentionPartsOf } from '../../server/domain/retention/retention.ts';
import { ServerKey } from '../../server/domain/retention/server-key.ts';
import type { Runtime, Timer } from '../../server/ports/runtime.ts';
import type { LevelStore } from '../../server/storage/level/store.ts';
import { temporaryFolder, type TemporaryFolder } from './folder.ts';
import { FakeRuntime } from './runtime.ts';

/** Pauses between steps end at once, behind what `onPause` does. */
export class SteppingRuntime extends FakeRuntime {
  onPause: () => Promise<void> = () => Promise.resolve();

  override after(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    void this.onPause().then(() => {
      if (!cancelled) run();
    });
    return { cancel: () => void (cancelled = delayMs >= 0) };
  }
}

export function retentionOver(store: LevelStore, runtime: Runtime): Retention {
  const key = new ServerKey(store.audit);
  const bus = new InProcessBus((cause) => {
    throw cause;
  });
  const conversations = new Conversations(store.conversations, bus, (record) => key.floor(record));
  return new Retention({ ...retentionPartsOf(store), conversations, bus, key, runtime });
}

/** The same, and `behind` runs behind every call. */
function watched<T extends object>(part: T, behind: () => Promise<void>): T {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: readonly unknown[]): unknown => {
        const answer: unknown = Reflect.apply(member, target, [...given]);
        if (!(answer instanceof Promise)) return answer;
        return answer.then(async (value: unknown) => {
          await behind();
          return value;
        });
      };
    },
  });
}

/** As kill -9 leaves the folder: what is in its files at that moment. The lock belongs to this process. */
export class CrashCopies {
  readonly copies: TemporaryFolder[] = [];
  readonly #folder: string;
  readonly #pausesEach: number;
  #pauses = 0;
  #last = '';

  /** Of the states at pauses, which are many and alike, every so many; of those behind calls all. */
  constructor(folder: string, pausesEach: number) {
    this.#folder = folder;
    this.#pausesEach = pausesEach;
  }

  watching(store: LevelStore, runtime: SteppingRuntime): LevelStore {
    const take = (): Promise<void> => this.#take(store);
    runtime.onPause = async () => {
      this.#pauses += 1;
      if (this.#pauses % this.#pausesEach === 0) await take();
    };
    const { accounts, audit, blobs, conversations, erasure, people, purged, retention, sessions } = store;
    return {
      ...store,
      accounts: watched(accounts, take),
      audit: watched(audit, take),
      blobs: watched(blobs, take),
      conversations: watched(conversations, take),
      erasure: watched(erasure, take),
      people: watched(people, take),
      purged: watched(purged, take),
      retention: watched(retention, take),
      sessions: watched(sessions, take),
    };
  }

  async remove(): Promise<void> {
    for (const copy of this.copies.splice(0)) await copy.remove();
  }

  /** Once for each state of the disk. */
  async #take(store: LevelStore): Promise<void> {
    const beside = await Promise.all(
      ['purged', 'keys/kek'].map((name) => readFile(join(this.#folder, name)).catch(() => Buffer.alloc(0))),
    );
    const state = `${store.writes().batches} ${createHash('sha256').update(Buffer.concat(beside)).digest('hex')}`;
    if (state === this.#last) return;
    this.#last = state;
    const copy = await temporaryFolder();
    this.copies.push(copy);
    await cp(this.#folder, copy.path, {
      recursive: true,
      filter: (path) => !path.startsWith(join(this.#folder, 'lock')),
    });
  }
}
