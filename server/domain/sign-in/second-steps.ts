/** The step behind a password: which there are, and taking a code once ([A11], [A12]). */
import { ok, type Result } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import type { SecondStep } from '#protocol/sign-in.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Credentials } from '../../ports/credentials.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { AccountRecord, AccountStore } from '../../ports/store.ts';
import { changeCredentials, unchanged } from './credential-changes.ts';
import type { RecoveryCodes } from './recovery-codes.ts';
import { isFreshStep, stepOf } from './totp.ts';

/** Whoever has another factor beside the password is asked for it after the password, whatever the policy says. */
export const hasSecondStep = ({ totp, passkeys }: Credentials): boolean => totp !== undefined || passkeys.length > 0;

/** What may follow the password of this account; empty: nothing needs to. */
export function secondStepsOf({ totp, passkeys, recoveryCodes }: Credentials): readonly SecondStep[] {
  const steps: SecondStep[] = [...(totp === undefined ? [] : ['totp' as const]), ...(passkeys.length === 0 ? [] : ['passkey' as const])];
  return steps.length === 0 || (recoveryCodes?.hashes.length ?? 0) === 0 ? steps : [...steps, 'recovery-code'];
}

export interface SecondStepParts {
  readonly store: AccountStore;
  readonly codes: RecoveryCodes;
  readonly runtime: Runtime;
}

export class SecondSteps {
  readonly #parts: SecondStepParts;

  constructor(parts: SecondStepParts) {
    this.#parts = parts;
  }

  /** True once for each code, also of those that race and after a restart. */
  takeTotp(userId: UserId, code: string): Promise<Result<boolean>> {
    const { store, runtime } = this.#parts;
    return changeCredentials<boolean>(store, userId, (account) => {
      const now = runtime.now();
      const step = account.totp === undefined ? null : stepOf(account.totp.secret, code, now);
      if (account.totp === undefined || step === null || !isFreshStep(step, account.totp.lastStep, now)) return unchanged(false);
      return ok({ next: { ...account, totp: { ...account.totp, lastStep: step } }, acts: null, value: true });
    });
  }

  /** True once for each code. `acts`: what its use records. */
  takeRecoveryCode(userId: UserId, typed: string, acts: (account: AccountRecord, left: number) => Acts): Promise<Result<boolean>> {
    const { store, codes } = this.#parts;
    return changeCredentials<boolean>(store, userId, (account) => {
      const { recoveryCodes } = account;
      const hashes = codes.without(userId, recoveryCodes?.hashes ?? [], typed);
      if (recoveryCodes === undefined || hashes === null) return unchanged(false);
      return ok({ next: { ...account, recoveryCodes: { ...recoveryCodes, hashes } }, acts: acts(account, hashes.length), value: true });
    });
  }
}
