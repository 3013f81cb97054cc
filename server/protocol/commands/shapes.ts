/** Shapes that rows of several families share. */
import * as v from 'valibot';
import { Timestamp } from '../envelope.ts';
import { DeviceId, SessionId } from '../ids.ts';
import { Person } from '../model.ts';
import { Must } from '../sign-in.ts';

/** A WebAuthn JSON object (WebAuthn Level 3 §5.1.8–5.1.10); its inside is checked by @simplewebauthn/server. */
export const webAuthnJson = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(64)), v.unknown()),
  v.check((input) => !('clientExtensionResults' in input) || !hasPrf(input.clientExtensionResults), 'must not carry PRF results'),
);

/** PRF outputs open vaults and must never leave the device; a client that sends them is refused. */
function hasPrf(results: unknown): boolean {
  if (typeof results !== 'object' || results === null || !('prf' in results)) return false;
  const prf = results.prf;
  return typeof prf === 'object' && prf !== null && 'results' in prf && prf.results !== undefined;
}

/** Who a session is. */
export const SignedInSession = v.strictObject({
  sessionId: SessionId,
  person: Person,
  deviceId: v.nullable(DeviceId),
  expiresAt: Timestamp,
  serverTime: Timestamp,
  /** What it has to do before anything else; absent: nothing. */
  must: v.optional(Must),
});
