/** A person's own passkeys, and what forgers do with them. */
import { describe, expect, test } from 'vitest';
import { passkeysPerUserMax } from '#protocol/limits.ts';
import { Authenticator, type Flaws } from '../../harness/authenticator.ts';
import { bareSignIn, proveBy, withApp, withPasskey } from './factor-person.ts';
import { codeOf, okay, origin, password, reasonOf, World } from './world.ts';

const person = async () => {
  const world = new World();
  const owner = await world.owner();
  return { world, owner };
};

test('[A9] several passkeys: added, listed with their use and backup, renamed, removed; each signs in while it is there', async () => {
  const { world, owner } = await person();
  const [laptop, phone] = [(await withPasskey(owner, 'Laptop')).device, new Authenticator(origin)];
  const begun = okay(await owner.call('passkey.addOptions', {}));
  expect(begun.options['excludeCredentials']).toMatchObject([{ id: laptop.credentialId, transports: ['internal'] }]);
  expect(begun.options['authenticatorSelection']).toMatchObject({
    userVerification: 'required',
    residentKey: 'required',
  });
  const response = phone.register(begun.options, { backupEligible: true, backedUp: true });
  expect(
    okay(await owner.call('passkey.add', { ceremonyId: begun.ceremonyId, response, name: 'Phone' })).recoveryCodes,
  ).toBeNull();
  world.runtime.advance(5_000);
  expect(codeOf(await bareSignIn(world, phone, { backupEligible: true, backedUp: false }))).toBe('ok');
  okay(await owner.call('passkey.rename', { credentialId: laptop.credentialId, name: 'Old laptop' }));
  const now = world.runtime.now();
  const facts = { createdAt: now - 5_000, transports: ['internal'], backedUp: false };
  expect(okay(await owner.call('factor.list', {}))).toMatchObject({
    passkeys: [
      { ...facts, credentialId: laptop.credentialId, name: 'Old laptop', usedAt: null, backupEligible: false },
      { ...facts, credentialId: phone.credentialId, name: 'Phone', usedAt: now, backupEligible: true },
    ],
    secondStep: true,
    recoveryCodes: { left: 10 },
  });
  okay(await owner.call('passkey.remove', { credentialId: phone.credentialId }));
  expect(codeOf(await bareSignIn(world, phone, { backupEligible: true }))).toBe('sign_in.failed');
  expect(codeOf(await bareSignIn(world, laptop))).toBe('ok');
});

test('[A9] the last way in stays, a passkey has one owner, and there are only so many', async () => {
  const { world, owner } = await person();
  const guest = await world.invited(owner, 'guest');
  const { device } = await withPasskey(owner);
  const begun = okay(await guest.call('passkey.addOptions', {}));
  const stolen = await guest.call('passkey.add', {
    ceremonyId: begun.ceremonyId,
    response: device.register(begun.options),
    name: 'Mine',
  });
  expect([codeOf(stolen), reasonOf(stolen)]).toEqual(['passkey.refused', 'exists']);
  expect(codeOf(await guest.call('passkey.remove', { credentialId: device.credentialId }))).toBe('factor.unknown');
  expect(codeOf(await guest.call('passkey.rename', { credentialId: device.credentialId, name: 'x' }))).toBe(
    'factor.unknown',
  );
  const account = await world.store.accounts.byId(owner.userId);
  const { passwordHash: _gone, ...passwordless } = { ...account!, passwordHash: null };
  await world.store.accounts.changeCredentials(
    owner.userId,
    account!.credentialsVersion ?? 0,
    { ...passwordless, passwordHash: null },
    null,
  );
  expect(codeOf(await owner.call('passkey.remove', { credentialId: device.credentialId }))).toBe('factor.last');
  for (let count = 1; count < passkeysPerUserMax; count += 1) await withPasskey(owner, `Key ${count}`);
  expect(codeOf(await owner.call('passkey.addOptions', {}))).toBe('passkey.too_many');
  expect(codeOf(await owner.call('passkey.remove', { credentialId: device.credentialId }))).toBe('ok');
});

test('[A9] of two removals that race for the last two of a passwordless account one is refused', async () => {
  const { world, owner } = await person();
  const [one, two] = [(await withPasskey(owner)).device, (await withPasskey(owner)).device];
  const account = await world.store.accounts.byId(owner.userId);
  await world.store.accounts.changeCredentials(
    owner.userId,
    account!.credentialsVersion ?? 0,
    { ...account!, passwordHash: null },
    null,
  );
  const outcomes = await Promise.all(
    [one, two].map(({ credentialId }) => owner.call('passkey.remove', { credentialId })),
  );
  expect(outcomes.map(codeOf).toSorted()).toEqual(['factor.last', 'ok']);
});

const flaws: readonly (readonly [string, Flaws])[] = [
  ['a challenge of its own', { challenge: Buffer.alloc(32, 1).toString('base64url') }],
  ['another origin', { origin: 'http://evil.example' }],
  ['an origin that only begins alike', { origin: `${origin}.evil.example` }],
  ['the RP id of another host', { rpId: 'evil.example' }],
  ['no user verification', { userVerified: false }],
  ['no user presence', { userPresent: false }],
  ['the client data of another ceremony', { type: 'webauthn.other' }],
  ['a backup state without eligibility', { backedUp: true }],
];

