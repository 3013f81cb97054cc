/** Failed sign-ins in the audit log, within a bound: whoever guesses must not be able to fill the disk ([U9]). */
import { auditFailuresBurst, auditFailuresRefillMs } from '#protocol/limits.ts';
import type { UserId } from '#protocol/ids.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import { RateLimit } from '../rate-limits.ts';
import type { Scribe } from './scribe.ts';

export type FailedFactor = 'password' | 'passkey' | 'totp' | 'recovery-code' | 'step_up';

export class SignInFailures {
  readonly #audit: Pick<AuditStore, 'append'>;
  readonly #limit: RateLimit;
  #unrecorded = 0;

  constructor(audit: Pick<AuditStore, 'append'>, runtime: Runtime) {
    this.#audit = audit;
    this.#limit = new RateLimit(runtime, { burst: auditFailuresBurst, refillMs: auditFailuresRefillMs });
  }

  /** `userId`: whose account it was, when there is one. What was typed as a handle is never told: it may be a password. */
  async record(scribe: Scribe<'sign_in.failed'>, factor: FailedFactor, userId: UserId | null): Promise<void> {
    if (this.#limit.take('all') !== null) {
      this.#unrecorded += 1;
      return;
    }
    const unrecorded = this.#unrecorded;
    this.#unrecorded = 0;
    await this.#audit.append([
      scribe({
        act: 'sign_in.failed',
        reason: factor,
        ...(userId === null ? {} : { object: { kind: 'account', id: userId } }),
        ...(unrecorded === 0 ? {} : { after: { unrecorded } }),
      }),
    ]);
  }
}
