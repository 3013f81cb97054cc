import type { CommandName } from '#protocol/commands/index.ts';
import { ok, refuse } from '#protocol/errors.ts';
import { type SignInPolicy, signInPolicyDefault, withoutMember } from '#protocol/sign-in-policy.ts';
import type { AccountStore } from '../ports/store.ts';
import { hasSecondStep } from '../domain/sign-in/second-steps.ts';
import { lengthMinOf, rulesIn } from '../domain/sign-in/policies.ts';
import { answer, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

type Names = Extract<CommandName, `signInPolicy.${string}` | `passwordReset.${string}` | 'password.change'>;

/** Somebody who is gone is in no group. */
async function withKnownMembers(accounts: Pick<AccountStore, 'byId'>, policy: SignInPolicy): Promise<SignInPolicy> {
  const { groups = [] } = policy;
  const named = [...new Set(groups.flatMap(({ members }) => members))];
  const found = await Promise.all(named.map((userId) => accounts.byId(userId)));
  return named.filter((_, at) => found[at] === null).reduce(withoutMember, policy);
}

export function policyHandlers({ enforcement, health, ownPasswords, policies, resets, sessions, store }: Services): Handlers<Names> {
  return {
    'password.change': async ({ password }, caller) => {
      const { session, person } = personOf(caller);
      const { userId } = person;
      const object = { kind: 'account', id: userId } as const;
      const set = await ownPasswords.set(userId, password, session.sessionId, ({ passwordHash }) => [
        caller.audit({ act: 'password.changed', object, before: { password: passwordHash !== null } }),
      ]);
      if (!set.ok) return { result: set };
      await sessions.revokeAll(userId, session.sessionId, 'password_changed', caller.audit);
      await ownPasswords.sessionsEnded(userId);
      if (session.must !== undefined) {
        const account = await store.accounts.byId(userId);
        const alone = account !== null && !hasSecondStep(account);
        const required = (await policies.rulesOf(person)).secondStep === 'required';
        await sessions.did(session, alone && required ? 'add_second_step' : null);
      }
      return answer({});
    },
    'signInPolicy.mine': async (_input, caller) => {
      const { policy } = await policies.current();
      const rules = rulesIn(policy, personOf(caller).person);
      return answer({ rules, password: policy.password, lengthMin: lengthMinOf(policy.password, rules) });
    },
    'signInPolicy.get': async () => {
      const { version, policy } = await policies.current();
      return answer({ version, policy, default: signInPolicyDefault });
    },
    'signInPolicy.set': async ({ version, policy }, caller) => {
      const by = await store.accounts.byId(personOf(caller).person.userId);
      if (by === null) return { result: refuse('session.required') };
      const result = await policies.set(by, version, await withKnownMembers(store.accounts, policy), caller.audit);
      // Also in sessions that are open, this one among them.
      if (result.ok) await enforcement.run();
      return { result };
    },
    'signInPolicy.health': async (input) => ({ result: ok(await health.report(input)) }),
    'passwordReset.create': async ({ userId }, caller) => ({
      result: await resets.issue(personOf(caller).person, userId, caller.audit),
    }),
    'passwordReset.check': async ({ token }) => ({ result: await resets.check(token) }),
    'passwordReset.finish': async ({ token, password }, { audit }) => ({
      result: await resets.finish(token, password, audit),
    }),
  };
}
