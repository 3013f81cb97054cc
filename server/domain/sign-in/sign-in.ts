/** Signing in: a passkey alone, or a password and the step behind it ([A4]–[A6], [A11]–[A13]). */
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import { type CeremonyId, toBase64Url } from '#protocol/ids.ts';
import { secondStepTriesMax } from '#protocol/limits.ts';
import type { Must, SecondStep, SignInFactor } from '#protocol/sign-in.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { AccountRecord, AccountStore } from '../../ports/store.ts';
import { type SignedIn, viewOf } from '../accounts.ts';
import type { FailedFactor, SignInFailures } from '../audit/failures.ts';
import type { Scribe } from '../audit/scribe.ts';
import { sha256, utf8 } from '../digests.ts';
import type { KnownBrowsers } from '../known-browsers.ts';
import type { Asserted, Passkeys } from '../passkeys.ts';
import type { Passwords } from '../passwords.ts';
import type { Sessions } from '../sessions.ts';
import type { SignInLimits } from '../sign-in-limits.ts';
import type { Ceremonies, CeremonyOf } from './ceremonies.ts';
import { changeCredentials, unchanged } from './credential-changes.ts';
import { allowedOf, type SignInPolicies } from './policies.ts';
import { secondStepsOf, type SecondSteps } from './second-steps.ts';
import type { Whence } from './whence.ts';

export interface SignInFrom extends Whence {
  /** Token of a browser that signed in before, if it has one. */
  readonly known: string | null;
}

type Pending = CeremonyOf<'second-step'>;
type Audit = Scribe<'sign_in.succeeded' | 'sign_in.failed'>;
type PasskeyAudit = Scribe<'sign_in.succeeded' | 'sign_in.failed' | 'passkey.suspected'>;
type CodeAudit = Scribe<'sign_in.succeeded' | 'sign_in.failed' | 'recovery_code.used'>;

export interface SignInParts {
  readonly store: AccountStore;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly passkeys: Passkeys;
  readonly passwords: Passwords;
  readonly ceremonies: Ceremonies;
  readonly secondSteps: SecondSteps;
  readonly sessions: Sessions;
  readonly limits: SignInLimits;
  readonly browsers: KnownBrowsers;
  readonly failures: SignInFailures;
  readonly policies: SignInPolicies;
}

/** Names a password without telling anything of it: its hash is salted. */
const markOf = ({ passwordHash }: AccountRecord): string => toBase64Url(sha256(utf8(passwordHash ?? '')));

