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

/** A whole number from `min` to `max` as it was typed; null for anything else. */
export function numberTyped(typed: string, min: number, max: number): number | null {
  if (!/^\d{1,5}$/.test(typed.trim())) return null;
  const value = Number(typed);
  return value >= min && value <= max ? value : null;
}

export const samePolicy = (one: Policy, other: Policy): boolean => JSON.stringify(one) === JSON.stringify(other);
