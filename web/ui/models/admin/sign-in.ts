/** The policy of signing in as a form, and who does not fit it. */
import type { AskedOutput } from '../app.ts';

export type Policy = AskedOutput<'signInPolicy.get'>['policy'];
export type PersonHealth = AskedOutput<'signInPolicy.health'>['people'][number];
export type RoleName = keyof Policy['roles'];

export const roleNames: readonly RoleName[] = ['owner', 'admin', 'member'];
export const factorNames = ['password', 'passkey', 'totp'] as const;
export type FactorName = (typeof factorNames)[number];

export function withFactor(policy: Policy, role: RoleName, factor: FactorName, allowed: boolean): Policy {
  const rules = { ...policy.roles[role], [factor]: allowed ? ('allowed' as const) : ('forbidden' as const) };
  return { ...policy, roles: { ...policy.roles, [role]: rules } };
}

export function withSecondStep(policy: Policy, role: RoleName, required: boolean): Policy {
  const rules = { ...policy.roles[role], secondStep: required ? ('required' as const) : ('optional' as const) };
  return { ...policy, roles: { ...policy.roles, [role]: rules } };
}

export const withPassword = (policy: Policy, change: Partial<Policy['password']>): Policy => ({ ...policy, password: { ...policy.password, ...change } });

/** The first role that the rules would leave without a way in, or without the second step that they ask for; null when all is well. */
export function policyFault(policy: Policy): { readonly role: RoleName; readonly fault: 'no_way_in' | 'no_second_step' } | null {
  for (const role of roleNames) {
    const { password, passkey, totp, secondStep } = policy.roles[role];
    if (password === 'forbidden' && passkey === 'forbidden') return { role, fault: 'no_way_in' };
    if (password === 'allowed' && secondStep === 'required' && passkey === 'forbidden' && totp === 'forbidden') return { role, fault: 'no_second_step' };
  }
  return null;
}

export type Rules = Policy['roles'][RoleName];
export type PolicyGroup = NonNullable<Policy['groups']>[number];

export const openRules: Rules = { password: 'allowed', passkey: 'allowed', totp: 'allowed', secondStep: 'optional' };

export function withGroup(policy: Policy, at: number | 'new', group: PolicyGroup): Policy {
  const groups = policy.groups ?? [];
  return { ...policy, groups: at === 'new' ? [...groups, group] : groups.map((one, place) => (place === at ? group : one)) };
}
export const withoutGroup = (policy: Policy, at: number): Policy => ({ ...policy, groups: (policy.groups ?? []).filter((_, place) => place !== at) });

const leavesWay = ({ password, passkey, totp, secondStep }: Rules): boolean =>
  password === 'allowed' ? secondStep === 'optional' || passkey === 'allowed' || totp === 'allowed' : passkey === 'allowed';

/** What keeps the group of that name from being taken: the server refuses the same. */
export function groupFault(policy: Policy, name: string): 'name' | 'taken' | 'no_way_in' | null {
  const groups = policy.groups ?? [];
  if (name === '') return 'name';
  if (groups.filter((group) => group.name === name).length > 1) return 'taken';
  const named = groups.find((group) => group.name === name);
  const combined = [[named], ...(named?.members ?? []).map((member) => groups.filter(({ members }) => members.includes(member)))];
  const whole = combined.every((of) => roleNames.every((role) => leavesWay(strictestOf([policy.roles[role], ...of.flatMap((group) => group?.rules ?? [])]))));
  return whole ? null : 'no_way_in';
}

const strictestOf = (all: readonly Rules[]): Rules => {
  const factor = (name: FactorName) => (all.some((rules) => rules[name] === 'forbidden') ? 'forbidden' : 'allowed');
  return { password: factor('password'), passkey: factor('passkey'), totp: factor('totp'), secondStep: all.some(({ secondStep }) => secondStep === 'required') ? 'required' : 'optional' };
};

/** A whole number from `min` to `max` as it was typed; null for anything else. */
export function numberTyped(typed: string, min: number, max: number): number | null {
  if (!/^\d{1,5}$/.test(typed.trim())) return null;
  const value = Number(typed);
  return value >= min && value <= max ? value : null;
}

export const samePolicy = (one: Policy, other: Policy): boolean => JSON.stringify(one) === JSON.stringify(other);
