/** WebAuthn ceremonies ([A5]): single use, bound to their purpose, one origin, user verification required. */
import {
  type AuthenticationResponseJSON, generateAuthenticationOptions, generateRegistrationOptions, type RegistrationResponseJSON,
  verifyAuthenticationResponse, verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { bytesOfId, type CeremonyId, fromBase64Url, idFromBytes, toBase64Url, UserId } from '#protocol/ids.ts';
import { ceremonyLifetimeMs } from '#protocol/limits.ts';
import * as v from 'valibot';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountRecord, AccountStore, CeremonyStore, PasskeyRecord } from '../ports/store.ts';
import { utf8 } from './digests.ts';

const Ceremony = v.variant('purpose', [
  v.strictObject({ purpose: v.literal('register'), challenge: v.string(), userId: UserId, handle: v.string() }),
  v.strictObject({ purpose: v.literal('sign-in'), challenge: v.string() }),
]);
type Ceremony = v.InferOutput<typeof Ceremony>;

const text = v.pipe(v.string(), v.maxLength(16_384));
const outer = { id: v.pipe(v.string(), v.maxLength(1_400)), rawId: text, type: v.literal('public-key'), authenticatorAttachment: v.nullish(text) };
const Registration = v.object({
  ...outer,
  response: v.object({ clientDataJSON: text, attestationObject: text, transports: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(32))), v.maxLength(16))) }),
});
const Authentication = v.object({
  ...outer,
  response: v.object({ clientDataJSON: text, authenticatorData: text, signature: text, userHandle: v.nullish(text) }),
});

/** COSE: EdDSA, ES256, RS256 (RFC 9053). */
const algorithms = [-8, -7, -257];
const challengeBytes = 32;

export interface PasskeyParts {
  readonly ceremonies: CeremonyStore;
  readonly accounts: AccountStore;
  readonly runtime: Runtime;
  readonly origin: string;
  readonly serverName: string;
}

export interface Begun {
  readonly ceremonyId: CeremonyId;
  readonly options: Record<string, unknown>;
}

export class Passkeys {
  readonly #parts: PasskeyParts;
  readonly #rpId: string;

  constructor(parts: PasskeyParts) {
    this.#parts = parts;
    this.#rpId = new URL(parts.origin).hostname;
  }

  async beginRegistration(person: { readonly userId: UserId; readonly handle: string; readonly displayName: string }): Promise<Begun> {
    const challenge = this.#parts.runtime.random(challengeBytes);
    const options = await generateRegistrationOptions({
      rpName: this.#parts.serverName,
      rpID: this.#rpId,
      userID: bytesOfId(person.userId),
      userName: person.handle,
      userDisplayName: person.displayName,
      challenge,
      timeout: ceremonyLifetimeMs,
      attestationType: 'none',
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    });
    const ceremonyId = await this.#put({ purpose: 'register', challenge: toBase64Url(challenge), userId: person.userId, handle: person.handle });
    return { ceremonyId, options: { ...options } };
  }

  /** Refuses ceremony.expired, passkey.refused. The ceremony is used up whatever comes of it. */
  async finishRegistration(ceremonyId: CeremonyId, response: unknown, userId: UserId, handle: string): Promise<Result<PasskeyRecord>> {
    const ceremony = await this.#take(ceremonyId);
    if (ceremony?.purpose !== 'register' || ceremony.userId !== userId || ceremony.handle !== handle) return refuse('ceremony.expired');
    const parsed = v.safeParse(Registration, response);
    if (!parsed.success) return refuse('passkey.refused', { reason: 'malformed' });
    const { id, rawId, type, response: inner } = parsed.output;
    const json: RegistrationResponseJSON = {
      id, rawId, type, clientExtensionResults: {},
      response: { clientDataJSON: inner.clientDataJSON, attestationObject: inner.attestationObject },
    };
    const verified = await orNull(
      verifyRegistrationResponse({
        response: json,
        expectedChallenge: ceremony.challenge,
        expectedOrigin: this.#parts.origin,
        expectedRPID: this.#rpId,
        requireUserVerification: true,
        supportedAlgorithmIDs: algorithms,
      }),
    );
    if (verified === null || !verified.verified) return refuse('passkey.refused', { reason: 'unverified' });
    const { credential, credentialBackedUp } = verified.registrationInfo;
    return ok({
      credentialId: credential.id,
      publicKey: new Uint8Array(credential.publicKey),
      counter: credential.counter,
      transports: inner.transports ?? [],
      backedUp: credentialBackedUp,
      createdAt: this.#parts.runtime.now(),
    });
  }

