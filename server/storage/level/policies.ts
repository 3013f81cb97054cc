import type { Acts } from '../../ports/audit-store.ts';
import type { SignInPolicyRecord, SignInPolicyStore } from '../../ports/policy-store.ts';
import { type Access, aloneKey } from './access.ts';

export class LevelSignInPolicy implements SignInPolicyStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  get(): Promise<SignInPolicyRecord | null> {
    return this.#access.tables.signInPolicy.get(aloneKey);
  }

  set(record: SignInPolicyRecord, acts: Acts): Promise<'set' | 'conflict'> {
    return this.#access.mutex.run('sign-in policy', async () => {
      const { tables, audit } = this.#access;
      if (((await this.get())?.version ?? 0) !== record.version - 1) return 'conflict';
      await audit.submit([tables.signInPolicy.put(aloneKey, record)], acts);
      return 'set';
    });
  }
}
