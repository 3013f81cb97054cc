import * as v from 'valibot';
import { Timestamp } from '../envelope.ts';
import { UserId } from '../ids.ts';
import * as limits from '../limits.ts';
import { Handle, KeptName, Password, Token } from '../model.ts';
import { PasswordRules, PersonHealth, RoleRules, SignInPolicy } from '../sign-in-policy.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const Version = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const admins = { who: 'person', resource: 'system' } as const;

export const policyCommands = {
  'password.change': row({
    summary: 'Set a (new) password. All other sessions end.',
    input: v.strictObject({ password: Password }),
    output: Empty,
    errors: ['password.weak', 'factor.forbidden'],
    who: 'person',
    resource: 'self',
    beforehand: true,
    stepUp: true,
    audited: ['password.changed', 'session.ended'],
  }),
  'signInPolicy.mine': row({
    summary: 'How the signed-in person may and must sign in.',
    input: Empty,
    output: v.strictObject({ rules: RoleRules, password: PasswordRules, lengthMin: Version }),
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: { not: 'reads' },
  }),
  'signInPolicy.get': row({
    summary: 'How people of each role may and must sign in, and what holds until somebody sets it.',
    input: Empty,
    output: v.strictObject({ version: Version, policy: SignInPolicy, default: SignInPolicy }),
    errors: [],
    ...admins,
    audited: { not: 'reads' },
  }),
  'signInPolicy.set': row({
    summary:
      'Set it, in place of that of `version`. In force at once: for sign-ins and changes of factors from now on.',
    input: v.strictObject({ version: Version, policy: SignInPolicy }),
    output: v.strictObject({ version: Version }),
    errors: ['policy.conflict', 'factor.last'],
    ...admins,
    stepUp: true,
    audited: ['policy.changed'],
  }),
  'signInPolicy.health': row({
    summary:
      'Who does not fit: no way in, no second step, a weak or old password, few codes or unlockers, an account or device that nobody uses. `policy`: as if that were set.',
    input: v.strictObject({
      after: v.optional(Handle),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.healthPageMax))),
      policy: v.optional(SignInPolicy),
    }),
    output: v.strictObject({ people: v.array(PersonHealth), more: v.boolean() }),
    errors: [],
    ...admins,
    audited: { not: 'reads' },
  }),
  'passwordReset.create': row({
    summary:
      'A link, good once and for a day, by which a person sets a new password. It skips no second step, opens no vault, and is worth nothing once the password changed. For owner and admins only the owner.',
    input: v.strictObject({ userId: UserId }),
    output: v.strictObject({ link: v.string(), token: Token, expiresAt: Timestamp }),
    errors: ['person.unknown', 'factor.forbidden'],
    ...admins,
    stepUp: true,
    audited: ['password.reset_issued'],
  }),
  'passwordReset.check': row({
    summary: 'Whom a link for a new password is for.',
    input: v.strictObject({ token: Token }),
    output: v.strictObject({ handle: Handle, displayName: KeptName, secondStep: v.boolean(), lengthMin: Version }),
    errors: ['reset.expired'],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'reads' },
  }),
  'passwordReset.finish': row({
    summary: 'Set the new password. All sessions of the person end; signing in asks for what it always asks.',
    input: v.strictObject({ token: Token, password: Password }),
    output: v.strictObject({ handle: Handle }),
    errors: ['reset.expired', 'password.weak', 'factor.forbidden'],
    who: 'anyone',
    resource: 'system',
    audited: ['password.changed', 'session.ended'],
  }),
};
