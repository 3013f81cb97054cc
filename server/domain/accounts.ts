/** Creating accounts, whole or not at all ([A1]–[A3]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { unlockersMin } from '#protocol/limits.ts';
import type { Device, Person, Role, Unlocker, Vault } from '#protocol/model.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Credentials } from '../ports/credentials.ts';
import type { AccountStore, NewAccount, SessionRecord } from '../ports/store.ts';
import type { Acts } from '../ports/audit-store.ts';
import type { Scribe } from './audit/scribe.ts';
import { BoundedMap } from './bounded-map.ts';
import { checkCertificate, keyPackagesFault } from './device-certificates.ts';
import type { Grant, Grants, GrantToken } from './grants.ts';
import { isCredentialId, type Passkeys } from './passkeys.ts';
import type { Passwords } from './passwords.ts';
import type { OwnPasswords } from './sign-in/own-password.ts';
import type { SignInPolicies } from './sign-in/policies.ts';
import type { NewSession, Sessions } from './sessions.ts';
import type { Whence } from './sign-in/whence.ts';
import type { SignInLimits } from './sign-in-limits.ts';

export const personOf = ({ userId, handle, displayName, role, identityKey }: Person): Person => ({
  userId, handle, displayName, role, identityKey,
});

export function viewOf(record: SessionRecord, person: Person, serverTime: number): Output<'session.get'> {
  const { sessionId, deviceId, expiresAt, must } = record;
  return { sessionId, person: personOf(person), deviceId, expiresAt, serverTime, ...(must === undefined ? {} : { must }) };
}

type NewUnlocker = Omit<Unlocker, 'createdAt'>;

/** [A3]: at least unlockersMin ways in, of which no two are the same. */
export function unlockersRefusal(unlockers: readonly NewUnlocker[]): Refusal | null {
  if (unlockers.length < unlockersMin) return refuse('vault.unlockers_missing', { reason: 'too_few' });
  if (new Set(unlockers.map((unlocker) => unlocker.unlockerId)).size !== unlockers.length) {
    return refuse('vault.unlockers_missing', { reason: 'same_id' });
  }
  const passkeys = unlockers.filter((unlocker) => unlocker.kind === 'passkey');
  if (passkeys.some((unlocker) => !isCredentialId(unlocker.credentialId))) return refuse('vault.unlockers_missing', { reason: 'credential' });
  if (unlockers.some((unlocker) => unlocker.kind !== 'passkey' && unlocker.credentialId !== '')) {
    return refuse('vault.unlockers_missing', { reason: 'credential' });
  }
  const distinct = new Set(passkeys.map((unlocker) => unlocker.credentialId));
  return distinct.size === passkeys.length ? null : refuse('vault.unlockers_missing', { reason: 'same_passkey' });
}

export interface AccountParts {
  readonly store: AccountStore;
  readonly grants: Grants;
  readonly passkeys: Passkeys;
  readonly passwords: Passwords;
  readonly ownPasswords: OwnPasswords;
  readonly policies: SignInPolicies;
  readonly sessions: Sessions;
  readonly limits: SignInLimits;
  readonly runtime: Runtime;
}

export interface SignedIn {
  readonly session: NewSession;
  readonly output: Output<'session.get'>;
}

type CreationAct = 'setup.completed' | 'account.created' | 'invite.used';

function creationActs({ account, device, inviteId }: NewAccount, audit: Scribe<CreationAct>): Acts {
  const { userId, handle, displayName, role } = account;
  const actor = { kind: 'person', userId } as const;
  const object = { kind: 'account', id: userId } as const;
  const personal = { subject: userId, fields: { handle, displayName, label: device.label } };
  const factor = account.passwordHash === null ? 'passkey' : 'password';
  const created = audit({ act: 'account.created', actor, object, after: { role, factor, device: device.deviceId }, personal });
  const opened =
    inviteId === null
      ? audit({ act: 'setup.completed', actor, object })
      : audit({ act: 'invite.used', actor, object: { kind: 'invite', id: inviteId }, after: { usedBy: userId } });
  return [opened, created];
}

const outcomes = { handle_taken: 'handle.taken', account_exists: 'account.exists', setup_done: 'setup.done', invite_used: 'invite.used' } as const;
/** People whose role and name are at hand; both are fixed with the account. */
const peopleCached = 2_000;

const roleOf = (grant: Grant): Role => (grant.kind === 'setup' ? 'owner' : grant.invite.role);

export class Accounts {
  readonly #parts: AccountParts;
  readonly #people = new BoundedMap<UserId, Person>(peopleCached);
  #forgotten = 0;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  async person(userId: UserId): Promise<Person | null> {
    const known = this.#people.get(userId);
    if (known !== undefined) return known;
    const forgotten = this.#forgotten;
    const account = await this.#parts.store.byId(userId);
    if (account === null) return null;
    const person = personOf(account);
    // Read before somebody went, perhaps this one.
    if (forgotten === this.#forgotten) this.#people.set(userId, person);
    return person;
  }

