/** What administrators ask of how people sign in, and that every door keeps to it. */
import { describe, expect, test } from 'vitest';
import type { SignInPolicy } from '#protocol/sign-in-policy.ts';
import { Authenticator } from '../../harness/authenticator.ts';
import { App, bareSignIn, pastPassword, withApp, withPasskey } from './factor-person.ts';
import { codeOf, okay, origin, password, type Peer, reasonOf, value, World } from './world.ts';

const dayMs = 86_400_000;
type Roles = { [R in keyof SignInPolicy['roles']]?: Partial<SignInPolicy['roles'][R]> };

/** Sets what is named, over what is in force. */
async function set(owner: Peer, roles: Roles, rules: Partial<SignInPolicy['password']> = {}) {
  const { version, policy } = okay(await owner.call('signInPolicy.get', {}));
  const merged = Object.fromEntries(
    Object.entries(policy.roles).map(([role, of]) => [role, { ...of, ...roles[role as keyof Roles] }]),
  );
  return owner.call('signInPolicy.set', {
    version,
    policy: { roles: merged, password: { ...policy.password, ...rules } },
  });
}
const team = async () => {
  const world = new World();
  const owner = await world.owner();
  return { world, owner, guest: await world.invited(owner, 'guest') };
};
async function newcomer(world: World, owner: Peer, typed: string, handle = 'newcomer') {
  const { token } = okay(await owner.call('invite.create', {}));
  const peer = await world.stranger(handle);
  return world.call('account.create', {
    ...peer.accountInput({ kind: 'invite', token }),
    factor: { kind: 'password', password: typed },
  });
}
const signInAs = async (world: World, handle: string, typed = password): Promise<Peer> => {
  const signedIn = okay(await world.call('signIn.password', { handle, password: typed }));
  const peer = await world.stranger(handle);
  peer.session = await world.sessionOf(signedIn.sessionId);
  return peer;
};

