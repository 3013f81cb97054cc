/** What the specification says is right is taken, and of it only what this server asks for: a verified user, in no frame of another site. */
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { describe, expect, it } from 'vitest';
import { Ceremonies } from '../../../server/domain/sign-in/ceremonies.ts';
import { Passkeys } from '../../../server/domain/passkeys.ts';
import type { Runtime } from '../../../server/ports/runtime.ts';
import { openMemoryStore } from '../../../server/storage/memory/store.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { World } from '../commands/world.ts';
import { type Vector, vectors } from './webauthn-vectors.ts';

const origin = 'https://example.org';
const rpId = 'example.org';
const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'));
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

const created = ({ credentialId, registration }: Vector) => ({
  id: base64(credentialId),
  rawId: base64(credentialId),
  type: 'public-key' as const,
  clientExtensionResults: {},
  response: {
    clientDataJSON: base64(registration!.clientDataJSON),
    attestationObject: base64(registration!.attestationObject),
  },
});
const asserted = ({ credentialId, assertion }: Vector, signature = assertion!.signature) => ({
  id: base64(credentialId),
  rawId: base64(credentialId),
  type: 'public-key' as const,
  clientExtensionResults: {},
  response: {
    clientDataJSON: base64(assertion!.clientDataJSON),
    authenticatorData: base64(assertion!.authenticatorData),
    signature: base64(signature),
  },
});

const flags = { verified: 0x04, eligible: 0x08 };
const flagsOf = (authenticatorData: string): number => bytesOf(authenticatorData)[32]!;
/** What of the registrations of §16 has a verified user: bit 0x04 of the flags behind the hash of the RP id. */
const registeredVerified = (attestationObject: string): boolean =>
  (flagsOf(attestationObject.slice(attestationObject.indexOf('bfabc374'))) & flags.verified) !== 0;
const framed = (clientDataJSON: string): boolean =>
  Buffer.from(clientDataJSON, 'hex').toString().includes('"crossOrigin":true');

const made = vectors.filter(({ registration }) => registration !== null);
const signed = vectors.filter(({ assertion }) => assertion !== null);

describe('[A5] WebAuthn Level 3 §16, the verifier', () => {
  it.each(made)('takes the registration of $name (§$section)', async (vector) => {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: created(vector),
      expectedChallenge: base64(vector.registration!.challenge),
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: false,
    });
    expect([verified, registrationInfo?.credential.id]).toEqual([true, base64(vector.credentialId)]);
    expect(Buffer.from(registrationInfo!.credential.publicKey).toString('hex')).toBe(vector.publicKey);
  });

  const verify = (vector: Vector, signature?: string) =>
    verifyAuthenticationResponse({
      response: asserted(vector, signature),
      expectedChallenge: base64(vector.assertion!.challenge),
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: false,
      credential: { id: base64(vector.credentialId), publicKey: bytesOf(vector.publicKey), counter: 0 },
    });

  it.each(signed)('takes the assertion of $name (§$section), and no other signature', async (vector) => {
    expect((await verify(vector)).verified).toBe(true);
    const { signature } = vector.assertion!;
    const other = `${signature.slice(0, -2)}${signature.endsWith('00') ? '01' : '00'}`;
    expect((await verify(vector, other)).verified).toBe(false);
  });
});

/** A server at https://example.org that asks with the challenge of a vector. */
async function server(challenge: string) {
  const fake = new FakeRuntime();
  let asks = false;
  const runtime: Runtime = {
    now: () => fake.now(),
    monotonic: () => fake.monotonic(),
    after: (delay, run) => fake.after(delay, run),
    every: (interval, run) => fake.every(interval, run),
    random: (length) => (asks && length === 32 ? bytesOf(challenge) : fake.random(length)),
  };
  const world = new World();
  const owner = await world.owner();
  const store = openMemoryStore();
  const ceremonies = new Ceremonies(store.ceremonies, runtime);
  const passkeys = new Passkeys({ ceremonies, accounts: world.store.accounts, runtime, origin, serverName: 'lanying' });
  asks = true;
  return { world, owner, passkeys };
}

describe('[A5] WebAuthn Level 3 §16, this server', () => {
  it.each(made)('registers $name only when the user was verified, in no frame of another site', async (vector) => {
    const { attestationObject, challenge, clientDataJSON } = vector.registration!;
    const { owner, passkeys } = await server(challenge);
    const { ceremonyId } = await passkeys.beginRegistration({
      userId: owner.userId,
      handle: 'owner',
      displayName: 'owner',
    });
    const finished = await passkeys.finishRegistration(ceremonyId, created(vector), owner.userId, 'owner');
    expect(finished.ok).toBe(registeredVerified(attestationObject) && !framed(clientDataJSON));
  });

  it.each(signed)('lets $name in only when the user was verified, in no frame of another site', async (vector) => {
    const { authenticatorData, challenge, clientDataJSON } = vector.assertion!;
    const { world, owner, passkeys } = await server(challenge);
    const account = (await world.store.accounts.byId(owner.userId))!;
    const passkey = {
      credentialId: base64(vector.credentialId),
      publicKey: bytesOf(vector.publicKey),
      counter: 0,
      transports: [],
      createdAt: 0,
      backedUp: false,
      backupEligible: (flagsOf(authenticatorData) & flags.eligible) !== 0,
    };
    await world.store.accounts.changeCredentials(
      owner.userId,
      account.credentialsVersion ?? 0,
      { ...account, passkeys: [passkey] },
      null,
    );
    const { ceremonyId } = await passkeys.beginSignIn();
    const answer = await passkeys.finishSignIn(ceremonyId, asserted(vector));
    const right = (flagsOf(authenticatorData) & flags.verified) !== 0 && !framed(clientDataJSON);
    expect(answer?.kind).toBe(right ? 'right' : 'wrong');
  });

  it('has vectors that it takes and vectors that it refuses, of both kinds', () => {
    const taken = made.filter(
      ({ registration }) =>
        registeredVerified(registration!.attestationObject) && !framed(registration!.clientDataJSON),
    );
    expect(taken.map(({ name }) => name)).toEqual(['packed-self.ES256', 'packed.ES256']);
    const inside = signed.filter(({ assertion }) => (flagsOf(assertion!.authenticatorData) & flags.verified) !== 0);
    expect(inside.map(({ name }) => name)).toEqual(['none.ES256.crossOrigin', 'packed.ES256']);
  });
});
