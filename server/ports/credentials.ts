/** What a person signs in with, as the store keeps it: one part of the account, changed as a whole by compare-and-set. */
import type { SessionId } from '#protocol/ids.ts';

/** A stored WebAuthn credential (WebAuthn Level 3 §4 "credential record"). */
export interface PasskeyRecord {
  readonly credentialId: string;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly counter: number;
  readonly transports: readonly string[];
  /** Backup state (BS) at its last use. */
  readonly backedUp: boolean;
  readonly createdAt: number;
  /** These are absent in records of earlier versions. Backup eligibility (BE), which never changes. */
  readonly backupEligible?: boolean | undefined;
  readonly name?: string | undefined;
  readonly usedAt?: number | undefined;
}

/** RFC 6238 with SHA-1, 6 digits, 30 s. */
export interface TotpRecord {
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly createdAt: number;
  /** Time step of the last code that was taken: none at or before it is taken again. */
  readonly lastStep: number;
}

export interface RecoveryCodesRecord {
  /** Keyed hashes of those that are left. */
  readonly hashes: readonly Uint8Array<ArrayBuffer>[];
  readonly createdAt: number;
}

export interface PasswordFacts {
  readonly setAt: number;
  /** Hashes of earlier passwords, newest first; at most passwordHistoryMax. */
  readonly earlier: readonly string[];
  /** As the policy of that time saw it, when it was set or last signed in with. */
  readonly weak: boolean;
  /** Version of the policy that said so; absent in records of earlier versions. */
  readonly policy?: number | undefined;
}

export interface Credentials {
  /** PHC string of Argon2id, or null when the account has no password. */
  readonly passwordHash: string | null;
  readonly passkeys: readonly PasskeyRecord[];
  readonly passwordFacts?: PasswordFacts | undefined;
  readonly totp?: TotpRecord | undefined;
  readonly recoveryCodes?: RecoveryCodesRecord | undefined;
  /** A change of password ends all sessions but one; absent once they are ended. */
  readonly endingSessions?: EndingSessions | undefined;
}

export interface EndingSessions {
  readonly keep: SessionId | null;
}

/** Of one use of a passkey. */
export interface PasskeyUse {
  readonly counter: number;
  readonly backedUp: boolean;
  readonly usedAt: number;
}
