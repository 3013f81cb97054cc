/** How people of a server may and must sign in, as its administrators set it; and who does not fit it. */
import * as v from 'valibot';
import { Timestamp } from './envelope.ts';
import { UserId } from './ids.ts';
import * as limits from './limits.ts';
import { Handle, KeptName, Role } from './model.ts';

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

export const SignInPolicy = v.strictObject({
  roles: v.strictObject({ owner: RoleRules, admin: RoleRules, member: RoleRules }),
  password: PasswordRules,
});
export type SignInPolicy = v.InferOutput<typeof SignInPolicy>;

const open: RoleRules = { password: 'allowed', passkey: 'allowed', totp: 'allowed', secondStep: 'optional' };
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
