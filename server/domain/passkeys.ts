/** WebAuthn ceremonies ([A5]): single use, bound to their purpose, one origin, user verification required. */
import {
  type AuthenticationResponseJSON, generateAuthenticationOptions, generateRegistrationOptions, type RegistrationResponseJSON,
  verifyAuthenticationResponse, verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { bytesOfId, type CeremonyId, fromBase64Url, type SessionId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { ceremonyLifetimeMs } from '#protocol/limits.ts';
import * as v from 'valibot';
import type { PasskeyRecord } from '../ports/credentials.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountRecord, AccountStore } from '../ports/store.ts';
import type { Ceremonies, Ceremony } from './sign-in/ceremonies.ts';

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
/** How an authenticator may be reached (WebAuthn Level 3 §5.8.4); others are hints that nobody knows. */
const transportsKnown = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;
const named = ({ credentialId, transports }: PasskeyRecord) => ({ id: credentialId, transports: transportsKnown.filter((known) => transports.includes(known)) });

export interface PasskeyParts {
  readonly ceremonies: Ceremonies;
  readonly accounts: AccountStore;
  readonly runtime: Runtime;
  readonly origin: string;
  readonly serverName: string;
}

export interface Begun {
  readonly ceremonyId: CeremonyId;
  readonly options: Record<string, unknown>;
}

interface Registrant {
  readonly userId: UserId;
  readonly handle: string;
  readonly displayName: string;
}

/** What a passkey's answer to a challenge comes to. `wrong` names whose passkey it claimed to be, where that is somebody's. */
export type Asserted =
  | { readonly kind: 'right'; readonly account: AccountRecord }
  | { readonly kind: 'wrong'; readonly userId: UserId | null }
  /** Signed rightly, and its counter did not grow: there is a copy of the key (WebAuthn Level 3 §6.1.1). */
  | { readonly kind: 'counter_back'; readonly account: AccountRecord; readonly passkey: PasskeyRecord };

export class Passkeys {
  readonly #parts: PasskeyParts;
  readonly #rpId: string;

  constructor(parts: PasskeyParts) {
    this.#parts = parts;
    this.#rpId = new URL(parts.origin).hostname;
  }

  /** For an account that is about to be made. */
  beginRegistration(person: Registrant): Promise<Begun> {
    return this.#beginMaking(person, [], (challenge) => ({ purpose: 'register', challenge, userId: person.userId, handle: person.handle }));
  }

  /** Refuses ceremony.expired, passkey.refused. The ceremony is used up whatever comes of it. */
  async finishRegistration(ceremonyId: CeremonyId, response: unknown, userId: UserId, handle: string): Promise<Result<PasskeyRecord>> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'register');
    if (ceremony?.userId !== userId || ceremony.handle !== handle) return refuse('ceremony.expired');
    return this.#attest(ceremony.challenge, response);
  }

  /** One more passkey of a person; authenticators that hold one already make none ([A9]). */
  beginAdding(account: AccountRecord, sessionId: SessionId): Promise<Begun> {
    const { userId } = account;
    return this.#beginMaking(account, account.passkeys, (challenge) => ({ purpose: 'add-passkey', challenge, userId, sessionId }));
  }

  /** Refuses ceremony.expired (also for another session's), passkey.refused. */
  async finishAdding(ceremonyId: CeremonyId, response: unknown, sessionId: SessionId): Promise<Result<PasskeyRecord>> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'add-passkey');
    return ceremony?.sessionId !== sessionId ? refuse('ceremony.expired') : this.#attest(ceremony.challenge, response);
  }

  async beginSignIn(): Promise<Begun> {
    const challenge = this.#challenge();
    return { ceremonyId: await this.#parts.ceremonies.begin({ purpose: 'sign-in', challenge }), options: await this.#askFor(challenge, null) };
  }

  /** Null: there is no such ceremony (any more). */
  async finishSignIn(ceremonyId: CeremonyId, response: unknown): Promise<Asserted | null> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'sign-in');
    return ceremony === null ? null : this.#assert(ceremony.challenge, response, null);
  }

  /** A fresh proof of whoever is signed in. */
  async beginProof(account: AccountRecord, sessionId: SessionId): Promise<Begun> {
    const challenge = this.#challenge();
    const ceremonyId = await this.#parts.ceremonies.begin({ purpose: 'step-up', challenge, userId: account.userId, sessionId });
    return { ceremonyId, options: await this.#askFor(challenge, account) };
  }

  /** Null: there is no such ceremony of this session (any more). */
  async finishProof(ceremonyId: CeremonyId, response: unknown, sessionId: SessionId): Promise<Asserted | null> {
    const ceremony = await this.#parts.ceremonies.take(ceremonyId, 'step-up');
    return ceremony?.sessionId !== sessionId ? null : this.#assert(ceremony.challenge, response, ceremony.userId);
  }

  /** Options for a passkey of this account, and the challenge in them for whoever keeps the ceremony. */
  async askSecond(account: AccountRecord): Promise<{ readonly challenge: string; readonly options: Record<string, unknown> }> {
    const challenge = this.#challenge();
    return { challenge, options: await this.#askFor(challenge, account) };
  }

  checkSecond(challenge: string, response: unknown, userId: UserId): Promise<Asserted> {
    return this.#assert(challenge, response, userId);
  }

  #challenge(): string {
    return toBase64Url(this.#parts.runtime.random(challengeBytes));
  }

  async #beginMaking(person: Registrant, there: readonly PasskeyRecord[], ceremony: (challenge: string) => Ceremony): Promise<Begun> {
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
      excludeCredentials: there.map(named),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    });
    return { ceremonyId: await this.#parts.ceremonies.begin(ceremony(toBase64Url(challenge))), options: { ...options } };
  }

  /** `of` null: any discoverable passkey. */
  async #askFor(challenge: string, of: AccountRecord | null): Promise<Record<string, unknown>> {
    const bytes = fromBase64Url(challenge);
    if (bytes === null) throw new Error('a challenge is base64url');
    const options = await generateAuthenticationOptions({
      rpID: this.#rpId,
      challenge: bytes,
      timeout: ceremonyLifetimeMs,
      userVerification: 'required',
      ...(of === null ? {} : { allowCredentials: of.passkeys.map(named) }),
    });
    return { ...options };
  }

  async #attest(challenge: string, response: unknown): Promise<Result<PasskeyRecord>> {
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
        expectedChallenge: challenge,
        expectedOrigin: this.#parts.origin,
        expectedRPID: this.#rpId,
        requireUserVerification: true,
        supportedAlgorithmIDs: algorithms,
      }),
    );
    if (verified === null || !verified.verified || !isTopLevel(inner.clientDataJSON)) return refuse('passkey.refused', { reason: 'unverified' });
    const { credential, credentialBackedUp, credentialDeviceType } = verified.registrationInfo;
    return ok({
      credentialId: credential.id,
      publicKey: new Uint8Array(credential.publicKey),
      counter: credential.counter,
      transports: inner.transports ?? [],
      backedUp: credentialBackedUp,
      backupEligible: credentialDeviceType === 'multiDevice',
      createdAt: this.#parts.runtime.now(),
    });
  }

  /** `by`: the only person whose passkeys count; null: whoever it belongs to. */
  async #assert(challenge: string, response: unknown, by: UserId | null): Promise<Asserted> {
    const parsed = v.safeParse(Authentication, response);
    if (!parsed.success) return { kind: 'wrong', userId: by };
    const { id, rawId, type, response: inner } = parsed.output;
    const account = await this.#parts.accounts.byCredential(id);
    const passkey = account?.passkeys.find((candidate) => candidate.credentialId === id);
    const wrong: Asserted = { kind: 'wrong', userId: by ?? account?.userId ?? null };
    if (account === null || passkey === undefined || (by !== null && account.userId !== by)) return wrong;
    const { clientDataJSON, authenticatorData, signature, userHandle } = inner;
    // A discoverable credential names its user; it must be the one whose key is checked.
    if (typeof userHandle === 'string' && userHandle !== account.userId) return wrong;
    const json: AuthenticationResponseJSON = { id, rawId, type, clientExtensionResults: {}, response: { clientDataJSON, authenticatorData, signature } };
    const verified = await orNull(
      verifyAuthenticationResponse({
        response: json,
        expectedChallenge: challenge,
        expectedOrigin: this.#parts.origin,
        expectedRPID: this.#rpId,
        // The counter is looked at below, once the signature proved that it is the passkey's own.
        credential: { id, publicKey: passkey.publicKey, counter: 0 },
        requireUserVerification: true,
      }),
    );
    if (verified === null || !verified.verified || !isTopLevel(clientDataJSON)) return wrong;
    const { newCounter, credentialBackedUp, credentialDeviceType } = verified.authenticationInfo;
    const { backupEligible = credentialDeviceType === 'multiDevice' } = passkey;
    // §7.2: the eligibility of a credential never changes.
    if (backupEligible !== (credentialDeviceType === 'multiDevice')) return wrong;
    const usedAt = this.#parts.runtime.now();
    const recorded = await this.#parts.accounts.passkeyUsed(account.userId, id, { counter: newCounter, backedUp: credentialBackedUp, usedAt });
    if (recorded === 'unknown') return wrong;
    return recorded === 'used' ? { kind: 'right', account } : { kind: 'counter_back', account, passkey };
  }
}

const Framing = v.object({ crossOrigin: v.optional(v.literal(false)), topOrigin: v.optional(v.undefined()) });

/** §7.1 step 10, §7.2 step 13: not inside a page of another site, which this server never is. The library leaves that open. */
function isTopLevel(clientDataJSON: string): boolean {
  const bytes = fromBase64Url(clientDataJSON);
  if (bytes === null) return false;
  try {
    return v.is(Framing, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    if (cause instanceof SyntaxError) return false;
    throw cause;
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