describe('forged ceremonies of somebody signed in', () => {
  test.each(flaws)('[A9] adding refuses %s and the ceremony is used up', async (_name, flaw) => {
    const { owner } = await person();
    const device = new Authenticator(origin);
    const { ceremonyId, options } = okay(await owner.call('passkey.addOptions', {}));
    const add = (response: unknown) => owner.call('passkey.add', { ceremonyId, response, name: 'Key' });
    expect(codeOf(await add(device.register(options, flaw)))).toBe('passkey.refused');
    expect(codeOf(await add(device.register(options)))).toBe('ceremony.expired');
    expect(okay(await owner.call('factor.list', {})).passkeys).toEqual([]);
  });

  test.each([...flaws, ['a wrong signature', { badSignature: true }] as const])(
    '[A14] a proof refuses %s',
    async (_name, flaw) => {
      const { owner } = await person();
      const { device } = await withPasskey(owner);
      expect(codeOf(await proveBy(owner, device, flaw))).toBe('step_up.failed');
    },
  );

  test('[A9] [A14] a challenge of another session, another purpose or another person is nobody’s', async () => {
    const { world, owner } = await person();
    const guest = await world.invited(owner, 'guest');
    const second = await world.secondDevice(owner);
    const { device } = await withPasskey(owner);
    const [adding, proof] = [
      okay(await owner.call('passkey.addOptions', {})),
      okay(await owner.call('session.stepUpOptions', {})).passkey!,
    ];
    const made = new Authenticator(origin);
    for (const other of [second, guest]) {
      const begun = okay(await owner.call('passkey.addOptions', {}));
      expect(
        codeOf(
          await other.call('passkey.add', {
            ceremonyId: begun.ceremonyId,
            response: made.register(begun.options),
            name: 'Key',
          }),
        ),
      ).toBe('ceremony.expired');
      const asked = okay(await owner.call('session.stepUpOptions', {})).passkey!;
      const response = device.signIn(asked.options);
      expect(
        codeOf(
          await other.call('session.stepUp', { proof: { kind: 'passkey', ceremonyId: asked.ceremonyId, response } }),
        ),
      ).toBe('ceremony.expired');
    }
    // A proof signs nobody in, and a sign-in proves nothing here.
    expect(
      codeOf(
        await world.call('signIn.passkey', { ceremonyId: proof.ceremonyId, response: device.signIn(proof.options) }),
      ),
    ).toBe('ceremony.expired');
    const bare = okay(await world.call('signIn.passkeyOptions', {}));
    const proven = { kind: 'passkey', ceremonyId: bare.ceremonyId, response: device.signIn(bare.options) };
    expect(codeOf(await owner.call('session.stepUp', { proof: proven }))).toBe('ceremony.expired');
    const crossed = await owner.call('session.stepUp', {
      proof: { kind: 'passkey', ceremonyId: adding.ceremonyId, response: device.signIn(adding.options) },
    });
    expect(codeOf(crossed)).toBe('ceremony.expired');
  });

  test('[A14] somebody else’s passkey proves nothing', async () => {
    const { world, owner } = await person();
    const guest = await world.invited(owner, 'guest');
    await withPasskey(owner);
    const { device } = await withPasskey(guest);
    expect(codeOf(await proveBy(owner, device))).toBe('step_up.failed');
  });
});

test('[A10] a copied key is refused wherever its counter falls behind, and the audit log says so', async () => {
  const { world, owner } = await person();
  const { device } = await withPasskey(owner);
  expect(codeOf(await bareSignIn(world, device, { counter: 9 }))).toBe('ok');
  for (const counter of [9, 3, 0]) expect(codeOf(await bareSignIn(world, device, { counter }))).toBe('sign_in.failed');
  expect(codeOf(await proveBy(owner, device, { counter: 9 }))).toBe('step_up.failed');
  const told = (await world.store.audit.readFrom(0, 100)).filter(({ act }) => act === 'passkey.suspected');
  expect(told.map(({ object, after }) => [object?.id, after?.['counter']])).toEqual(
    Array.from({ length: 4 }, () => [owner.userId, 9]),
  );
  // A forged signature is no sign of a copy.
  expect(codeOf(await bareSignIn(world, device, { counter: 2, badSignature: true }))).toBe('sign_in.failed');
  expect((await world.store.audit.readFrom(0, 100)).filter(({ act }) => act === 'passkey.suspected')).toHaveLength(4);
  expect(codeOf(await bareSignIn(world, device, { counter: 10 }))).toBe('ok');
});

