import type { Acts } from '../../ports/audit-store.ts';
import type { SignInPolicyRecord, SignInPolicyStore } from '../../ports/policy-store.ts';
import { copy, type Shelf } from './shelf.ts';

export class MemorySignInPolicy implements SignInPolicyStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async get(): Promise<SignInPolicyRecord | null> {
    return copy(this.#shelf.signInPolicy);
  }

  async set(record: SignInPolicyRecord, acts: Acts): Promise<'set' | 'conflict'> {
    this.#shelf.writing();
    if ((this.#shelf.signInPolicy?.version ?? 0) !== record.version - 1) return 'conflict';
    this.#shelf.audit(acts);
    this.#shelf.signInPolicy = copy(record);
    return 'set';
  }
}
