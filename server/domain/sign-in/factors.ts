/** What a person signs in with, as they see and change it ([A9], [A11], [A12], [A15]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import { fromBase64Url, toBase64Url, type UserId } from '#protocol/ids.ts';
import { passkeysPerUserMax, totpConfirmTriesMax } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import type { PasskeyView } from '#protocol/sign-in.ts';
import type { Credentials, PasskeyRecord } from '../../ports/credentials.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore, SessionRecord } from '../../ports/store.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Begun, Passkeys } from '../passkeys.ts';
import type { Sessions } from '../sessions.ts';
import type { Ceremonies } from './ceremonies.ts';
import { changeCredentials } from './credential-changes.ts';
import type { RecoveryCodes } from './recovery-codes.ts';
import { allowedOf, type SignInPolicies } from './policies.ts';
import { hasSecondStep } from './second-steps.ts';
import { isFreshStep, setUpOf, stepOf, totpSecretBytes } from './totp.ts';

export interface FactorParts {
  readonly store: AccountStore;
  readonly passkeys: Passkeys;
  readonly ceremonies: Ceremonies;
  readonly codes: RecoveryCodes;
  readonly runtime: Runtime;
  readonly serverName: string;
  readonly policies: SignInPolicies;
  readonly sessions: Sessions;
}

type Nothing = Record<string, never>;
const account = (userId: UserId) => ({ kind: 'account', id: userId }) as const;

const viewOf = ({ credentialId, name, createdAt, usedAt, backupEligible, backedUp, transports }: PasskeyRecord): PasskeyView => ({
  credentialId, name: name ?? null, createdAt, usedAt: usedAt ?? null, backupEligible: backupEligible ?? null, backedUp, transports: [...transports],
});

export class Factors {
  readonly #parts: FactorParts;

  constructor(parts: FactorParts) {
    this.#parts = parts;
  }

  async get(userId: UserId): Promise<Result<Output<'factor.list'>>> {
    const found = await this.#parts.store.byId(userId);
    if (found === null) return refuse('session.required');
    const { passwordHash, passwordFacts, passkeys, totp, recoveryCodes, createdAt } = found;
    return ok({
      password: passwordHash === null ? null : { setAt: passwordFacts?.setAt ?? createdAt },
      passkeys: passkeys.map(viewOf),
      totp: totp === undefined ? null : { createdAt: totp.createdAt },
      recoveryCodes: recoveryCodes === undefined ? null : { createdAt: recoveryCodes.createdAt, left: recoveryCodes.hashes.length },
      secondStep: passwordHash !== null && hasSecondStep(found),
    });
  }

  // Passkeys

  async passkeyOptions({ userId, sessionId }: SessionRecord): Promise<Result<Begun>> {
    const found = await this.#parts.store.byId(userId);
    if (found === null) return refuse('session.required');
    const forbidden = await this.#parts.policies.refusal(found, 'passkey');
    if (forbidden !== null) return forbidden;
    if (found.passkeys.length >= passkeysPerUserMax) return refuse('passkey.too_many');
    return ok(await this.#parts.passkeys.beginAdding(found, sessionId));
  }

  /** Refuses ceremony.expired, passkey.refused, passkey.too_many. */
  async addPasskey(
    session: SessionRecord, { ceremonyId, response, name }: Input<'passkey.add'>, audit: Scribe<'passkey.added' | 'recovery_codes.made'>,
  ): Promise<Result<Output<'passkey.add'>>> {
    const made = await this.#parts.passkeys.finishAdding(ceremonyId, response, session.sessionId);
    if (!made.ok) return made;
    const passkey = { ...made.value, name };
    const added = await changeCredentials<Output<'passkey.add'>>(this.#parts.store, session.userId, async (found) => {
      const forbidden = await this.#parts.policies.refusal(found, 'passkey');
      if (forbidden !== null) return forbidden;
      if (found.passkeys.length >= passkeysPerUserMax) return refuse('passkey.too_many');
      if (found.passkeys.some(({ credentialId }) => credentialId === passkey.credentialId)) return refuse('passkey.refused', { reason: 'exists' });
      const { next, codes } = this.#withCodes(found, { ...found, passkeys: [...found.passkeys, passkey] });
      const after = { passkeys: next.passkeys.length, backupEligible: passkey.backupEligible ?? null };
      const act = audit({ act: 'passkey.added', object: account(found.userId), after, personal: { subject: found.userId, fields: { label: name } } });
      const value = { passkey: viewOf(passkey), recoveryCodes: codes === null ? null : [...codes] };
      return ok({ next, acts: codes === null ? [act] : [act, this.#madeCodes(found, audit)], value });
    });
    return this.#settled(session, added);
  }

  /** [A17] A session that had to add a second step has. */
  async #settled<T>(session: SessionRecord, result: Result<T>): Promise<Result<T>> {
    if (result.ok && session.must === 'add_second_step') await this.#parts.sessions.did(session, null);
    return result;
  }

  renamePasskey(userId: UserId, credentialId: string, name: string, audit: Scribe<'passkey.renamed'>): Promise<Result<Nothing>> {
    return changeCredentials<Nothing>(this.#parts.store, userId, (found) => {
      if (!found.passkeys.some((passkey) => passkey.credentialId === credentialId)) return refuse('factor.unknown');
      const passkeys = found.passkeys.map((passkey) => (passkey.credentialId === credentialId ? { ...passkey, name } : passkey));
      const act = audit({ act: 'passkey.renamed', object: account(userId), personal: { subject: userId, fields: { label: name } } });
      return ok({ next: { ...found, passkeys }, acts: [act], value: {} });
    });
  }

  /** Refuses factor.unknown, factor.last. */
  removePasskey(userId: UserId, credentialId: string, audit: Scribe<'passkey.removed'>): Promise<Result<Nothing>> {
    return changeCredentials<Nothing>(this.#parts.store, userId, async (found) => {
      const passkeys = found.passkeys.filter((passkey) => passkey.credentialId !== credentialId);
      if (passkeys.length === found.passkeys.length) return refuse('factor.unknown');
      const last = await this.#lastRefusal(found, { ...found, passkeys });
      if (last !== null) return last;
      const act = audit({ act: 'passkey.removed', object: account(userId), after: { passkeys: passkeys.length } });
      return ok({ next: withoutIdleCodes({ ...found, passkeys }), acts: [act], value: {} });
    });
  }

  // Authenticator apps

  /** Nothing changes before a code of it was seen. */
  async beginTotp({ userId, sessionId }: SessionRecord, person: Person): Promise<Result<Output<'totp.begin'>>> {
    const forbidden = await this.#parts.policies.refusal(person, 'totp');
    if (forbidden !== null) return forbidden;
    const { ceremonies, runtime, serverName } = this.#parts;
    const secret = runtime.random(totpSecretBytes);
    const expiresAt = ceremonies.end();
    const ceremonyId = await ceremonies.begin({ purpose: 'totp', userId, sessionId, secret: toBase64Url(secret), tries: totpConfirmTriesMax, expiresAt });
    return ok({ ceremonyId, expiresAt, ...setUpOf(secret, serverName, person.handle) });
  }

  /** Refuses ceremony.expired, code.wrong. The code that confirms it signs nobody in. */
  async confirmTotp(
    session: SessionRecord, { ceremonyId, code }: Input<'totp.confirm'>, audit: Scribe<'totp.added' | 'recovery_codes.made'>,
  ): Promise<Result<Output<'totp.confirm'>>> {
    const { ceremonies, store, runtime } = this.#parts;
    const { userId, sessionId } = session;
    const ceremony = await ceremonies.take(ceremonyId, 'totp');
    const secret = ceremony === null ? null : fromBase64Url(ceremony.secret);
    if (ceremony?.sessionId !== sessionId || ceremony.userId !== userId || secret === null) return refuse('ceremony.expired');
    const now = runtime.now();
    const step = stepOf(secret, code, now);
    if (step === null || !isFreshStep(step, 0, now)) {
      if (ceremony.tries > 1) await ceremonies.goOn(ceremonyId, { ...ceremony, tries: ceremony.tries - 1 });
      return refuse('code.wrong');
    }
    const confirmed = await changeCredentials<Output<'totp.confirm'>>(store, userId, async (found) => {
      const forbidden = await this.#parts.policies.refusal(found, 'totp');
      if (forbidden !== null) return forbidden;
      const { next, codes } = this.#withCodes(found, { ...found, totp: { secret, createdAt: now, lastStep: step } });
      const added = audit({ act: 'totp.added', object: account(userId), before: { totp: found.totp !== undefined } });
      const value = { recoveryCodes: codes === null ? null : [...codes] };
      return ok({ next, acts: codes === null ? [added] : [added, this.#madeCodes(found, audit)], value });
    });
    return this.#settled(session, confirmed);
  }

  /** Refuses factor.unknown, factor.last. */
  removeTotp(userId: UserId, audit: Scribe<'totp.removed'>): Promise<Result<Nothing>> {
    return changeCredentials<Nothing>(this.#parts.store, userId, async (found) => {
      if (found.totp === undefined) return refuse('factor.unknown');
      const { totp: _gone, ...left } = found;
      const last = await this.#lastRefusal(found, left);
      if (last !== null) return last;
      const act = audit({ act: 'totp.removed', object: account(userId), after: { secondStep: hasSecondStep(left) } });
      return ok({ next: withoutIdleCodes(left), acts: [act], value: {} });
    });
  }

  /** [A9] What is left must let its person in, as the policy wants it. */
  async #lastRefusal(found: AccountRecord, left: Credentials): Promise<Refusal | null> {
    const rules = await this.#parts.policies.rulesOf(found);
    const { passwordHash, passkeys, ...step } = allowedOf(left, rules);
    if (passkeys.length > 0) return null;
    if (passwordHash === null) return refuse('factor.last', { reason: 'only_way_in' });
    return rules.secondStep === 'required' && !hasSecondStep({ passwordHash, passkeys, ...step }) ? refuse('factor.last', { reason: 'second_step' }) : null;
  }

  // Recovery codes

  /** The earlier ones are worth nothing any more. */
  remakeCodes(userId: UserId, audit: Scribe<'recovery_codes.made'>): Promise<Result<Output<'recoveryCodes.remake'>>> {
    return changeCredentials<Output<'recoveryCodes.remake'>>(this.#parts.store, userId, (found) => {
      const { codes, hashes } = this.#parts.codes.make(userId);
      const recoveryCodes = { hashes, createdAt: this.#parts.runtime.now() };
      return ok({ next: { ...found, recoveryCodes }, acts: [this.#madeCodes(found, audit)], value: { recoveryCodes: [...codes] } });
    });
  }

  #madeCodes({ userId, recoveryCodes }: AccountRecord, audit: Scribe<'recovery_codes.made'>) {
    return audit({ act: 'recovery_codes.made', object: account(userId), before: { left: recoveryCodes?.hashes.length ?? 0 } });
  }

  /** Whoever is asked for a second step from now on gets codes for the day when it is lost. */
  #withCodes(found: AccountRecord, next: Credentials): { readonly next: Credentials; readonly codes: readonly string[] | null } {
    if (found.passwordHash === null || found.recoveryCodes !== undefined) return { next, codes: null };
    const { codes, hashes } = this.#parts.codes.make(found.userId);
    return { next: { ...next, recoveryCodes: { hashes, createdAt: this.#parts.runtime.now() } }, codes };
  }
}

/** Codes stand in for a second step; without one they are worth nothing, and new ones come with the next. */
function withoutIdleCodes(credentials: Credentials): Credentials {
  if (hasSecondStep(credentials)) return credentials;
  const { recoveryCodes: _idle, ...left } = credentials;
  return left;
}
