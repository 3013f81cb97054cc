import type { UserId } from '#protocol/ids.ts';
import { LanyingError } from '../engine/api.ts';
import type { HeadlessEngine } from './engine.ts';

/** Handles for the SDK's users, ids for the engine. */
export class People {
  readonly #engine: Pick<HeadlessEngine, 'snapshot' | 'refreshPeople'>;

  constructor(engine: Pick<HeadlessEngine, 'snapshot' | 'refreshPeople'>) {
    this.#engine = engine;
  }

  /** The id itself for somebody whom the directory does not have. */
  handleOf(userId: UserId): string {
    return this.#engine.snapshot().people.find((person) => person.userId === userId)?.handle ?? userId;
  }

  /** Asks the server once for a handle that is not known yet. Rejects with `person.unknown`. */
  async idOf(handle: string): Promise<UserId> {
    const known = this.#find(handle);
    if (known !== null) return known;
    await this.#engine.refreshPeople();
    const found = this.#find(handle);
    if (found === null) throw new LanyingError('person.unknown', { field: handle });
    return found;
  }

  #find(handle: string): UserId | null {
    return this.#engine.snapshot().people.find((person) => person.handle === handle)?.userId ?? null;
  }
}
