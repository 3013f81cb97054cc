/** Shapes of sign-in that commands, the store and clients share. */
import * as v from 'valibot';
import { Timestamp } from './envelope.ts';
import { DeviceId, SessionId } from './ids.ts';
import { keptLabel, label } from './model.ts';
import * as limits from './limits.ts';

/** How a session was begun. `account`: by making the account. Stored: add, never rename. */
export const SignInFactor = v.picklist([
  'account',
  'passkey',
  'password',
  'password+totp',
  'password+passkey',
  'password+recovery-code',
]);
export type SignInFactor = v.InferOutput<typeof SignInFactor>;

/** What a session has to do before anything else ([A17]). Stored: add, never rename. */
export const Must = v.picklist(['change_password', 'add_second_step']);
export type Must = v.InferOutput<typeof Must>;

/** What may follow a right password. */
export const SecondStep = v.picklist(['totp', 'passkey', 'recovery-code']);
export type SecondStep = v.InferOutput<typeof SecondStep>;

/** As an authenticator app shows it. */
export const TotpCode = v.pipe(v.string(), v.regex(/^\d{6}$/));
/** Of signing in, not of the vault: 16 letters and digits, with or without hyphens and spaces. */
export const SignInCode = v.pipe(v.string(), v.maxLength(64));
export const PasskeyName = label(limits.passkeyNameLengthMax);
export const CredentialId = v.pipe(v.string(), v.minLength(1), v.maxLength(1_400));

export const PasskeyView = v.strictObject({
  credentialId: CredentialId,
  /** Null: it was never named. */
  name: v.nullable(keptLabel(limits.passkeyNameLengthMax)),
  createdAt: Timestamp,
  usedAt: v.nullable(Timestamp),
  /** Whether it may be copied to other devices (WebAuthn BE), null where that is not known; and whether it is (BS). */
  backupEligible: v.nullable(v.boolean()),
  backedUp: v.boolean(),
  /** WebAuthn's words: internal, hybrid, usb, … */
  transports: v.array(v.string()),
});
export type PasskeyView = v.InferOutput<typeof PasskeyView>;

/** One of a person's sessions, as they see it. */
export const SessionView = v.strictObject({
  sessionId: SessionId,
  /** The session that asks. */
  current: v.boolean(),
  createdAt: Timestamp,
  /** Of the last use, to the day; of the session that asks: now. */
  usedAt: Timestamp,
  expiresAt: Timestamp,
  /** CIDR block that it was begun from, an IPv4 /24 or IPv6 /48; null where it is not known. */
  network: v.nullable(v.string()),
  /** Family ("Firefox", "Chrome", "SDK"), null where it is not known. */
  browser: v.nullable(v.string()),
  system: v.nullable(v.string()),
  factor: v.nullable(SignInFactor),
  /** The device that it acts as, with its label. */
  device: v.nullable(v.strictObject({ deviceId: DeviceId, label: keptLabel(limits.deviceLabelLengthMax) })),
});
export type SessionView = v.InferOutput<typeof SessionView>;