describe('[P3] the policy', () => {
  test('is the administrators’ to see and set, over what they saw, and never locks out whoever sets it', async () => {
    const { world, owner, guest } = await team();
    for (const name of ['signInPolicy.get', 'signInPolicy.health'] as const)
      expect(codeOf(await guest.call(name, {}))).toBe('permission.denied');
    expect(codeOf(await set(owner, {}, { lengthMin: 20 }))).toBe('ok');
    const { policy } = okay(await owner.call('signInPolicy.get', {}));
    expect(codeOf(await guest.call('signInPolicy.set', { version: 1, policy }))).toBe('permission.denied');
    expect(codeOf(await owner.call('signInPolicy.set', { version: 0, policy }))).toBe('policy.conflict');
    expect(reasonOf(await set(owner, { owner: { password: 'forbidden' } }))).toBe('own_account');
    for (const roles of [
      { member: { password: 'forbidden', passkey: 'forbidden' } },
      { member: { passkey: 'forbidden', totp: 'forbidden', secondStep: 'required' } },
    ] as const)
      expect(codeOf(await set(owner, roles))).toBe('input.invalid');
    for (const rules of [{ lengthMin: 14 }, { lengthMinSecondStep: 7 }, { historyCount: 11 }, { strengthMin: 5 }])
      expect(codeOf(await set(owner, {}, rules))).toBe('input.invalid');
    expect(okay(await guest.call('signInPolicy.mine', {}))).toMatchObject({
      lengthMin: 20,
      rules: { secondStep: 'optional' },
    });
    expect(okay(await world.call('server.info', {})).passwordLengthMin).toBe(20);
  });

  test('forbids a password at every door at once, sign-ins under way too, and tells nobody who does not have it', async () => {
    const { world, owner, guest } = await team();
    const { app, codes } = await withApp(guest);
    await withPasskey(guest);
    const [byTotp, byCode, byKey] = [
      await pastPassword(world, 'guest'),
      await pastPassword(world, 'guest'),
      await pastPassword(world, 'guest'),
    ];
    okay(await set(owner, { member: { password: 'forbidden' } }));
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('factor.forbidden');
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password: 'not this one at all' }))).toBe(
      'sign_in.failed',
    );
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: byTotp.ceremonyId, code: app.code() }))).toBe(
      'factor.forbidden',
    );
    expect(codeOf(await world.call('signIn.recoveryCode', { ceremonyId: byCode.ceremonyId, code: codes![0] }))).toBe(
      'factor.forbidden',
    );
    expect(codeOf(await world.call('signIn.passkeySecondOptions', { ceremonyId: byKey.ceremonyId }))).toBe(
      'factor.forbidden',
    );
    expect(codeOf(await guest.call('password.change', { password: 'something altogether different' }))).toBe(
      'factor.forbidden',
    );
    expect(
      codeOf(await guest.call('session.stepUp', { proof: { kind: 'password', password, code: app.code() } })),
    ).toBe('factor.forbidden');
    expect(codeOf(await newcomer(world, owner, 'something altogether different'))).toBe('factor.forbidden');
    expect(codeOf(await owner.call('passwordReset.create', { userId: guest.userId }))).toBe('factor.forbidden');
    // Others are not touched, and it comes back as it went.
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('ok');
    okay(await set(owner, { member: { password: 'allowed' } }));
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('second_step.required');
  });

  test('forbids passkeys and authenticator apps at every door at once', async () => {
    const { world, owner, guest } = await team();
    const { app } = await withApp(guest);
    const { device } = await withPasskey(guest);
    const adding = okay(await guest.call('passkey.addOptions', {}));
    const pending = okay(await guest.call('totp.begin', {}));
    const proof = okay(await guest.call('session.stepUpOptions', {})).passkey!;
    const byKey = await pastPassword(world, 'guest');
    const { options } = okay(await world.call('signIn.passkeySecondOptions', { ceremonyId: byKey.ceremonyId }));
    okay(await set(owner, { member: { passkey: 'forbidden' } }));
    expect(codeOf(await bareSignIn(world, device))).toBe('factor.forbidden');
    expect(
      codeOf(
        await world.call('signIn.passkeySecond', { ceremonyId: byKey.ceremonyId, response: device.signIn(options) }),
      ),
    ).toBe('factor.forbidden');
    const made = new Authenticator(origin).register(adding.options);
    expect(
      codeOf(await guest.call('passkey.add', { ceremonyId: adding.ceremonyId, response: made, name: 'Key' })),
    ).toBe('factor.forbidden');
    expect(codeOf(await guest.call('passkey.addOptions', {}))).toBe('factor.forbidden');
    const proven = { kind: 'passkey', ceremonyId: proof.ceremonyId, response: device.signIn(proof.options) };
    expect(codeOf(await guest.call('session.stepUp', { proof: proven }))).toBe('factor.forbidden');
    expect((await pastPassword(world, 'guest')).methods).toEqual(['totp', 'recovery-code']);
    const byTotp = await pastPassword(world, 'guest');
    okay(await set(owner, { member: { totp: 'forbidden' } }));
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: byTotp.ceremonyId, code: app.code() }))).toBe(
      'factor.forbidden',
    );
    expect(codeOf(await guest.call('totp.begin', {}))).toBe('factor.forbidden');
    expect(
      codeOf(
        await guest.call('totp.confirm', {
          ceremonyId: pending.ceremonyId,
          code: new App(world, pending.secret).code(),
        }),
      ),
    ).toBe('factor.forbidden');
  });

  test('[A9] with a required second step the last one stays, and with forbidden passwords the last passkey', async () => {
    const { owner, guest } = await team();
    await withApp(guest);
    okay(await set(owner, { member: { secondStep: 'required' } }));
    expect(reasonOf(await guest.call('totp.remove', {}))).toBe('second_step');
    const { device } = await withPasskey(guest);
    okay(await guest.call('totp.remove', {}));
    expect(reasonOf(await guest.call('passkey.remove', { credentialId: device.credentialId }))).toBe('second_step');
    okay(await set(owner, { member: { secondStep: 'optional', password: 'forbidden' } }));
    expect(reasonOf(await guest.call('passkey.remove', { credentialId: device.credentialId }))).toBe('only_way_in');
  });
});

