/** Policies and holds, each change remembered outside of the database too ([R6]). */
import type { Hold, RetentionPolicy } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { PurgeRegister, RetentionStore } from '../../ports/retention-store.ts';

export class RegisteredRules implements RetentionStore {
  readonly #store: RetentionStore;
  readonly #register: PurgeRegister;

  constructor(store: RetentionStore, register: PurgeRegister) {
    this.#store = store;
    this.#register = register;
  }

  policies(): Promise<readonly RetentionPolicy[]> {
    return this.#store.policies();
  }

  holds(): Promise<readonly Hold[]> {
    return this.#store.holds();
  }

  async setPolicy(policy: RetentionPolicy, acts: Acts): Promise<void> {
    await this.#store.setPolicy(policy, acts);
    await this.#register.add([{ kind: 'policy', policy }]);
  }

  async putHold(hold: Hold, expected: Hold['state'] | null, acts: Acts): Promise<'stored' | 'conflict'> {
    const outcome = await this.#store.putHold(hold, expected, acts);
    if (outcome === 'stored') await this.#register.add([{ kind: 'hold', hold }]);
    return outcome;
  }
}