export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /** Refuses sign_in.failed, rate.limited, and once the password was right factor.forbidden, second_step.required. */
  async byPassword(handle: string, password: string, from: SignInFrom, audit: Audit): Promise<Result<SignedIn>> {
    const account = await this.#parts.store.byHandle(handle);
    const guess = this.#guess(account, handle, from);
    const limited = guess.begin();
    if (limited !== null) return limited;
    const matches = await this.#parts.passwords.verify(account?.passwordHash ?? null, password, guess.known);
    if (!matches.ok) {
      // Not looked at, so it was no guess.
      guess.right();
      return matches;
    }
    if (!matches.value || account === null) {
      await this.#parts.failures.record(audit, 'password', account?.userId ?? null);
      return refuse('sign_in.failed');
    }
    guess.right();
    const { policies } = this.#parts;
    const rules = await policies.rulesOf(account);
    if (rules.password === 'forbidden') return refuse('factor.forbidden', { reason: 'password' });
    const must = await this.#lookAt(account, password);
    const methods = secondStepsOf(allowedOf(account, rules));
    if (methods.length > 0) return this.#askSecond(account, methods, must);
    return this.#start(account, { factor: 'password', must: must ?? (rules.secondStep === 'required' ? 'add_second_step' : null) }, from, audit);
  }

  async byPasskey(ceremonyId: CeremonyId, response: unknown, from: SignInFrom, audit: PasskeyAudit): Promise<Result<SignedIn>> {
    const asserted = await this.#parts.passkeys.finishSignIn(ceremonyId, response);
    if (asserted === null) return refuse('ceremony.expired');
    if (asserted.kind !== 'right') return this.#refusePasskey(asserted, audit);
    const forbidden = await this.#parts.policies.refusal(asserted.account, 'passkey');
    if (forbidden !== null) return forbidden;
    return this.#start(asserted.account, { factor: 'passkey', must: null }, from, audit);
  }

  /** Refuses ceremony.expired, sign_in.failed, rate.limited. A wrong code leaves the ceremony to a few more tries. */
  byTotp(ceremonyId: CeremonyId, code: string, from: SignInFrom, audit: Audit): Promise<Result<SignedIn>> {
    return this.#byCode(ceremonyId, from, audit, 'totp', (account) => this.#parts.secondSteps.takeTotp(account.userId, code));
  }

  byRecoveryCode(ceremonyId: CeremonyId, code: string, from: SignInFrom, audit: CodeAudit): Promise<Result<SignedIn>> {
    return this.#byCode(ceremonyId, from, audit, 'recovery-code', ({ userId }) => {
      const object = { kind: 'account', id: userId } as const;
      const actor = { kind: 'person', userId } as const;
      return this.#parts.secondSteps.takeRecoveryCode(userId, code, (_account, left) => [audit({ act: 'recovery_code.used', actor, object, after: { left } })]);
    });
  }

  /** Each time with a challenge of its own. Refuses ceremony.expired. */
  async passkeySecondOptions(ceremonyId: CeremonyId): Promise<Result<Output<'signIn.passkeySecondOptions'>>> {
    const pending = await this.#pending(ceremonyId, 'passkey');
    if (!pending.ok) return pending;
    const { account, ceremony } = pending.value;
    const { challenge, options } = await this.#parts.passkeys.askSecond(account);
    await this.#parts.ceremonies.goOn(ceremonyId, { ...ceremony, challenge });
    return ok({ options });
  }

  /** Refuses ceremony.expired, sign_in.failed. The challenge is used up whatever comes of it. */
  async byPasskeySecond(ceremonyId: CeremonyId, response: unknown, from: SignInFrom, audit: PasskeyAudit): Promise<Result<SignedIn>> {
    const pending = await this.#pending(ceremonyId, 'passkey');
    if (!pending.ok) return pending;
    const { account, ceremony } = pending.value;
    const asserted =
      ceremony.challenge === null
        ? ({ kind: 'wrong', userId: account.userId } as const)
        : await this.#parts.passkeys.checkSecond(ceremony.challenge, response, account.userId);
    if (asserted.kind === 'right') return this.#start(account, { factor: 'password+passkey', must: ceremony.must }, from, audit);
    await this.#tryAgain(ceremonyId, { ...ceremony, challenge: null });
    return this.#refusePasskey(asserted, audit);
  }

  async #byCode(
    ceremonyId: CeremonyId, from: SignInFrom, audit: Audit, kind: 'totp' | 'recovery-code', take: (account: AccountRecord) => Promise<Result<boolean>>,
  ): Promise<Result<SignedIn>> {
    const pending = await this.#pending(ceremonyId, kind);
    if (!pending.ok) return pending;
    const { account, ceremony } = pending.value;
    const guess = this.#guessCode(account, from, kind);
    const limited = guess.begin();
    if (limited !== null) {
      await this.#parts.ceremonies.goOn(ceremonyId, ceremony);
      return limited;
    }
    const taken = await take(account);
    if (!taken.ok) return taken;
    if (!taken.value) {
      await this.#tryAgain(ceremonyId, ceremony);
      await this.#parts.failures.record(audit, kind, account.userId);
      return refuse('sign_in.failed');
    }
    guess.right();
    return this.#start(account, { factor: `password+${kind}`, must: ceremony.must }, from, audit);
  }

  /** The ceremony and whose it is; another password, or an account that is gone, ends it. It is taken: whoever goes on puts it back. */
  async #pending(ceremonyId: CeremonyId, by: SecondStep): Promise<Result<{ readonly account: AccountRecord; readonly ceremony: Pending }>> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'second-step');
    const account = ceremony === null ? null : await this.#parts.store.byId(ceremony.userId);
    if (ceremony === null || account === null || markOf(account) !== ceremony.mark) return refuse('ceremony.expired');
    // What the policy has forbidden since ends it.
    const forbidden = await this.#parts.policies.refusal(account, 'password');
    const step = by === 'recovery-code' ? null : await this.#parts.policies.refusal(account, by);
    if (forbidden !== null || step !== null) return forbidden ?? step ?? refuse('factor.forbidden');
    return ok({ account, ceremony });
  }

  /** What is found out about a password while it is here; only in the record when it is news. */
  async #lookAt(account: AccountRecord, password: string): Promise<Must | null> {
    const { policies, store } = this.#parts;
    const { must, weak, version } = await policies.afterSignIn(account, password);
    const { passwordFacts: facts, createdAt, passwordHash } = account;
    if (facts?.policy === version) return must;
    await changeCredentials<null>(store, account.userId, (found) => {
      if (found.passwordHash !== passwordHash) return unchanged(null);
      const next = { ...found, passwordFacts: { setAt: createdAt, earlier: [], ...found.passwordFacts, weak, policy: version } };
      return ok({ next, acts: null, value: null });
    });
    return must;
  }

  async #tryAgain(ceremonyId: CeremonyId, ceremony: Pending): Promise<void> {
    if (ceremony.tries > 1) await this.#parts.ceremonies.goOn(ceremonyId, { ...ceremony, tries: ceremony.tries - 1 });
  }

  async #askSecond(account: AccountRecord, methods: readonly string[], must: Must | null): Promise<Refusal> {
    const { ceremonies } = this.#parts;
    const ceremonyId = await ceremonies.begin({
      purpose: 'second-step', userId: account.userId, mark: markOf(account), must, tries: secondStepTriesMax, expiresAt: ceremonies.end(), challenge: null,
    });
    return refuse('second_step.required', { ceremonyId, methods });
  }

  async #refusePasskey(asserted: Exclude<Asserted, { readonly kind: 'right' }>, audit: Scribe<'sign_in.failed' | 'passkey.suspected'>): Promise<Refusal> {
    if (asserted.kind === 'wrong') await this.#parts.failures.record(audit, 'passkey', asserted.userId);
    else await this.#parts.audit.append([audit(suspected(asserted))]);
    return refuse('sign_in.failed');
  }

  /** [Q5] How a try is counted: by the browser that its person knows, else by address and handle. */
  #guess(account: AccountRecord | null, handle: string, { address, known }: SignInFrom) {
    const { limits, browsers } = this.#parts;
    const browser = browsers.read(known);
    if (browser !== null && browser.userId === account?.userId) {
      return { known: true, begin: () => limits.beginKnown(browser), right: () => limits.knownRight(browser) };
    }
    return { known: false, begin: () => limits.beginGuess(address, handle), right: () => limits.guessedRight(address, handle) };
  }

  /** Six digits can be guessed from many addresses: what strangers try counts by account too. Recovery codes cannot. */
  #guessCode(account: AccountRecord, from: SignInFrom, kind: FailedFactor) {
    if (kind !== 'totp') return this.#guess(account, account.handle, from);
    const { limits, browsers } = this.#parts;
    const browser = browsers.read(from.known);
    const of = browser?.userId === account.userId ? browser.key : account.userId;
    return { begin: () => limits.beginCode(of), right: () => limits.codeRight(of) };
  }

  /** Nothing that was begun before a password or an account went outlives it. */
  async #start(
    account: AccountRecord, how: { readonly factor: SignInFactor; readonly must: Must | null }, from: SignInFrom, audit: Audit,
  ): Promise<Result<SignedIn>> {
    const { sessions, store } = this.#parts;
    const session = await sessions.start(account.userId, { ...how, whence: from }, audit);
    const now = await store.byId(account.userId);
    if (now === null || now.passwordHash !== account.passwordHash) {
      await sessions.undo(session.record, [audit({ act: 'sign_in.failed', object: { kind: 'account', id: account.userId }, reason: how.factor })]);
      return refuse('sign_in.failed');
    }
    return ok({ session, output: viewOf(session.record, account, session.record.createdAt) });
  }
}

/** What a copied passkey leaves in the audit log. */
export function suspected({ account, passkey }: Extract<Asserted, { readonly kind: 'counter_back' }>) {
  return {
    act: 'passkey.suspected' as const,
    object: { kind: 'account' as const, id: account.userId },
    reason: 'counter_back',
    after: { passkey: passkey.credentialId.slice(0, 32), counter: passkey.counter },
  };
}
