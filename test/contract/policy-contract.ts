import { describe, expect, it } from 'vitest';
import { signInPolicyDefault } from '#protocol/sign-in-policy.ts';
import type { SignInPolicyRecord } from '../../server/ports/policy-store.ts';
import { acts } from './acts.ts';
import { startMs, userOf } from './people.ts';
import type { Bench } from './store-contract.ts';

const record = (version: number, setAt = startMs): SignInPolicyRecord => ({
  version,
  policy: signInPolicyDefault,
  setAt,
  setBy: userOf('ann'),
});

export function policyContract(bench: Bench): void {
  describe('the policy of signing in', () => {
    it('[P3] is none at first, then the last that was set, by version, with its act', async () => {
      const { signInPolicy, audit } = bench.store();
      expect(await signInPolicy.get()).toBeNull();
      expect(await signInPolicy.set(record(2), acts('policy.changed'))).toBe('conflict');
      const raced = await Promise.all(
        [record(1), record(1, startMs + 1)].map((one) => signInPolicy.set(one, acts('policy.changed'))),
      );
      expect(raced.toSorted()).toEqual(['conflict', 'set']);
      expect(await signInPolicy.set(record(2, startMs + 9), acts('policy.changed'))).toBe('set');
      expect((await audit.tree()).size).toBe(2);
      expect(await (await bench.reopened()).signInPolicy.get()).toEqual(record(2, startMs + 9));
    });
  });
}
