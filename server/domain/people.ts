/** The directory of people. */
import type { Input, Output } from '#protocol/commands/index.ts';
import type { UserId } from '#protocol/ids.ts';
import { listPageMax } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import type { AccountStore } from '../ports/store.ts';
import { personOf } from './accounts.ts';
import { BoundedMap } from './bounded-map.ts';

/** Pages at hand: when a server comes back, every client asks for the same ones. */
const pagesCached = 32;

interface Page {
  /** Accounts that there were: what is shown of one is fixed with it, so only their number makes a page old. */
  readonly accounts: number;
  readonly found: Promise<Output<'people.list'>>;
}

export class People {
  readonly #store: AccountStore;
  #pages = new BoundedMap<string, Page>(pagesCached);

  constructor(store: AccountStore) {
    this.#store = store;
  }

  /** Somebody is gone, and perhaps another came: their number does not tell. */
  forget(): void {
    this.#pages = new BoundedMap(pagesCached);
  }

  async list({ after, limit = listPageMax }: Input<'people.list'>): Promise<Output<'people.list'>> {
    const accounts = await this.#store.count();
    const key = `${limit} ${after ?? ''}`;
    const known = this.#pages.get(key);
    if (known?.accounts === accounts) return known.found;
    const found = this.#page(after ?? null, limit);
    this.#pages.set(key, { accounts, found });
    // Read anew by whoever comes next.
    found.catch(() => this.#pages.delete(key));
    return found;
  }

  async #page(after: string | null, limit: number): Promise<Output<'people.list'>> {
    const found = await this.#store.list(after, limit + 1);
    return { people: found.slice(0, limit).map(personOf), more: found.length > limit };
  }

  /** Each person once; unknown ones are left out. */
  async find({ handles = [], userIds = [] }: Input<'people.find'>): Promise<Output<'people.find'>> {
    const found = new Map<UserId, Person>();
    for (const handle of handles) {
      const account = await this.#store.byHandle(handle);
      if (account !== null) found.set(account.userId, personOf(account));
    }
    for (const userId of userIds) {
      if (found.has(userId)) continue;
      const account = await this.#store.byId(userId);
      if (account !== null) found.set(userId, personOf(account));
    }
    return { people: [...found.values()] };
  }
}
