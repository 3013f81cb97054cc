/**
 * A link by which a person sets a new password ([A18]). Nothing is stored: the token is signed over whom it is for, until
 * when, and the password that it replaces, so that it is over once that changed.
 */
import type { Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { bytesOfId, fromBase64Url, idFromBytes, toBase64Url, type UserId } from '#protocol/ids.ts';
import { passwordResetLifetimeMs } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { AccountRecord, AccountStore } from '../../ports/store.ts';
import type { Runtime } from '../../ports/runtime.ts';
import type { Scribe } from '../audit/scribe.ts';
import { hmacSha256, joinBytes, sameSecret, utf8 } from '../digests.ts';
import type { Sessions } from '../sessions.ts';
import type { OwnPasswords } from './own-password.ts';
import { lengthMinOf, rulesIn, type SignInPolicies } from './policies.ts';
import { hasSecondStep } from './second-steps.ts';

const idLength = 16;
const timeLength = 8;
const nonceLength = 16;
const bodyLength = idLength + timeLength + nonceLength;

export interface PasswordResetParts {
  readonly store: AccountStore;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly passwords: OwnPasswords;
  readonly policies: SignInPolicies;
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly origin: string;
  /** 32 bytes, the same after a restart. */
  readonly key: Uint8Array;
}

export class PasswordResets {
  readonly #parts: PasswordResetParts;

  constructor(parts: PasswordResetParts) {
    this.#parts = parts;
  }

  /** Refuses person.unknown, permission.denied, factor.forbidden. */
  async issue(by: Person, userId: UserId, audit: Scribe<'password.reset_issued'>): Promise<Result<Output<'passwordReset.create'>>> {
    const { store, policies, runtime, origin } = this.#parts;
    const account = await store.byId(userId);
    if (account === null) return refuse('person.unknown');
    if (account.role !== 'member' && by.role !== 'owner') return refuse('permission.denied');
    const forbidden = await policies.refusal(account, 'password');
    if (forbidden !== null) return forbidden;
    const expiresAt = runtime.now() + passwordResetLifetimeMs;
    const time = new Uint8Array(timeLength);
    new DataView(time.buffer).setBigUint64(0, BigInt(expiresAt));
    const body = joinBytes(bytesOfId(userId), time, runtime.random(nonceLength));
    const token = toBase64Url(joinBytes(body, this.#mac(body, account)));
    await this.#parts.audit.append([audit({ act: 'password.reset_issued', object: { kind: 'account', id: userId }, after: { expiresAt } })]);
    // In the fragment, which browsers keep out of requests, so that the token is in no log.
    return ok({ token, link: `${origin}/reset#token=${token}`, expiresAt });
  }

  /** Refuses reset.expired, whatever is wrong with it. */
  async check(token: string): Promise<Result<Output<'passwordReset.check'>>> {
    const account = await this.#read(token);
    if (account === null) return refuse('reset.expired');
    const { policy } = await this.#parts.policies.current();
    const { handle, displayName } = account;
    return ok({ handle, displayName, secondStep: hasSecondStep(account), lengthMin: lengthMinOf(policy.password, rulesIn(policy, account)) });
  }

  /** Refuses reset.expired, password.weak, factor.forbidden. Signs nobody in. */
  async finish(token: string, password: string, audit: Scribe<'password.changed' | 'session.ended'>): Promise<Result<Output<'passwordReset.finish'>>> {
    const account = await this.#read(token);
    if (account === null) return refuse('reset.expired');
    const { userId, handle } = account;
    const object = { kind: 'account', id: userId } as const;
    const set = await this.#parts.passwords.set(userId, password, null, () => [audit({ act: 'password.changed', object, reason: 'reset' })], (found) =>
      this.#isFor(token, found) ? null : refuse('reset.expired'),
    );
    if (!set.ok) return set;
    await this.#parts.sessions.revokeAll(userId, null, 'password_reset', audit);
    await this.#parts.passwords.sessionsEnded(userId);
    return ok({ handle });
  }

  async #read(token: string): Promise<AccountRecord | null> {
    const bytes = fromBase64Url(token);
    if (bytes === null || bytes.length < bodyLength) return null;
    const account = await this.#parts.store.byId(idFromBytes<UserId>(bytes.subarray(0, idLength)));
    return account !== null && this.#isFor(token, account) ? account : null;
  }

  #isFor(token: string, account: AccountRecord): boolean {
    const bytes = fromBase64Url(token) ?? new Uint8Array(0);
    if (bytes.length < bodyLength) return false;
    const body = bytes.subarray(0, bodyLength);
    const expiresAt = Number(new DataView(body.buffer, body.byteOffset + idLength, timeLength).getBigUint64(0));
    return sameSecret(bytes.subarray(bodyLength), this.#mac(body, account)) && this.#parts.runtime.now() < expiresAt;
  }

  #mac(body: Uint8Array, { userId, passwordHash }: AccountRecord): Uint8Array<ArrayBuffer> {
    return hmacSha256(this.#parts.key, utf8('lanying password reset 1'), body, bytesOfId(userId), utf8(passwordHash ?? ''));
  }
}
