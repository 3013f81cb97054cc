/** Types of one's own sessions and factors. */

/** A session of one's own. */
export interface Session {
  readonly id: string;
  /** The one that asks. */
  readonly current: boolean;
  readonly createdAt: number;
  /** To the day. */
  readonly usedAt: number;
  readonly expiresAt: number;
  /** CIDR block that it was begun from. */
  readonly network: string | null;
  readonly browser: string | null;
  readonly system: string | null;
  /** How it was begun: `account`, `passkey`, `password`, `password+totp`, `password+passkey`, `password+recovery-code`. */
  readonly factor: string | null;
  /** Label of the device that it acts as. */
  readonly device: string | null;
}

/** What one can sign in with. */
export interface Factors {
  readonly password: { readonly setAt: number } | null;
  readonly passkeys: readonly {
    readonly credentialId: string;
    readonly name: string | null;
    readonly createdAt: number;
    readonly usedAt: number | null;
    readonly backupEligible: boolean | null;
    readonly backedUp: boolean;
  }[];
  readonly totp: { readonly createdAt: number } | null;
  readonly recoveryCodes: { readonly createdAt: number; readonly left: number } | null;
  /** The password is not enough to sign in. */
  readonly secondStep: boolean;
}

export interface TotpSetUp {
  readonly id: string;
  /** Base32, for typing. */
  readonly secret: string;
  /** `otpauth://…`, for a QR code. */
  readonly uri: string;
}

/** The step behind a password: a code of an authenticator app, or a recovery code for signing in (not the vault's). */
export type SecondStep =
  { readonly kind: 'totp'; readonly code: string } | { readonly kind: 'recovery-code'; readonly code: string };

/**
 * One's own sessions and factors. Changes of factors and the end of all sessions need a sign-in or `prove` within the
 * last ten minutes: else `step_up.required`.
 */
export interface Account {
  sessions(): Promise<readonly Session[]>;
  /** `session.unknown`. */
  endSession(id: string): Promise<void>;
  /** How many there were. */
  endOtherSessions(): Promise<number>;
  endAllSessions(): Promise<number>;
  /** `code`: of the authenticator app, where there is one. `step_up.failed`, `rate.limited`. */
  prove(by: { readonly password: string; readonly code?: string }): Promise<void>;
  factors(): Promise<Factors>;
  /** Nothing changes before it is confirmed. */
  beginTotp(): Promise<TotpSetUp>;
  /** `recoveryCodes`: with the first second step, shown once; else null. `code.wrong`, `ceremony.expired`. */
  confirmTotp(id: string, code: string): Promise<{ readonly recoveryCodes: readonly string[] | null }>;
  /** `factor.unknown`, `factor.last`. */
  removeTotp(): Promise<void>;
  /** All other sessions end. `password.weak` with the reason (`length`, `classes`, `blocklisted`, `guessable`, `reused`), `factor.forbidden`. */
  changePassword(password: string): Promise<void>;
  /** The earlier ones are worth nothing any more. */
  remakeRecoveryCodes(): Promise<readonly string[]>;
}
