/** The directory of people. */
import type { Input, Output } from '#protocol/commands/index.ts';
import type { UserId } from '#protocol/ids.ts';
import { listPageMax } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import type { AccountStore } from '../ports/store.ts';
import { personOf } from './accounts.ts';

export class People {
  readonly #store: AccountStore;

  constructor(store: AccountStore) {
    this.#store = store;
  }

  async list({ after, limit = listPageMax }: Input<'people.list'>): Promise<Output<'people.list'>> {
    const found = await this.#store.list(after ?? null, limit + 1);
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