  async beginSignIn(): Promise<Begun> {
    const challenge = this.#parts.runtime.random(challengeBytes);
    const options = await generateAuthenticationOptions({ rpID: this.#rpId, challenge, timeout: ceremonyLifetimeMs, userVerification: 'required' });
    return { ceremonyId: await this.#put({ purpose: 'sign-in', challenge: toBase64Url(challenge) }), options: { ...options } };
  }

  /** Refuses ceremony.expired, sign_in.failed. */
  async finishSignIn(ceremonyId: CeremonyId, response: unknown): Promise<Result<AccountRecord>> {
    const ceremony = await this.#take(ceremonyId);
    if (ceremony?.purpose !== 'sign-in') return refuse('ceremony.expired');
    const parsed = v.safeParse(Authentication, response);
    if (!parsed.success) return refuse('sign_in.failed');
    const { id, rawId, type, response: inner } = parsed.output;
    const account = await this.#parts.accounts.byCredential(id);
    const passkey = account?.passkeys.find((candidate) => candidate.credentialId === id);
    if (account === null || passkey === undefined) return refuse('sign_in.failed');
    const { clientDataJSON, authenticatorData, signature, userHandle } = inner;
    // A discoverable credential names its user; it must be the one whose key is checked.
    if (typeof userHandle === 'string' && userHandle !== account.userId) return refuse('sign_in.failed');
    const json: AuthenticationResponseJSON = { id, rawId, type, clientExtensionResults: {}, response: { clientDataJSON, authenticatorData, signature } };
    const verified = await orNull(
      verifyAuthenticationResponse({
        response: json,
        expectedChallenge: ceremony.challenge,
        expectedOrigin: this.#parts.origin,
        expectedRPID: this.#rpId,
        credential: { id, publicKey: passkey.publicKey, counter: passkey.counter },
        requireUserVerification: true,
      }),
    );
    if (verified === null || !verified.verified) return refuse('sign_in.failed');
    const { newCounter, credentialBackedUp } = verified.authenticationInfo;
    await this.#parts.accounts.passkeyUsed(account.userId, id, newCounter, credentialBackedUp);
    return ok(account);
  }

  /** Whose account a passkey claims to be for; null where none has it. */
  async claimed(response: unknown): Promise<UserId | null> {
    const parsed = v.safeParse(Authentication, response);
    return parsed.success ? ((await this.#parts.accounts.byCredential(parsed.output.id))?.userId ?? null) : null;
  }

  async #put(ceremony: Ceremony): Promise<CeremonyId> {
    const { runtime, ceremonies } = this.#parts;
    const ceremonyId = idFromBytes<CeremonyId>(runtime.random(16));
    await ceremonies.put(ceremonyId, utf8(JSON.stringify(ceremony)), runtime.now() + ceremonyLifetimeMs);
    return ceremonyId;
  }

  async #take(ceremonyId: CeremonyId): Promise<Ceremony | null> {
    const stored = await this.#parts.ceremonies.take(ceremonyId, this.#parts.runtime.now());
    if (stored === null) return null;
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Ceremony), new TextDecoder().decode(stored));
    return parsed.success ? parsed.output : null;
  }
}

/** The library throws for every fault of a response; none of them is ours. */
async function orNull<T>(verification: Promise<T>): Promise<T | null> {
  try {
    return await verification;
  } catch (cause) {
    if (cause instanceof Error) return null;
    throw cause;
  }
}

export const isCredentialId = (id: string): boolean => id.length > 0 && fromBase64Url(id) !== null;
