/** Changes of what a person signs in with: decided on what is stored, and decided again when that changed meanwhile. */
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Credentials } from '../../ports/credentials.ts';
import type { AccountRecord, AccountStore } from '../../ports/store.ts';

const triesMax = 16;

export interface Change<T> {
  /** Null: nothing changes. */
  readonly next: Credentials | null;
  readonly acts: Acts | null;
  readonly value: T;
}

export const unchanged = <T>(value: T): Result<Change<T>> => ok({ next: null, acts: null, value });

/** `decide` may run several times, and only what it gave last is stored. Refuses what it refuses, session.required, passkey.refused. */
export async function changeCredentials<T>(
  store: AccountStore, userId: UserId, decide: (account: AccountRecord) => Result<Change<T>> | Promise<Result<Change<T>>>,
): Promise<Result<T>> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const account = await store.byId(userId);
    if (account === null) return refuse('session.required');
    const decided = await decide(account);
    if (!decided.ok) return decided;
    const { next, acts, value } = decided.value;
    if (next === null) return ok(value);
    const outcome = await store.changeCredentials(userId, account.credentialsVersion ?? 0, next, acts);
    if (outcome === 'changed') return ok(value);
    if (outcome !== 'conflict') return refused[outcome];
  }
  return refuse('server.unavailable');
}

const refused: { readonly [K in 'unknown' | 'taken']: Refusal } = {
  unknown: refuse('session.required'),
  taken: refuse('passkey.refused', { reason: 'exists' }),
};
