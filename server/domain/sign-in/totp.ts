/** Time-based one-time codes (RFC 6238): SHA-1, six digits, 30 s, one step either side, as every authenticator app has them. */
import { Secret, TOTP } from 'otpauth';

const periodSeconds = 30;
const window = 1;
/** RFC 4226 §4 R6: at least 128 bits, 160 are recommended. */
export const totpSecretBytes = 20;

const totpOf = (secret: Uint8Array<ArrayBuffer>, naming: { readonly issuer?: string; readonly label?: string } = {}): TOTP =>
  new TOTP({ ...naming, secret: new Secret({ buffer: secret.slice().buffer }), algorithm: 'SHA1', digits: 6, period: periodSeconds });

/** The time step whose code it is, or null. `now` in milliseconds. */
export function stepOf(secret: Uint8Array<ArrayBuffer>, code: string, now: number): number | null {
  const delta = totpOf(secret).validate({ token: code, timestamp: now, window });
  return delta === null ? null : Math.floor(now / 1_000 / periodSeconds) + delta;
}

/** A step that was taken, or one before it, is not taken again; one that is ahead of the clock was taken by a clock that was ahead. */
export function isFreshStep(step: number, lastStep: number, now: number): boolean {
  const present = Math.floor(now / 1_000 / periodSeconds);
  return step > lastStep || (lastStep > present + window && step !== lastStep);
}

export interface TotpSetUp {
  /** Base32, for typing. */
  readonly secret: string;
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string;
}

export function setUpOf(secret: Uint8Array<ArrayBuffer>, issuer: string, handle: string): TotpSetUp {
  const totp = totpOf(secret, { issuer, label: handle });
  return { secret: totp.secret.base32, uri: totp.toString() };
}
