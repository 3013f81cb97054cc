/**
 * What a crash cut off between two aggregates (HOUSE rule 6): an account says what its change still has to bring about,
 * and it is brought about before anything is served again ([A15], [V5]).
 */
import type { AccountStore } from '../ports/store.ts';
import type { Scribe } from './audit/scribe.ts';
import type { NewIdentity } from './new-identity.ts';
import type { Sessions } from './sessions.ts';
import type { OwnPasswords } from './sign-in/own-password.ts';

const pageAccounts = 200;

export interface UnfinishedParts {
  readonly accounts: AccountStore;
  readonly newIdentity: NewIdentity;
  readonly passwords: OwnPasswords;
  readonly sessions: Sessions;
}

export class Unfinished {
  readonly #parts: UnfinishedParts;

  constructor(parts: UnfinishedParts) {
    this.#parts = parts;
  }

  /** Resolves to how many accounts there were. Doing it again changes nothing. */
  async finish(audit: Scribe<'session.ended'>): Promise<number> {
    const { accounts, newIdentity, passwords, sessions } = this.#parts;
    let finished = 0;
    for (let after: string | null = null, more = true; more;) {
      const page: Awaited<ReturnType<AccountStore['list']>> = await accounts.list(after, pageAccounts);
      for (const { userId, endingSessions, leaving } of page) {
        if (endingSessions === undefined && leaving === undefined) continue;
        if (endingSessions !== undefined) {
          await sessions.revokeAll(userId, endingSessions.keep, 'password_changed', audit);
          await passwords.sessionsEnded(userId);
        }
        if (leaving === true) await newIdentity.finish(userId);
        finished += 1;
      }
      after = page.at(-1)?.handle ?? null;
      more = page.length === pageAccounts;
    }
    return finished;
  }
}