describe('[A16] passwords', () => {
  const refused = async (world: World, owner: Peer, typed: string): Promise<string | undefined> =>
    reasonOf(await newcomer(world, owner, typed));

  test('by default only their length counts, and what everybody tries first', async () => {
    const { world, owner } = await team();
    expect(await refused(world, owner, 'fourteen chars')).toBe('length');
    // People count characters.
    expect(await refused(world, owner, '蓝莺'.repeat(7))).toBe('length');
    for (const common of ['passwordpassword', 'aaaaaaaaaaaaaaaaa', '123456789012345'])
      expect(await refused(world, owner, common)).toBe('blocklisted');
    expect(codeOf(await newcomer(world, owner, 'all lower case is fine'))).toBe('ok');
  });

  test('classes, strength and history when they are set', async () => {
    const { world, owner, guest } = await team();
    okay(await set(owner, {}, { classesMin: 3, strengthMin: 4, historyCount: 2 }));
    expect(await refused(world, owner, 'all lower case is fine')).toBe('classes');
    expect(await refused(world, owner, 'Newcomer2026Newcomer')).toBe('guessable');
    const change = (typed: string) => guest.call('password.change', { password: typed });
    const [first, second, third] = ['Quiet Rivers 4 otters', 'Loud Mountains 5 bears', 'Grey Harbour 6 seals'] as const;
    for (const typed of [first, second, third]) expect(codeOf(await change(typed))).toBe('ok');
    expect([reasonOf(await change(third)), reasonOf(await change(second))]).toEqual(['reused', 'reused']);
    expect(codeOf(await change(first))).toBe('ok');
    const stored = value(await world.store.accounts.byId(guest.userId)).passwordFacts;
    expect(stored?.earlier).toHaveLength(2);
  });

  test('may be shorter only where a second step is required', async () => {
    const { world, owner } = await team();
    okay(await set(owner, {}, { lengthMinSecondStep: 8 }));
    expect(await refused(world, owner, 'nine7char')).toBe('length');
    okay(await set(owner, { member: { secondStep: 'required' } }));
    expect(await refused(world, owner, 'seven77')).toBe('length');
    expect(codeOf(await newcomer(world, owner, 'nine7char'))).toBe('ok');
  });

  test('[A15] a new one ends all other sessions and what the old one began', async () => {
    const { world, guest } = await team();
    await withApp(guest);
    const [other, begun] = [
      await world.services.sessions.start(
        guest.userId,
        { factor: 'password', whence: { address: '', agent: '' } },
        world.scribe,
      ),
      await pastPassword(world, 'guest'),
    ];
    okay(await guest.call('password.change', { password: 'something altogether different' }));
    expect(world.happenings).toContainEqual({
      kind: 'sessionEnded',
      sessionId: other.record.sessionId,
      reason: 'revoked',
    });
    expect((await world.store.sessions.ofUser(guest.userId)).map(({ sessionId }) => sessionId)).toEqual([
      guest.sessionId,
    ]);
    expect(codeOf(await world.call('signIn.recoveryCode', { ceremonyId: begun.ceremonyId, code: 'any' }))).toBe(
      'ceremony.expired',
    );
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('sign_in.failed');
    world.runtime.advance(11 * 60_000);
    expect(codeOf(await guest.call('password.change', { password: 'yet another one entirely' }))).toBe(
      'step_up.required',
    );
  });
});

