/** A fresh proof of who it is, before what matters ([A14]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import { stepUpFreshMs } from '#protocol/limits.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore, SessionRecord } from '../../ports/store.ts';
import type { SignInFailures } from '../audit/failures.ts';
import type { Scribe } from '../audit/scribe.ts';
import type { Begun, Passkeys } from '../passkeys.ts';
import type { Passwords } from '../passwords.ts';
import type { Sessions } from '../sessions.ts';
import type { SignInLimits } from '../sign-in-limits.ts';
import { allowedOf, type SignInPolicies } from './policies.ts';
import { hasSecondStep, type SecondSteps } from './second-steps.ts';
import { suspected } from './sign-in.ts';

export type StepUpAct = 'session.proven' | 'sign_in.failed' | 'passkey.suspected';

export interface StepUpParts {
  readonly store: AccountStore;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly passkeys: Passkeys;
  readonly passwords: Passwords;
  readonly secondSteps: SecondSteps;
  readonly sessions: Sessions;
  readonly limits: SignInLimits;
  readonly failures: SignInFailures;
  readonly policies: SignInPolicies;
  readonly runtime: Runtime;
}

export class StepUps {
  readonly #parts: StepUpParts;

  constructor(parts: StepUpParts) {
    this.#parts = parts;
  }

  /** A clock that went back makes nothing fresh. */
  isFresh({ createdAt, provenAt = createdAt }: SessionRecord): boolean {
    const age = this.#parts.runtime.now() - provenAt;
    return age >= 0 && age <= stepUpFreshMs;
  }

  async options({ userId, sessionId }: SessionRecord): Promise<Result<Output<'session.stepUpOptions'>>> {
    const found = await this.#parts.store.byId(userId);
    if (found === null) return refuse('session.required');
    const account = { ...found, ...allowedOf(found, await this.#parts.policies.rulesOf(found)) };
    const password = account.passwordHash !== null;
    const methods = { password, code: password && account.totp !== undefined };
    // With a second step the password alone proves too little; without a code the passkey is that step.
    const byPassword = password && (!hasSecondStep(account) || methods.code);
    const begun: Begun | null = account.passkeys.length === 0 ? null : await this.#parts.passkeys.beginProof(account, sessionId);
    return ok({ passkey: begun === null ? null : { ...begun }, password: byPassword, code: methods.code });
  }

  /** Refuses step_up.failed, ceremony.expired, factor.forbidden, rate.limited. */
  async prove(session: SessionRecord, proof: Input<'session.stepUp'>['proof'], audit: Scribe<StepUpAct>): Promise<Result<Output<'session.stepUp'>>> {
    const account = await this.#parts.store.byId(session.userId);
    const forbidden = account === null ? refuse('session.required') : await this.#parts.policies.refusal(account, proof.kind);
    if (forbidden !== null) return forbidden;
    const proven = proof.kind === 'passkey' ? await this.#byPasskey(session, proof, audit) : await this.#byPassword(session, proof);
    if (!proven.ok) return proven;
    if (!proven.value) {
      await this.#parts.failures.record(audit, 'step_up', session.userId);
      return refuse('step_up.failed');
    }
    const provenAt = this.#parts.runtime.now();
    await this.#parts.sessions.proven(session, provenAt, proof.kind, audit);
    return ok({ freshUntil: provenAt + stepUpFreshMs });
  }

  async #byPasskey(
    { sessionId, userId }: SessionRecord, { ceremonyId, response }: Extract<Input<'session.stepUp'>['proof'], { kind: 'passkey' }>, audit: Scribe<StepUpAct>,
  ): Promise<Result<boolean>> {
    const asserted = await this.#parts.passkeys.finishProof(ceremonyId, response, sessionId);
    if (asserted === null) return refuse('ceremony.expired');
    if (asserted.kind === 'counter_back') await this.#parts.audit.append([audit(suspected(asserted))]);
    return ok(asserted.kind === 'right' && asserted.account.userId === userId);
  }

  /** Counted by session: whoever holds a stolen one guesses no faster, and keeps nobody else out. */
  async #byPassword(
    { sessionId, userId }: SessionRecord, { password, code }: Extract<Input<'session.stepUp'>['proof'], { kind: 'password' }>,
  ): Promise<Result<boolean>> {
    const { limits, store, passwords } = this.#parts;
    const limited = limits.beginStepUp(sessionId);
    if (limited !== null) return limited;
    const account = await store.byId(userId);
    const matches = await passwords.verify(account?.passwordHash ?? null, password, true);
    if (!matches.ok || account === null) return matches.ok ? ok(false) : matches;
    const proven = matches.value && hasSecondStep(account) ? await this.#codeIsRight(account, code, sessionId) : matches;
    if (proven.ok && proven.value) limits.stepUpRight(sessionId);
    return proven;
  }

  /** Six digits: as few guesses as when signing in, for a session whose holder has the password too. Refuses rate.limited. */
  async #codeIsRight(account: AccountRecord, code: string | undefined, sessionId: SessionId): Promise<Result<boolean>> {
    const { limits, secondSteps } = this.#parts;
    if (code === undefined || account.totp === undefined) return ok(false);
    const of = `session ${sessionId}`;
    const limited = limits.beginCode(of);
    if (limited !== null) return limited;
    const taken = await secondSteps.takeTotp(account.userId, code);
    if (taken.ok && taken.value) limits.codeRight(of);
    return taken;
  }
}