  /** The account may be gone. */
  forget(userId: UserId): void {
    this.#forgotten += 1;
    this.#people.delete(userId);
  }

  view(record: SessionRecord, person: Person): Output<'session.get'> {
    return viewOf(record, person, this.#parts.runtime.now());
  }

  /** [A8] Refuses handle.taken, rate.limited and whatever is wrong with the grant. */
  async checkHandle({ grant, handle }: Input<'account.checkHandle'>): Promise<Result<Record<string, never>>> {
    const checked = await this.#freeHandle(grant, handle);
    return checked.ok ? ok({}) : checked;
  }

  async passkeyOptions(input: Input<'account.passkeyOptions'>): Promise<Result<Output<'account.passkeyOptions'>>> {
    const grant = await this.#freeHandle(input.grant, input.handle);
    if (!grant.ok) return grant;
    return ok(await this.#parts.passkeys.beginRegistration(input));
  }

  async create(input: Input<'account.create'>, whence: Whence, audit: Scribe<CreationAct>): Promise<Result<SignedIn>> {
    if (input.grant.kind === 'invite' && (await this.#parts.store.count()) === 0) return refuse('setup.required');
    const grant = await this.#freeHandle(input.grant, input.handle);
    if (!grant.ok) return grant;
    const refused = this.#refuseParts(input);
    if (refused !== null) return refused;
    const role = roleOf(grant.value);
    const factor = await this.#factor(input, role);
    if (!factor.ok) return factor;
    const alone = factor.value.passwordHash !== null && (await this.#parts.policies.rulesOf({ userId: input.userId, role })).secondStep === 'required';
    const session = this.#parts.sessions.make(input.userId, input.device.deviceId, { factor: 'account', whence, must: alone ? 'add_second_step' : null });
    const account = this.#assemble(input, grant.value, factor.value, session.record);
    const outcome = await this.#parts.store.create(account, creationActs(account, audit));
    if (outcome !== 'created') return refuse(outcomes[outcome]);
    return ok({ session, output: this.view(session.record, personOf(account.account)) });
  }

  /** Only whoever may make an account learns whether a handle is taken, and only so often ([A8]). */
  async #freeHandle(token: GrantToken, handle: string): Promise<Result<Grant>> {
    const grant = await this.#parts.grants.check(token);
    if (!grant.ok) return grant;
    const limited = this.#parts.limits.askHandle(grant.value.kind === 'setup' ? 'setup' : grant.value.invite.inviteId);
    if (limited !== null) return limited;
    return (await this.#parts.store.byHandle(handle)) === null ? grant : refuse('handle.taken');
  }

  /** What can be refused without any slow or single-use step. */
  #refuseParts(input: Input<'account.create'>): Refusal | null {
    const now = this.#parts.runtime.now();
    const { deviceId, certificate } = input.device;
    const checked = checkCertificate(certificate, { userId: input.userId, deviceId, identityKey: input.identityKey, now });
    if (typeof checked === 'string') return refuse('device.refused', { reason: checked });
    const fault = keyPackagesFault(input.keyPackages, certificate, now);
    if (fault !== null) return refuse('key_package.invalid', { reason: fault });
    return unlockersRefusal(input.vault.unlockers);
  }

  async #factor(input: Input<'account.create'>, role: Role): Promise<Result<Credentials>> {
    const { factor, userId, handle, displayName } = input;
    const { ownPasswords, policies, passwords } = this.#parts;
    if (factor.kind === 'password') {
      const checked = await ownPasswords.check(factor.password, { userId, role, handle, displayName });
      if (!checked.ok) return checked;
      const hashed = await passwords.hash(factor.password);
      return hashed.ok ? ok({ passwordHash: hashed.value, passkeys: [], passwordFacts: await ownPasswords.facts(null) }) : hashed;
    }
    const forbidden = await policies.refusal({ userId, role }, 'passkey');
    if (forbidden !== null) return forbidden;
    const passkey = await this.#parts.passkeys.finishRegistration(factor.ceremonyId, factor.response, userId, handle);
    if (!passkey.ok) return passkey;
    if ((await this.#parts.store.byCredential(passkey.value.credentialId)) !== null) return refuse('passkey.refused', { reason: 'exists' });
    return ok({ passwordHash: null, passkeys: [passkey.value] });
  }

  #assemble(
    input: Input<'account.create'>,
    grant: Grant,
    factor: Credentials,
    session: SessionRecord,
  ): NewAccount {
    const createdAt = this.#parts.runtime.now();
    const { userId, handle, displayName, identityKey } = input;
    const role = roleOf(grant);
    const device: Device = { userId, ...input.device, createdAt };
    const unlockers = input.vault.unlockers.map((unlocker) => ({ ...unlocker, createdAt }));
    const vault: Vault = { version: 1, sealed: input.vault.sealed, unlockers };
    return {
      account: { userId, handle, displayName, role, identityKey, createdAt, ...factor },
      device, keyPackages: input.keyPackages, vault, session,
      inviteId: grant.kind === 'invite' ? grant.invite.inviteId : null,
    };
  }
}
