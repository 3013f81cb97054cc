import { describe, expect, it } from 'vitest';
import type { CeremonyId } from '#protocol/ids.ts';
import { ceremonyLifetimeMs } from '#protocol/limits.ts';
import { Authenticator, type Flaws } from '../../harness/authenticator.ts';
import { codeOf, okay, origin, type Peer, setupToken, value, World } from '../commands/world.ts';

const grant = { kind: 'setup', token: setupToken } as const;

interface Begun {
  readonly ceremonyId: CeremonyId;
  readonly options: Record<string, unknown>;
}

async function newcomer() {
  const world = new World();
  const peer = await world.stranger('owner');
  const device = new Authenticator(origin);
  const begin = async (): Promise<Begun> =>
    okay(await world.call('account.passkeyOptions', { grant, userId: peer.userId, handle: peer.handle, displayName: peer.handle }));
  const finish = (ceremonyId: CeremonyId, response: unknown, who: Peer = peer) =>
    world.call('account.create', { ...who.accountInput(grant), factor: { kind: 'passkey', ceremonyId, response } });
  return { world, peer, device, begin, finish };
}

async function registered() {
  const { world, peer, device, begin, finish } = await newcomer();
  const { ceremonyId, options } = await begin();
  peer.signedIn(await finish(ceremonyId, device.register(options)));
  peer.session = value(await world.services.sessions.byId(peer.sessionId));
  const beginSignIn = async (): Promise<Begun> => okay(await world.call('signIn.passkeyOptions', {}));
  const signIn = (id: CeremonyId, response: unknown) => world.call('signIn.passkey', { ceremonyId: id, response });
  return { world, peer, device, beginSignIn, signIn };
}

/** What a forged or careless authenticator does, at registration and at sign-in. */
const flaws: readonly (readonly [string, Flaws])[] = [
  ['a challenge of its own', { challenge: Buffer.alloc(32, 1).toString('base64url') }],
  ['another origin', { origin: 'http://evil.example' }],
  ['an origin that only begins alike', { origin: `${origin}.evil.example` }],
  ['the same host on another port', { origin: 'http://localhost:8081' }],
  ['the RP id of another host', { rpId: 'evil.example' }],
  ['no user verification', { userVerified: false }],
  ['no user presence', { userPresent: false }],
  ['the client data of the other ceremony', { type: 'webauthn.other' }],
];

describe('registration', () => {
  it('[A5] makes an account by passkey that signs in with it, counter after counter', async () => {
    const { world, peer, device, beginSignIn, signIn } = await registered();
    const stored = await world.store.accounts.byCredential(device.credentialId);
    expect([stored?.userId, stored?.passwordHash, stored?.passkeys.length]).toEqual([peer.userId, null, 1]);
    for (let time = 0; time < 2; time += 1) {
      const { ceremonyId, options } = await beginSignIn();
      expect(options['userVerification']).toBe('required');
      const reply = await signIn(ceremonyId, device.signIn(options));
      expect(okay(reply).person.userId).toBe(peer.userId);
      expect(reply.effect?.kind).toBe('session-started');
    }
    expect((await world.store.accounts.byCredential(device.credentialId))?.passkeys[0]?.counter).toBe(3);
  });

  it.each(flaws)('[A5] refuses %s, and the ceremony is used up', async (_name, flaw) => {
    const { world, device, begin, finish } = await newcomer();
    const { ceremonyId, options } = await begin();
    expect(codeOf(await finish(ceremonyId, device.register(options, flaw)))).toBe('passkey.refused');
    expect(codeOf(await finish(ceremonyId, device.register(options)))).toBe('ceremony.expired');
    expect(await world.store.accounts.count()).toBe(0);
  });

  it('[A5] refuses a response to another ceremony, another purpose or another person', async () => {
    const { world, peer, device, begin, finish } = await newcomer();
    const [one, two] = [await begin(), await begin()];
    expect(codeOf(await finish(one.ceremonyId, device.register(two.options)))).toBe('passkey.refused');
    const signIn = okay(await world.call('signIn.passkeyOptions', {}));
    expect(codeOf(await finish(signIn.ceremonyId, device.register(signIn.options)))).toBe('ceremony.expired');
    const other = await world.stranger(peer.handle);
    expect(codeOf(await finish(two.ceremonyId, device.register(two.options), other))).toBe('ceremony.expired');
    expect(await world.store.accounts.count()).toBe(0);
  });

  it('[A5] expires', async () => {
    const { world, device, begin, finish } = await newcomer();
    const { ceremonyId, options } = await begin();
    world.runtime.advance(ceremonyLifetimeMs);
    expect(codeOf(await finish(ceremonyId, device.register(options)))).toBe('ceremony.expired');
  });
});

describe('sign-in', () => {
  const atSignIn: readonly (readonly [string, Flaws])[] = [
    ...flaws,
    ['a counter that goes back', { counter: 0 }],
    ['a counter that stands still', { counter: 1 }],
    ['a tampered signature', { badSignature: true }],
    ['an unknown credential', { credentialId: Buffer.alloc(32, 2).toString('base64url') }],
    ['the handle of another user', { userHandle: Buffer.alloc(16, 3).toString('base64url') }],
  ];
  it.each(atSignIn)('[A5] refuses %s, and the ceremony is used up', async (_name, flaw) => {
    const { device, beginSignIn, signIn } = await registered();
    const { ceremonyId, options } = await beginSignIn();
    expect(codeOf(await signIn(ceremonyId, device.signIn(options, flaw)))).toBe('sign_in.failed');
    expect(codeOf(await signIn(ceremonyId, device.signIn(options)))).toBe('ceremony.expired');
  });

  it('[A5] refuses a replay, a response to another ceremony or purpose, and a key that only claims the id', async () => {
    const { world, peer, device, beginSignIn, signIn } = await registered();
    const first = await beginSignIn();
    const response = device.signIn(first.options);
    expect(codeOf(await signIn(first.ceremonyId, response))).toBe('ok');
    expect(codeOf(await signIn(first.ceremonyId, response))).toBe('ceremony.expired');
    const second = await beginSignIn();
    expect(codeOf(await signIn(second.ceremonyId, response))).toBe('sign_in.failed');
    const impostor = new Authenticator(origin);
    const third = await beginSignIn();
    expect(codeOf(await signIn(third.ceremonyId, impostor.signIn(third.options, { credentialId: device.credentialId, counter: 9 })))).toBe('sign_in.failed');
    const { token } = okay(await peer.call('invite.create', {}));
    const guest = await world.stranger('guest');
    const register = okay(await world.call('account.passkeyOptions', { grant: { kind: 'invite', token }, userId: guest.userId, handle: 'guest', displayName: 'Guest' }));
    expect(codeOf(await signIn(register.ceremonyId, device.signIn(register.options)))).toBe('ceremony.expired');
  });

  it('[A5] expires', async () => {
    const { world, device, beginSignIn, signIn } = await registered();
    const { ceremonyId, options } = await beginSignIn();
    world.runtime.advance(ceremonyLifetimeMs);
    expect(codeOf(await signIn(ceremonyId, device.signIn(options)))).toBe('ceremony.expired');
  });

  it.each([[{}], [{ id: 7 }], [{ id: 'x', rawId: 'x', type: 'public-key', response: {} }], [{ response: null }]])('[A5] refuses %j as malformed', async (response) => {
    const { beginSignIn, signIn } = await registered();
    const { ceremonyId } = await beginSignIn();
    expect(codeOf(await signIn(ceremonyId, response))).toBe('sign_in.failed');
  });
});