describe('[A17] a session that has something to do first', () => {
  test('a password that no longer fits, or is too old, is changed before anything else', async () => {
    const { world, owner } = await team();
    okay(await set(owner, {}, { lengthMin: 40 }));
    const late = await signInAs(world, 'guest');
    expect(okay(await late.call('session.get', {})).must).toBe('change_password');
    for (const [name, input] of [
      ['people.list', {}],
      ['vault.get', {}],
      ['device.challenge', {}],
      ['conversation.list', {}],
      ['session.ping', {}],
    ] as const)
      expect(`${name} ${codeOf(await late.call(name, input))}`).toBe(
        `${name} ${name === 'session.ping' ? 'ok' : 'session.restricted'}`,
      );
    expect(reasonOf(await late.call('people.list', {}))).toBe('change_password');
    expect(reasonOf(await late.call('password.change', { password: 'something altogether different' }))).toBe('length');
    okay(await late.call('password.change', { password: 'something altogether different, and longer' }));
    // The record that a socket was opened with is the old one: what counts is in the store.
    expect(codeOf(await late.call('people.list', {}))).toBe('ok');
    okay(await set(owner, {}, { lengthMin: 15, maxAgeDays: 90 }));
    world.runtime.jump(91 * dayMs);
    const old = await signInAs(world, 'guest', 'something altogether different, and longer');
    expect(okay(await old.call('session.get', {})).must).toBe('change_password');
    okay(await old.call('password.change', { password: 'and again another long one' }));
    expect(
      okay(await (await signInAs(world, 'guest', 'and again another long one')).call('session.get', {})).must,
    ).toBeUndefined();
  });

  test('a required second step is added before anything else, by newcomers too', async () => {
    const { world, owner } = await team();
    okay(await set(owner, { member: { secondStep: 'required' } }));
    const made = okay(await newcomer(world, owner, 'something altogether different'));
    expect(made.must).toBe('add_second_step');
    for (const add of [withApp, withPasskey]) {
      const handle = add === withApp ? 'guest' : 'newcomer';
      const late = await signInAs(world, handle, handle === 'guest' ? password : 'something altogether different');
      expect(reasonOf(await late.call('people.list', {}))).toBe('add_second_step');
      await add(late);
      expect(codeOf(await late.call('people.list', {}))).toBe('ok');
      const typed = handle === 'guest' ? password : 'something altogether different';
      expect(codeOf(await world.call('signIn.password', { handle, password: typed }))).toBe('second_step.required');
    }
  });

  test('both, one after the other', async () => {
    const { world, owner } = await team();
    okay(await set(owner, { member: { secondStep: 'required' } }, { lengthMinSecondStep: 40 }));
    const late = await signInAs(world, 'guest');
    okay(await late.call('password.change', { password: 'something altogether different, and longer' }));
    expect(reasonOf(await late.call('people.list', {}))).toBe('add_second_step');
    late.session = await world.sessionOf(value(late.session).sessionId);
    await withApp(late);
    expect(codeOf(await late.call('people.list', {}))).toBe('ok');
  });
});

test('[P4] the health report says what is wrong with whom, also for a policy that is not set yet', async () => {
  const { world, owner, guest } = await team();
  await withApp(guest);
  okay(await set(owner, {}, { lengthMin: 40 }));
  await signInAs(world, 'owner');
  const issues = async (policy?: SignInPolicy) => {
    const { people } = okay(await owner.call('signInPolicy.health', policy === undefined ? {} : { policy }));
    return Object.fromEntries(people.map((person) => [person.handle, person.issues]));
  };
  expect(await issues()).toEqual({ guest: [], owner: ['no_second_step', 'password_weak'] });
  const { policy } = okay(await owner.call('signInPolicy.get', {}));
  const asked = {
    ...policy,
    roles: { ...policy.roles, member: { ...policy.roles.member, password: 'forbidden' as const } },
  };
  expect((await issues(asked))['guest']).toEqual(['no_way_in']);
  expect((await issues())['guest']).toEqual([]);
  const first = okay(await owner.call('signInPolicy.health', { limit: 1 }));
  expect([first.people.map(({ handle }) => handle), first.more]).toEqual([['guest'], true]);
  expect(okay(await owner.call('signInPolicy.health', { after: 'guest' })).people.map(({ handle }) => handle)).toEqual([
    'owner',
  ]);
  world.runtime.jump(800 * dayMs);
  owner.session = { ...value(owner.session), expiresAt: Number.MAX_SAFE_INTEGER };
  expect(await issues()).toMatchObject({ guest: ['password_old', 'unused', 'stale_device'] });
});

