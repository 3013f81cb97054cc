/** A policy that became stricter, on sessions that are open ([P3], [A17]). */
import type { AccountRecord, AccountStore } from '../../ports/store.ts';
import type { Sessions } from '../sessions.ts';
import { allowedOf, type SignInPolicies } from './policies.ts';
import { hasSecondStep } from './second-steps.ts';

const pageAccounts = 200;

export interface EnforcementParts {
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly policies: SignInPolicies;
}

export class Enforcement {
  readonly #parts: EnforcementParts;

  constructor(parts: EnforcementParts) {
    this.#parts = parts;
  }

  /** Whoever lacks a second step that they must have adds one before anything else, in sessions that are open too. Resolves to how many sessions. */
  async run(): Promise<number> {
    const { accounts, sessions } = this.#parts;
    let restricted = 0;
    for (let after: string | null = null, more = true; more;) {
      const page: readonly AccountRecord[] = await accounts.list(after, pageAccounts);
      const lacking: AccountRecord[] = [];
      for (const account of page) if (await this.#lacks(account)) lacking.push(account);
      const open = lacking.length === 0 ? [] : await sessions.ofUsers(lacking.map(({ userId }) => userId));
      for (const session of open.filter(({ must }) => must === undefined)) {
        await sessions.restrict(session, 'add_second_step');
        restricted += 1;
      }
      after = page.at(-1)?.handle ?? null;
      more = page.length === pageAccounts;
    }
    return restricted;
  }

  async #lacks(account: AccountRecord): Promise<boolean> {
    const rules = await this.#parts.policies.rulesOf(account);
    const allowed = allowedOf(account, rules);
    // Who has no way in at all has been shown to the administrators; locking their sessions up would mend nothing.
    return rules.secondStep === 'required' && allowed.passwordHash !== null && !hasSecondStep(allowed);
  }
}
