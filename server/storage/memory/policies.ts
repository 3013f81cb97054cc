import type { Acts } from '../../ports/audit-store.ts';
import type { SignInPolicyRecord, SignInPolicyStore } from '../../ports/policy-store.ts';
import { copy, type Shelf } from './shelf.ts';

export class MemorySignInPolicy implements SignInPolicyStore {
  readonly #shelf: Shelf;
  #record: SignInPolicyRecord | null = null;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async get(): Promise<SignInPolicyRecord | null> {
    return copy(this.#record);
  }

  async set(record: SignInPolicyRecord, acts: Acts): Promise<'set' | 'conflict'> {
    this.#shelf.writing();
    if ((this.#record?.version ?? 0) !== record.version - 1) return 'conflict';
    this.#shelf.audit(acts);
    this.#record = copy(record);
    return 'set';
  }
}
