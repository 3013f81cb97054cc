/** The policy of signing in: in force as soon as it is set ([P3]), and what it says of passwords ([A16]). */
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import type { Role } from '#protocol/model.ts';
import type { Must } from '#protocol/sign-in.ts';
import { type PasswordFault, type PasswordRules, type RoleRules, type SignInPolicy, signInPolicyDefault, strictest } from '#protocol/sign-in-policy.ts';
import type { Credentials } from '../../ports/credentials.ts';
import type { SignInPolicyRecord, SignInPolicyStore } from '../../ports/policy-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import { strengthOf } from './strength.ts';

const dayMs = 86_400_000;
const factLengthMax = 200;
/** Of zxcvbn: at most a million guesses, so among what everybody tries first. */
const blocklistedMax = 1;

/** Whose rules are asked for. */
export interface Ruled {
  readonly userId: UserId;
  readonly role: Role;
}

export const rulesIn = ({ roles, groups = [] }: SignInPolicy, { userId, role }: Ruled): RoleRules =>
  strictest([roles[role], ...groups.filter(({ members }) => members.includes(userId)).map(({ rules }) => rules)]);

/** Whom a password is for. */
export interface PasswordOwner extends Ruled {
  readonly handle: string;
  readonly displayName: string;
}

export interface PolicyParts {
  readonly store: SignInPolicyStore;
  readonly runtime: Runtime;
  readonly serverName: string;
}

/** Counts characters as people do, not UTF-16 units. */
const lengthOf = (password: string): number => [...password].length;
const classesOf = (password: string): number =>
  [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u].filter((sign) => sign.test(password)).length;

/** What of a person's factors the policy lets them use. */
export function allowedOf(credentials: Credentials, rules: RoleRules): Credentials {
  const { totp, ...others } = credentials;
  return {
    ...others,
    passwordHash: rules.password === 'allowed' ? credentials.passwordHash : null,
    passkeys: rules.passkey === 'allowed' ? credentials.passkeys : [],
    ...(totp === undefined || rules.totp === 'forbidden' ? {} : { totp }),
  };
}

export class SignInPolicies {
  readonly #parts: PolicyParts;
  #current: { readonly version: number; readonly policy: SignInPolicy } | null = null;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
  }

  async current(): Promise<{ readonly version: number; readonly policy: SignInPolicy }> {
    this.#current ??= (await this.#parts.store.get()) ?? { version: 0, policy: signInPolicyDefault };
    return this.#current;
  }

  async rulesOf(who: Ruled): Promise<RoleRules> {
    return rulesIn((await this.current()).policy, who);
  }

  /** Refuses factor.forbidden. */
  async refusal(who: Ruled, factor: 'password' | 'passkey' | 'totp'): Promise<Refusal | null> {
    return (await this.rulesOf(who))[factor] === 'allowed' ? null : refuse('factor.forbidden', { reason: factor });
  }

  /** Refuses policy.conflict, factor.last: whoever sets it must still get in themself. */
  async set(by: AccountRecord, version: number, policy: SignInPolicy, audit: Scribe<'policy.changed'>): Promise<Result<Output<'signInPolicy.set'>>> {
    const { passwordHash, passkeys } = allowedOf(by, rulesIn(policy, by));
    if (passwordHash === null && passkeys.length === 0) return refuse('factor.last', { reason: 'own_account' });
    const before = await this.current();
    const record: SignInPolicyRecord = { version: version + 1, policy, setAt: this.#parts.runtime.now(), setBy: by.userId };
    const told = { object: { kind: 'policy', id: 'sign-in' } as const, before: factsOf(before.policy), after: factsOf(policy) };
    if ((await this.#parts.store.set(record, [audit({ act: 'policy.changed', ...told })])) === 'conflict') {
      this.#current = null;
      return refuse('policy.conflict');
    }
    this.#current = record;
    return ok({ version: record.version });
  }

  /** Somebody in it may be gone: it is read again. */
  forget(): void {
    this.#current = null;
  }

  /** Null: the password will do. Whether it was used before is for whoever has the hashes. */
  async faultOf(password: string, owner: PasswordOwner): Promise<PasswordFault | null> {
    const { policy } = await this.current();
    const { handle, displayName } = owner;
    const { classesMin, blocklist, strengthMin } = policy.password;
    if (lengthOf(password) < lengthMinOf(policy.password, rulesIn(policy, owner))) return 'length';
    if (classesOf(password) < classesMin) return 'classes';
    if (!blocklist && strengthMin === 0) return null;
    const strength = await strengthOf(password, [handle, displayName, this.#parts.serverName]);
    if (blocklist && strength <= blocklistedMax) return 'blocklisted';
    return strength < strengthMin ? 'guessable' : null;
  }

  /** What the password that just signed in has to do. Looked at anew when the policy changed since. */
  async afterSignIn(account: AccountRecord, password: string): Promise<{ readonly must: Must | null; readonly weak: boolean; readonly version: number }> {
    const { version, policy } = await this.current();
    const { passwordFacts: facts, createdAt } = account;
    const known = facts?.policy === version ? facts.weak : null;
    const weak = known ?? (await this.faultOf(password, account)) !== null;
    const { maxAgeDays } = policy.password;
    const old = maxAgeDays !== null && this.#parts.runtime.now() - (facts?.setAt ?? createdAt) > maxAgeDays * dayMs;
    return { must: weak || old ? 'change_password' : null, weak, version };
  }
}

export const lengthMinOf = (rules: PasswordRules, role: RoleRules): number => (role.secondStep === 'required' ? rules.lengthMinSecondStep : rules.lengthMin);

function factsOf({ roles, password, groups = [] }: SignInPolicy): Record<string, string | number | boolean | null> {
  const words = ({ password: byPassword, passkey, totp, secondStep }: RoleRules): string => [byPassword, passkey, totp, secondStep].join(' ');
  // Which people they are, and what an organisation calls them, is not for a log that never forgets.
  const ofGroups = groups.map(({ members, rules }) => `${members.length}: ${words(rules)}`).join('; ').slice(0, factLengthMax);
  return { ...password, owner: words(roles.owner), admin: words(roles.admin), member: words(roles.member), groups: groups.length, ofGroups };
}
