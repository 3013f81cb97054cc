/** Changing one's own password ([A15], [A16]). */
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Credentials, PasswordFacts } from '../../ports/credentials.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore } from '../../ports/store.ts';
import type { SessionId, UserId } from '#protocol/ids.ts';
import type { Passwords } from '../passwords.ts';
import { changeCredentials } from './credential-changes.ts';
import type { SignInPolicies } from './policies.ts';

export interface OwnPasswordParts {
  readonly store: AccountStore;
  readonly passwords: Passwords;
  readonly policies: SignInPolicies;
  readonly runtime: Runtime;
}

export class OwnPasswords {
  readonly #parts: OwnPasswordParts;

  constructor(parts: OwnPasswordParts) {
    this.#parts = parts;
  }

  /** For an account that is about to be made, or that gets another one. Refuses factor.forbidden, password.weak with a reason. */
  async check(password: string, account: Pick<AccountRecord, 'userId' | 'role' | 'handle' | 'displayName'>): Promise<Result<null>> {
    const forbidden = await this.#parts.policies.refusal(account, 'password');
    if (forbidden !== null) return forbidden;
    const fault = await this.#parts.policies.faultOf(password, account);
    return fault === null ? ok(null) : refuse('password.weak', { reason: fault });
  }

  /** Facts of a password that has just been set. */
  async facts(before: Credentials | null): Promise<PasswordFacts> {
    const { version, policy } = await this.#parts.policies.current();
    const earlier = before === null || before.passwordHash === null ? [] : [before.passwordHash, ...(before.passwordFacts?.earlier ?? [])];
    return { setAt: this.#parts.runtime.now(), earlier: earlier.slice(0, policy.password.historyCount), weak: false, policy: version };
  }

  /**
   * Stored with it: that sessions but `keep` are to be ended, until `sessionsEnded` says that they are. Refuses
   * factor.forbidden, password.weak, rate.limited, and what `unless` says of the account as it is when it changes.
   */
  async set(
    userId: UserId, password: string, keep: SessionId | null, acts: (account: AccountRecord) => Acts, unless: (account: AccountRecord) => Refusal | null = () => null,
  ): Promise<Result<null>> {
    const { store, passwords } = this.#parts;
    const account = await store.byId(userId);
    if (account === null) return refuse('session.required');
    const checked = await this.check(password, account);
    if (!checked.ok) return checked;
    const reused = await this.#isReused(account, password);
    if (!reused.ok) return reused;
    if (reused.value) return refuse('password.weak', { reason: 'reused' });
    const hashed = await passwords.hash(password);
    if (!hashed.ok) return hashed;
    return changeCredentials<null>(store, userId, async (found) => {
      const refused = unless(found);
      if (refused !== null) return refused;
      const next = { ...found, passwordHash: hashed.value, passwordFacts: await this.facts(found), endingSessions: { keep } };
      return ok({ next, acts: acts(found), value: null });
    });
  }

  /** The end of what `set` began. */
  async sessionsEnded(userId: UserId): Promise<void> {
    await changeCredentials<null>(this.#parts.store, userId, (account) =>
      ok({ next: { ...account, endingSessions: undefined }, acts: null, value: null }),
    );
  }

  async #isReused({ passwordHash, passwordFacts }: AccountRecord, password: string): Promise<Result<boolean>> {
    const { historyCount } = (await this.#parts.policies.current()).policy.password;
    const hashes = historyCount === 0 ? [] : [...(passwordHash === null ? [] : [passwordHash]), ...(passwordFacts?.earlier ?? [])];
    for (const hash of hashes.slice(0, historyCount)) {
      const same = await this.#parts.passwords.verify(hash, password, true);
      if (!same.ok || same.value) return same;
    }
    return ok(false);
  }
}