describe('[A18] a link for a new password', () => {
  test('works once, also in a race, ends all sessions, signs nobody in and skips no second step', async () => {
    const { world, owner, guest } = await team();
    const { app } = await withApp(guest);
    const vault = await world.store.vaults.get(guest.userId);
    const { token, link, expiresAt } = okay(await owner.call('passwordReset.create', { userId: guest.userId }));
    expect(new URL(link).hash).toBe(`#token=${token}`);
    expect(expiresAt).toBe(world.runtime.now() + dayMs);
    expect(okay(await world.call('passwordReset.check', { token }))).toEqual({
      handle: 'guest',
      displayName: 'guest',
      secondStep: true,
      lengthMin: 15,
    });
    expect(reasonOf(await world.call('passwordReset.finish', { token, password: 'too short' }))).toBe('length');
    const typed = ['something altogether different', 'something else, also different'] as const;
    const raced = await Promise.all(typed.map((one) => world.call('passwordReset.finish', { token, password: one })));
    expect(raced.map(codeOf).toSorted()).toEqual(['ok', 'reset.expired']);
    expect(raced.every(({ effect }) => effect === undefined)).toBe(true);
    expect(await world.store.sessions.ofUser(guest.userId)).toEqual([]);
    expect(world.happenings).toContainEqual({ kind: 'sessionEnded', sessionId: guest.sessionId, reason: 'revoked' });
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('sign_in.failed');
    const set1 = codeOf(raced[0]!) === 'ok' ? typed[0] : typed[1];
    const { result } = await world.call('signIn.password', { handle: 'guest', password: set1 });
    expect(!result.ok && result.code).toBe('second_step.required');
    expect(
      codeOf(
        await world.call('signIn.totp', { ceremonyId: !result.ok && result.detail?.ceremonyId, code: app.code() }),
      ),
    ).toBe('ok');
    expect(await world.store.vaults.get(guest.userId)).toEqual(vault);
    for (const name of ['passwordReset.check', 'passwordReset.finish'] as const)
      expect(
        codeOf(
          await world.call(name, {
            token,
            ...(name === 'passwordReset.finish' ? { password: 'and again another long one' } : {}),
          }),
        ),
      ).toBe('reset.expired');
  });

  test('is over in a day, once the password changed otherwise, and when anything in it was changed', async () => {
    const { world, owner, guest } = await team();
    const make = async () => okay(await owner.call('passwordReset.create', { userId: guest.userId })).token;
    const check = async (token: string) => codeOf(await world.call('passwordReset.check', { token }));
    const [first, second] = [await make(), await make()];
    expect([await check(first), await check(second)]).toEqual(['ok', 'ok']);
    const bytes = Buffer.from(first, 'base64url');
    for (const at of [0, 17, 23, 30, 41, bytes.length - 1]) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(at) ^ 1, at);
      expect(await check(forged.toString('base64url'))).toBe('reset.expired');
    }
    expect(await check(first.slice(0, 40))).toBe('reset.expired');
    okay(await guest.call('password.change', { password: 'something altogether different' }));
    expect([await check(first), await check(second)]).toEqual(['reset.expired', 'reset.expired']);
    const third = await make();
    world.runtime.jump(dayMs);
    expect(await check(third)).toBe('reset.expired');
  });

  test('for owner and admins it is the owner’s to make, and it needs a fresh proof', async () => {
    const { world, owner, guest } = await team();
    const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
    const admin = await world.person('admin', { kind: 'invite', token });
    const other = await world.person('other', {
      kind: 'invite',
      token: okay(await owner.call('invite.create', { role: 'admin' })).token,
    });
    const make = async (by: Peer, userId: unknown) => codeOf(await by.call('passwordReset.create', { userId }));
    expect([await make(admin, guest.userId), await make(admin, other.userId), await make(admin, owner.userId)]).toEqual(
      ['ok', 'permission.denied', 'permission.denied'],
    );
    expect([await make(owner, admin.userId), await make(owner, world.id()), await make(guest, guest.userId)]).toEqual([
      'ok',
      'person.unknown',
      'permission.denied',
    ]);
    world.runtime.advance(11 * 60_000);
    expect(await make(admin, guest.userId)).toBe('step_up.required');
  });
});
