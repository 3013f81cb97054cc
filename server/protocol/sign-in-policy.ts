/** How people of a server may and must sign in, as its administrators set it; and who does not fit it. */
import * as v from 'valibot';
import { Timestamp } from './envelope.ts';
import { UserId } from './ids.ts';
import * as limits from './limits.ts';
import { Handle, keptLabel, KeptName, Role } from './model.ts';

const between = (min: number, max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));
const Factor = v.picklist(['allowed', 'forbidden']);

/** Of everybody with one role. */
export const RoleRules = v.pipe(
  v.strictObject({
    password: Factor,
    passkey: Factor,
    /** Authenticator apps. */
    totp: Factor,
    /** Behind a password; a passkey alone is two factors already (NIST SP 800-63B-4 §2.2.1). */
    secondStep: v.picklist(['optional', 'required']),
  }),
  v.check(({ password, passkey }) => password === 'allowed' || passkey === 'allowed', 'leaves no way in'),
  v.check(({ password, passkey, totp, secondStep }) => password === 'forbidden' || secondStep === 'optional' || passkey === 'allowed' || totp === 'allowed', 'leaves no second step'),
);
export type RoleRules = v.InferOutput<typeof RoleRules>;

export const PasswordRules = v.strictObject({
  /** Characters. At least 15 where the password is all there is (NIST SP 800-63B-4 §3.1.1.2). */
  lengthMin: between(limits.passwordLengthMin, 64),
  /** Where the role requires a second step; at least 8 (the same section). */
  lengthMinSecondStep: between(limits.passwordLengthMinSecondStep, 64),
  /** Of lower case, upper case, digits, others; 0: any. NIST advises against it. */
  classesMin: between(0, 4),
  /** So many earlier passwords are not taken again; 0: any. */
  historyCount: between(0, limits.passwordHistoryMax),
  /** Null: it never has to be changed for its age, as NIST advises. */
  maxAgeDays: v.nullable(between(1, 3_650)),
  /** Refuses what everybody tries first, what repeats and what names the person or the server. */
  blocklist: v.boolean(),
  /** Of zxcvbn: 0 (any) to 4. */
  strengthMin: between(0, 4),
});
export type PasswordRules = v.InferOutput<typeof PasswordRules>;

/** What holds for somebody whom several rules are for: what one of them forbids is forbidden, what one asks for is asked for. */
export function strictest([first, ...others]: readonly [RoleRules, ...RoleRules[]]): RoleRules {
  const both = (one: 'allowed' | 'forbidden', other: 'allowed' | 'forbidden') => (one === 'allowed' && other === 'allowed' ? 'allowed' : 'forbidden');
  return others.reduce(
    (all, rules) => ({
      password: both(all.password, rules.password),
      passkey: both(all.passkey, rules.passkey),
      totp: both(all.totp, rules.totp),
      secondStep: all.secondStep === 'required' || rules.secondStep === 'required' ? 'required' : 'optional',
    }),
    first,
  );
}

/** People for whom stricter rules hold than for their role. */
export const PolicyGroup = v.strictObject({
  name: keptLabel(limits.policyGroupNameLengthMax),
  members: v.pipe(
    v.array(UserId),
    v.maxLength(limits.policyGroupMembersMax),
    v.check((members) => new Set(members).size === members.length, 'names somebody twice'),
  ),
  rules: RoleRules,
});
export type PolicyGroup = v.InferOutput<typeof PolicyGroup>;

const Roles = v.strictObject({ owner: RoleRules, admin: RoleRules, member: RoleRules });

/** Whatever roles and groups somebody has, a way in must be left. */
const leavesWays = ({ roles, groups = [] }: { readonly roles: v.InferOutput<typeof Roles>; readonly groups?: readonly PolicyGroup[] | undefined }): boolean => {
  const all = new Map<UserId, RoleRules[]>();
  for (const { members, rules } of groups) for (const member of members) all.set(member, [...(all.get(member) ?? []), rules]);
  const combined = [...groups.map(({ rules }) => [rules]), ...[...all.values()].filter((rules) => rules.length > 1)];
  return Object.values(roles).every((role) => combined.every((rules) => v.is(RoleRules, strictest([role, ...rules]))));
};

export const SignInPolicy = v.pipe(
  v.strictObject({
    roles: Roles,
    password: PasswordRules,
    groups: v.optional(
      v.pipe(
        v.array(PolicyGroup),
        v.maxLength(limits.policyGroupsMax),
        v.check((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, 'has two groups of one name'),
      ),
    ),
  }),
  v.check((policy) => leavesWays(policy), 'leaves somebody in a group without a way in, or without the second step that is asked for'),
);
export type SignInPolicy = v.InferOutput<typeof SignInPolicy>;

const open: RoleRules = { password: 'allowed', passkey: 'allowed', totp: 'allowed', secondStep: 'optional' };
/** The policy without somebody in its groups; the same object when they are in none. */
export function withoutMember(policy: SignInPolicy, userId: UserId): SignInPolicy {
  const { groups } = policy;
  if (groups?.some(({ members }) => members.includes(userId)) !== true) return policy;
  return { ...policy, groups: groups.map((group) => ({ ...group, members: group.members.filter((member) => member !== userId) })) };
}

/** Until somebody sets another: nothing but a length and a blocklist. */
export const signInPolicyDefault: SignInPolicy = {
  roles: { owner: open, admin: open, member: open },
  password: { lengthMin: limits.passwordLengthMin, lengthMinSecondStep: limits.passwordLengthMin, classesMin: 0, historyCount: 0, maxAgeDays: null, blocklist: true, strengthMin: 0 },
};

/** Why a password is refused: `detail.reason` of `password.weak`. */
export const passwordFaults = ['length', 'classes', 'blocklisted', 'guessable', 'reused'] as const;
export type PasswordFault = (typeof passwordFaults)[number];

export const HealthIssue = v.picklist([
  'no_way_in', 'no_second_step', 'password_weak', 'password_old', 'few_recovery_codes', 'one_unlocker', 'unused', 'stale_device',
]);
export type HealthIssue = v.InferOutput<typeof HealthIssue>;

export const PersonHealth = v.strictObject({
  userId: UserId,
  handle: Handle,
  displayName: KeptName,
  role: Role,
  /** Null: not in the last 30 days, or never. */
  usedAt: v.nullable(Timestamp),
  passwordSetAt: v.nullable(Timestamp),
  passkeys: v.number(),
  totp: v.boolean(),
  issues: v.array(HealthIssue),
});
export type PersonHealth = v.InferOutput<typeof PersonHealth>;
