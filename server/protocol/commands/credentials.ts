import * as v from 'valibot';
import { Timestamp } from '../envelope.ts';
import { CeremonyId } from '../ids.ts';
import { Password } from '../model.ts';
import { CredentialId, PasskeyName, PasskeyView, SignInCode, TotpCode } from '../sign-in.ts';
import { row } from './row.ts';
import { SignedInSession, webAuthnJson } from './shapes.ts';

const Empty = v.strictObject({});
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Options = v.record(v.string(), v.unknown());
const Begun = v.strictObject({ ceremonyId: CeremonyId, options: Options });
/** Shown once; null: those that there are stay good. */
const NewCodes = v.nullable(v.array(v.string()));
const own = { who: 'person', resource: 'self', beforehand: true } as const;
const signingIn = { who: 'anyone', resource: 'system', httpOnly: true } as const;

export const credentialCommands = {
  'signIn.totp': row({
    summary: 'Second step: a code of the authenticator app, good once.',
    input: v.strictObject({ ceremonyId: CeremonyId, code: TotpCode }),
    output: SignedInSession,
    errors: ['ceremony.expired', 'sign_in.failed', 'factor.forbidden'],
    ...signingIn,
    audited: ['sign_in.succeeded', 'sign_in.failed'],
  }),
  'signIn.recoveryCode': row({
    summary: 'Second step: one of the recovery codes for signing in, good once.',
    input: v.strictObject({ ceremonyId: CeremonyId, code: SignInCode }),
    output: SignedInSession,
    errors: ['ceremony.expired', 'sign_in.failed', 'factor.forbidden'],
    ...signingIn,
    audited: ['sign_in.succeeded', 'sign_in.failed', 'recovery_code.used'],
  }),
  'signIn.passkeySecondOptions': row({
    summary: 'Second step: begin with a passkey of the account whose password was right.',
    input: v.strictObject({ ceremonyId: CeremonyId }),
    output: v.strictObject({ options: Options }),
    errors: ['ceremony.expired', 'factor.forbidden'],
    who: 'anyone',
    resource: 'system',
    audited: { not: 'begins' },
  }),
  'signIn.passkeySecond': row({
    summary: 'Second step: finish with the passkey.',
    input: v.strictObject({ ceremonyId: CeremonyId, response: webAuthnJson }),
    output: SignedInSession,
    errors: ['ceremony.expired', 'sign_in.failed', 'factor.forbidden'],
    ...signingIn,
    audited: ['sign_in.succeeded', 'sign_in.failed', 'passkey.suspected'],
  }),
  'factor.list': row({
    summary: 'What the signed-in person can sign in with.',
    input: Empty,
    output: v.strictObject({
      password: v.nullable(v.strictObject({ setAt: Timestamp })),
      passkeys: v.array(PasskeyView),
      totp: v.nullable(v.strictObject({ createdAt: Timestamp })),
      recoveryCodes: v.nullable(v.strictObject({ createdAt: Timestamp, left: count })),
      /** The password is not enough. */
      secondStep: v.boolean(),
    }),
    errors: [],
    ...own,
    audited: { not: 'reads' },
  }),
  'passkey.addOptions': row({
    summary: 'Begin making one more passkey.',
    input: Empty,
    output: Begun,
    errors: ['passkey.too_many', 'factor.forbidden'],
    ...own,
    stepUp: true,
    audited: { not: 'begins' },
  }),
  'passkey.add': row({
    summary: 'Keep the new passkey under a name. With the first second step of a password come recovery codes.',
    input: v.strictObject({ ceremonyId: CeremonyId, response: webAuthnJson, name: PasskeyName }),
    output: v.strictObject({ passkey: PasskeyView, recoveryCodes: NewCodes }),
    errors: ['ceremony.expired', 'passkey.refused', 'passkey.too_many', 'factor.forbidden'],
    ...own,
    stepUp: true,
    audited: ['passkey.added', 'recovery_codes.made'],
  }),
  'passkey.rename': row({
    summary: 'Give a passkey another name.',
    input: v.strictObject({ credentialId: CredentialId, name: PasskeyName }),
    output: Empty,
    errors: ['factor.unknown'],
    ...own,
    audited: ['passkey.renamed'],
  }),
  'passkey.remove': row({
    summary: 'Sign in with this passkey no more. The last way in stays.',
    input: v.strictObject({ credentialId: CredentialId }),
    output: Empty,
    errors: ['factor.unknown', 'factor.last'],
    ...own,
    stepUp: true,
    audited: ['passkey.removed'],
  }),
  'totp.begin': row({
    summary: 'A new secret for an authenticator app, to scan or to type. Nothing changes before totp.confirm.',
    input: Empty,
    output: v.strictObject({ ceremonyId: CeremonyId, expiresAt: Timestamp, secret: v.string(), uri: v.string() }),
    errors: ['factor.forbidden'],
    ...own,
    stepUp: true,
    audited: { not: 'begins' },
  }),
  'totp.confirm': row({
    summary: 'A code of that app makes it the second step, in place of an earlier one.',
    input: v.strictObject({ ceremonyId: CeremonyId, code: TotpCode }),
    output: v.strictObject({ recoveryCodes: NewCodes }),
    errors: ['ceremony.expired', 'code.wrong', 'factor.forbidden'],
    ...own,
    stepUp: true,
    audited: ['totp.added', 'recovery_codes.made'],
  }),
  'totp.remove': row({
    summary: 'Ask for codes of the authenticator app no more.',
    input: Empty,
    output: Empty,
    errors: ['factor.unknown', 'factor.last'],
    ...own,
    stepUp: true,
    audited: ['totp.removed'],
  }),
  'recoveryCodes.remake': row({
    summary: 'Ten new recovery codes for signing in, shown once; the earlier ones are worth nothing any more.',
    input: Empty,
    output: v.strictObject({ recoveryCodes: v.array(v.string()) }),
    errors: [],
    ...own,
    stepUp: true,
    audited: ['recovery_codes.made'],
  }),
  'session.stepUpOptions': row({
    summary: 'How this person can prove that it is them: a passkey, or the password with or without a code.',
    input: Empty,
    output: v.strictObject({ passkey: v.nullable(Begun), password: v.boolean(), code: v.boolean() }),
    errors: [],
    ...own,
    audited: { not: 'begins' },
  }),
  'session.stepUp': row({
    summary: 'Prove it; for some minutes this session may then do what asks for that.',
    input: v.strictObject({
      proof: v.variant('kind', [
        v.strictObject({ kind: v.literal('passkey'), ceremonyId: CeremonyId, response: webAuthnJson }),
        v.strictObject({ kind: v.literal('password'), password: Password, code: v.optional(TotpCode) }),
      ]),
    }),
    output: v.strictObject({ freshUntil: Timestamp }),
    errors: ['ceremony.expired', 'step_up.failed', 'factor.forbidden'],
    ...own,
    audited: ['session.proven', 'sign_in.failed', 'passkey.suspected'],
  }),
};
