/** Whom administrators should speak to about how they sign in ([P4]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { deviceIdleMs, healthPageMax, unlockersMin } from '#protocol/limits.ts';
import type { HealthIssue, PersonHealth, SignInPolicy } from '#protocol/sign-in-policy.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore, DeviceStore, SessionRecord, SessionStore, VaultStore } from '../../ports/store.ts';
import { allowedOf, rulesIn, type SignInPolicies } from './policies.ts';
import { hasSecondStep } from './second-steps.ts';

const dayMs = 86_400_000;
/** Where the policy names no age, an older password is worth a word all the same. */
const oldAfterDays = 730;
const fewCodes = 3;

export interface HealthParts {
  readonly accounts: AccountStore;
  readonly sessions: SessionStore;
  readonly devices: DeviceStore;
  readonly vaults: VaultStore;
  readonly policies: SignInPolicies;
  readonly runtime: Runtime;
}

interface Seen {
  readonly usedAt: number | null;
  readonly unlockers: number;
  readonly staleDevices: number;
}

export class Health {
  readonly #parts: HealthParts;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  async report({ after, limit = healthPageMax, policy }: Input<'signInPolicy.health'>): Promise<Output<'signInPolicy.health'>> {
    const { accounts, sessions, policies } = this.#parts;
    const found = await accounts.list(after ?? null, limit + 1);
    const page = found.slice(0, limit);
    const asked = policy ?? (await policies.current()).policy;
    const live = await sessions.ofUsers(page.map(({ userId }) => userId));
    const people = await Promise.all(page.map(async (account) => this.#person(account, asked, await this.#see(account, live))));
    return { people, more: found.length > limit };
  }

  async #see({ userId }: AccountRecord, live: readonly SessionRecord[]): Promise<Seen> {
    const { devices, vaults, runtime } = this.#parts;
    const [theirs, vault] = await Promise.all([devices.ofUsers([userId]), vaults.get(userId)]);
    const uses = await devices.lastUse(theirs);
    const before = runtime.now() - deviceIdleMs;
    const used = live.filter((session) => session.userId === userId).map(({ createdAt, usedAt = 0 }) => Math.max(createdAt, usedAt));
    const latest = [...used, ...uses.map((use) => use ?? 0)].reduce((most, use) => Math.max(most, use), 0);
    return {
      usedAt: latest === 0 ? null : latest,
      unlockers: vault?.unlockers.length ?? 0,
      staleDevices: theirs.filter(({ createdAt }, at) => Math.max(createdAt, uses[at] ?? 0) < before).length,
    };
  }

  #person(account: AccountRecord, policy: SignInPolicy, seen: Seen): PersonHealth {
    const { userId, handle, displayName, role, passwordHash, passwordFacts, passkeys, totp, createdAt } = account;
    return {
      userId, handle, displayName, role,
      usedAt: seen.usedAt,
      passwordSetAt: passwordHash === null ? null : (passwordFacts?.setAt ?? createdAt),
      passkeys: passkeys.length,
      totp: totp !== undefined,
      issues: [...this.#factorIssues(account, policy), ...this.#useIssues(account, seen)],
    };
  }

  #factorIssues(account: AccountRecord, policy: SignInPolicy): readonly HealthIssue[] {
    const allowed = allowedOf(account, rulesIn(policy, account));
    const { passwordFacts, recoveryCodes, createdAt } = account;
    if (allowed.passwordHash === null) return allowed.passkeys.length === 0 ? ['no_way_in'] : [];
    const maxAgeMs = (policy.password.maxAgeDays ?? oldAfterDays) * dayMs;
    const old = this.#parts.runtime.now() - (passwordFacts?.setAt ?? createdAt) > maxAgeMs;
    const few = recoveryCodes !== undefined && recoveryCodes.hashes.length < fewCodes;
    return [
      ...(hasSecondStep(allowed) ? [] : ['no_second_step' as const]),
      ...(passwordFacts?.weak === true ? ['password_weak' as const] : []),
      ...(old ? ['password_old' as const] : []),
      ...(few ? ['few_recovery_codes' as const] : []),
    ];
  }

  #useIssues({ createdAt }: AccountRecord, { usedAt, unlockers, staleDevices }: Seen): readonly HealthIssue[] {
    const unused = Math.max(createdAt, usedAt ?? 0) < this.#parts.runtime.now() - deviceIdleMs;
    return [
      ...(unlockers < unlockersMin ? ['one_unlocker' as const] : []),
      ...(unused ? ['unused' as const] : []),
      ...(staleDevices > 0 ? ['stale_device' as const] : []),
    ];
  }
}
