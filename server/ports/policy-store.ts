/** How people may sign in. The promises of store.ts hold here too. */
import type { UserId } from '#protocol/ids.ts';
import type { SignInPolicy } from '#protocol/sign-in-policy.ts';
import type { Acts } from './audit-store.ts';

export interface SignInPolicyRecord {
  /** From 1; each change gives the next. */
  readonly version: number;
  readonly policy: SignInPolicy;
  readonly setAt: number;
  readonly setBy: UserId;
}

export interface SignInPolicyStore {
  /** Null: nobody set any. */
  get(): Promise<SignInPolicyRecord | null>;
  /** In place of the one before it: `conflict` unless that has the version before this one's (none: 0). */
  set(record: SignInPolicyRecord, acts: Acts): Promise<'set' | 'conflict'>;
}