test('[A10] a passkey that never counts goes on, one that could not be copied does not become one that is', async () => {
  const { world, owner } = await person();
  const device = new Authenticator(origin);
  const { ceremonyId, options } = okay(await owner.call('passkey.addOptions', {}));
  okay(
    await owner.call('passkey.add', { ceremonyId, response: device.register(options, { counter: 0 }), name: 'Key' }),
  );
  for (let times = 0; times < 3; times += 1) expect(codeOf(await bareSignIn(world, device, { counter: 0 }))).toBe('ok');
  expect(codeOf(await bareSignIn(world, device, { counter: 0, backupEligible: true }))).toBe('sign_in.failed');
});

test('[A14] a session just begun may, after the minutes it needs a proof, and that counts for its session alone', async () => {
  const { world, owner } = await person();
  const { device } = await withPasskey(owner);
  world.runtime.advance(10 * 60_000);
  expect(codeOf(await owner.call('totp.begin', {}))).toBe('ok');
  world.runtime.advance(1);
  const sensitive: readonly (readonly [Parameters<typeof owner.call>[0], unknown])[] = [
    ['totp.begin', {}],
    ['passkey.addOptions', {}],
    ['passkey.remove', { credentialId: device.credentialId }],
    ['recoveryCodes.remake', {}],
    ['session.revokeAll', {}],
    ['invite.create', { role: 'admin' }],
    ['retention.set', { class: 'messages', conversationId: null, days: 9 }],
    ['hold.place', { conversationId: null, reason: 'Case 12', until: world.runtime.now() + 9_000_000 }],
    ['erasure.request', { userId: owner.userId, text: 'Asked', scope: 'all' }],
    ['account.requestErasure', { text: 'Asked' }],
  ];
  for (const [name, input] of sensitive)
    expect(`${name} ${codeOf(await owner.call(name, input))}`).toBe(`${name} step_up.required`);
  for (const name of ['session.list', 'factor.list', 'retention.get', 'invite.list', 'session.revokeOthers'] as const)
    okay(await owner.call(name, {}));
  expect(codeOf(await owner.call('invite.create', { role: 'member' }))).toBe('ok');
  const { freshUntil } = okay(await proveBy(owner, device));
  expect(freshUntil).toBe(world.runtime.now() + 10 * 60_000);
  expect(codeOf(await owner.call('totp.begin', {}))).toBe('ok');
  okay(await world.call('signIn.passkeyOptions', {}));
  const other = { ...owner.session!, ...okay(await bareSignIn(world, device)) };
  const stale = await world.store.sessions.byId(other.sessionId);
  world.runtime.jump(11 * 60_000);
  expect(codeOf(await owner.call('totp.begin', {}, { session: stale }))).toBe('step_up.required');
  okay(await owner.call('session.stepUp', { proof: { kind: 'passkey', ...(await proofOf(owner, device)) } }));
  expect(codeOf(await owner.call('totp.begin', {}))).toBe('ok');
  expect(codeOf(await owner.call('totp.begin', {}, { session: stale }))).toBe('step_up.required');
  // A clock that went back makes nothing fresh.
  world.runtime.jump(-3_600_000);
  expect(codeOf(await owner.call('totp.begin', {}))).toBe('step_up.required');
});

const proofOf = async (owner: Awaited<ReturnType<World['owner']>>, device: Authenticator) => {
  const { passkey } = okay(await owner.call('session.stepUpOptions', {}));
  return { ceremonyId: passkey!.ceremonyId, response: device.signIn(passkey!.options) };
};

test('[A14] a password proves what a sign-in would ask for, and guesses at it are few', async () => {
  const { owner } = await person();
  const prove = (tried: string) => owner.call('session.stepUp', { proof: { kind: 'password', password: tried } });
  expect(okay(await owner.call('session.stepUpOptions', {}))).toEqual({ passkey: null, password: true, code: false });
  expect(codeOf(await prove(password))).toBe('ok');
  await withPasskey(owner);
  // The passkey is the second step now: the password alone proves too little.
  expect(okay(await owner.call('session.stepUpOptions', {}))).toMatchObject({ password: false, code: false });
  const codes = [];
  for (let tries = 0; tries < 14; tries += 1) codes.push(codeOf(await prove(password)));
  expect([codes[0], codes.at(-1)]).toEqual(['step_up.failed', 'rate.limited']);
});

test('[A14] [Q5] codes that come with the right password are guessed in a session no faster than when signing in', async () => {
  const { world, owner } = await person();
  const { app } = await withApp(owner);
  const prove = (code: string) => owner.call('session.stepUp', { proof: { kind: 'password', password, code } });
  const codes = [];
  for (let tries = 0; tries < 30; tries += 1) {
    codes.push(codeOf(await prove(app.code(9))));
    world.runtime.advance(30_000);
  }
  expect(new Set(codes)).toEqual(new Set(['step_up.failed', 'rate.limited']));
  const [limited] = codes.flatMap((code, at) => (code === 'rate.limited' ? [at] : []));
  // 20 at once and one each five minutes, of which a quarter of an hour has three.
  expect(limited).toBeGreaterThanOrEqual(20);
  world.runtime.advance(5 * 60_000);
  expect(codeOf(await prove(app.code()))).toBe('ok');
});
