/** The step behind a password: what it takes, what it refuses, and what a stranger learns. */
import { describe, expect, test, vi } from 'vitest';
import { ceremonyLifetimeMs, recoveryCodesCount, secondStepTriesMax } from '#protocol/limits.ts';
import { Passwords } from '../../../server/domain/passwords.ts';
import { App, pastPassword, withApp, withPasskey } from './factor-person.ts';
import { codeOf, okay, password, World } from './world.ts';

const person = async () => {
  const world = new World();
  const owner = await world.owner();
  return { world, owner };
};
const wrong = 'not the password at all';

describe('[A13] a password with something behind it', () => {
  test('signs nobody in, and says what may follow', async () => {
    const { world, owner } = await person();
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('ok');
    await withApp(owner);
    const before = (await world.store.sessions.ofUser(owner.userId)).length;
    expect((await pastPassword(world, 'owner')).methods).toEqual(['totp', 'recovery-code']);
    await withPasskey(owner);
    expect((await pastPassword(world, 'owner')).methods).toEqual(['totp', 'passkey', 'recovery-code']);
    expect((await world.store.sessions.ofUser(owner.userId)).length).toBe(before);
    okay(await owner.call('totp.remove', {}));
    expect((await pastPassword(world, 'owner')).methods).toEqual(['passkey', 'recovery-code']);
  });

  test('a ceremony is for one account and one password, ends in time and after a few wrong codes', async () => {
    const { world, owner } = await person();
    const guest = await world.invited(owner, 'guest');
    const [{ app }, { app: theirs }] = [await withApp(owner), await withApp(guest)];
    const totp = (ceremonyId: unknown, code: string) => world.call('signIn.totp', { ceremonyId, code });
    const crossed = await pastPassword(world, 'owner');
    expect(codeOf(await totp(crossed.ceremonyId, theirs.code()))).toBe('sign_in.failed');
    expect(okay(await totp(crossed.ceremonyId, app.code())).person.handle).toBe('owner');
    expect(codeOf(await totp(crossed.ceremonyId, app.code(1)))).toBe('ceremony.expired');
    const late = await pastPassword(world, 'owner');
    world.runtime.advance(ceremonyLifetimeMs);
    expect(codeOf(await totp(late.ceremonyId, app.code()))).toBe('ceremony.expired');
    const tried = await pastPassword(world, 'owner');
    for (let tries = 0; tries < secondStepTriesMax; tries += 1)
      expect(codeOf(await totp(tried.ceremonyId, app.code(7)))).toBe('sign_in.failed');
    expect(codeOf(await totp(tried.ceremonyId, app.code()))).toBe('ceremony.expired');
    const outdated = await pastPassword(world, 'owner');
    const account = (await world.store.accounts.byId(owner.userId))!;
    await world.store.accounts.changeCredentials(
      owner.userId,
      account.credentialsVersion!,
      { ...account, passwordHash: `${account.passwordHash}x` },
      null,
    );
    expect(codeOf(await totp(outdated.ceremonyId, app.code()))).toBe('ceremony.expired');
  });

  test('no ceremony of another kind goes for it, and it goes for nothing else', async () => {
    const { world, owner } = await person();
    const { app } = await withApp(owner);
    const { device } = await withPasskey(owner);
    const bare = okay(await world.call('signIn.passkeyOptions', {}));
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: bare.ceremonyId, code: app.code() }))).toBe(
      'ceremony.expired',
    );
    const pending = okay(await owner.call('totp.begin', {}));
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: pending.ceremonyId, code: app.code() }))).toBe(
      'ceremony.expired',
    );
    const { ceremonyId } = await pastPassword(world, 'owner');
    const { options } = okay(await world.call('signIn.passkeySecondOptions', { ceremonyId }));
    expect(codeOf(await world.call('signIn.passkey', { ceremonyId, response: device.signIn(options) }))).toBe(
      'ceremony.expired',
    );
    const again = await pastPassword(world, 'owner');
    expect(codeOf(await owner.call('totp.confirm', { ceremonyId: again.ceremonyId, code: app.code() }))).toBe(
      'ceremony.expired',
    );
  });

  test('a passkey as the second step is of that account, for that challenge, once', async () => {
    const { world, owner } = await person();
    const guest = await world.invited(owner, 'guest');
    const [{ device }, { device: theirs }] = [await withPasskey(owner), await withPasskey(guest)];
    const { ceremonyId } = await pastPassword(world, 'owner');
    const finish = (response: unknown) => world.call('signIn.passkeySecond', { ceremonyId, response });
    expect(codeOf(await finish(device.signIn({ challenge: 'none' })))).toBe('sign_in.failed');
    const first = okay(await world.call('signIn.passkeySecondOptions', { ceremonyId })).options;
    expect(first['userVerification']).toBe('required');
    expect(first['allowCredentials']).toMatchObject([{ id: device.credentialId }]);
    expect(codeOf(await finish(theirs.signIn(first)))).toBe('sign_in.failed');
    // The challenge was used up with that.
    expect(codeOf(await finish(device.signIn(first)))).toBe('sign_in.failed');
    const second = okay(await world.call('signIn.passkeySecondOptions', { ceremonyId })).options;
    expect(second['challenge']).not.toBe(first['challenge']);
    const response = device.signIn(second);
    const signedIn = okay(await finish(response));
    expect((await world.store.sessions.byId(signedIn.sessionId))?.factor).toBe('password+passkey');
    expect(codeOf(await finish(response))).toBe('ceremony.expired');
  });
});

describe('[A11] codes of an app', () => {
  test('work once, also of several that race and through different ceremonies', async () => {
    const { world, owner } = await person();
    const { app } = await withApp(owner);
    const begun = await Promise.all(Array.from({ length: 6 }, () => pastPassword(world, 'owner')));
    const raced = await Promise.all(
      begun.map(({ ceremonyId }) => world.call('signIn.totp', { ceremonyId, code: app.code() })),
    );
    expect(raced.map(codeOf).toSorted()).toEqual(['ok', ...Array.from({ length: 5 }, () => 'sign_in.failed')]);
    const later = await pastPassword(world, 'owner');
    // The one before it was not used, and is over all the same.
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: later.ceremonyId, code: app.code(-1) }))).toBe(
      'sign_in.failed',
    );
    world.runtime.advance(30_000);
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: later.ceremonyId, code: app.code() }))).toBe('ok');
  });

  test('the one that confirmed the app signs nobody in; another app ends the first', async () => {
    const { world, owner } = await person();
    const { ceremonyId, secret } = okay(await owner.call('totp.begin', {}));
    const first = new App(world, secret);
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('ok');
    expect(codeOf(await owner.call('totp.confirm', { ceremonyId, code: first.code(9) }))).toBe('code.wrong');
    const codes = okay(await owner.call('totp.confirm', { ceremonyId, code: first.code() })).recoveryCodes;
    expect(codes).toHaveLength(recoveryCodesCount);
    const { ceremonyId: signing } = await pastPassword(world, 'owner');
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: signing, code: first.code() }))).toBe('sign_in.failed');
    const { app: second, codes: none } = await withApp(owner);
    expect(none).toBeNull();
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: signing, code: first.code() }))).toBe('sign_in.failed');
    expect(codeOf(await world.call('signIn.totp', { ceremonyId: signing, code: second.code() }))).toBe('ok');
  });

  test('a pending secret is for the session that asked', async () => {
    const { world, owner } = await person();
    const second = await world.secondDevice(owner);
    const { ceremonyId, secret } = okay(await owner.call('totp.begin', {}));
    expect(codeOf(await second.call('totp.confirm', { ceremonyId, code: new App(world, secret).code() }))).toBe(
      'ceremony.expired',
    );
    expect(okay(await owner.call('factor.list', {})).totp).toBeNull();
  });
});

describe('[A12] recovery codes', () => {
  test('each works once, also in a race, however it is typed; new ones end the earlier', async () => {
    const { world, owner } = await person();
    const codes = (await withApp(owner)).codes!;
    expect(new Set(codes).size).toBe(recoveryCodesCount);
    expect(codes.every((code) => /^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/.test(code))).toBe(true);
    const use = async (code: string) => {
      const { ceremonyId } = await pastPassword(world, 'owner');
      return codeOf(await world.call('signIn.recoveryCode', { ceremonyId, code }));
    };
    expect((await Promise.all(Array.from({ length: 4 }, () => use(codes[0]!)))).toSorted()).toEqual([
      'ok',
      'sign_in.failed',
      'sign_in.failed',
      'sign_in.failed',
    ]);
    expect(await use(` ${codes[1]!.toLowerCase().replaceAll('-', ' ')} `)).toBe('ok');
    expect(okay(await owner.call('factor.list', {})).recoveryCodes?.left).toBe(8);
    const { recoveryCodes: renewed } = okay(await owner.call('recoveryCodes.remake', {}));
    expect(await use(codes[2]!)).toBe('sign_in.failed');
    expect(await use(renewed[0]!)).toBe('ok');
    const stored = JSON.stringify(await world.store.accounts.byId(owner.userId));
    for (const code of renewed) expect(stored).not.toContain(code);
    okay(await owner.call('totp.remove', {}));
    expect(okay(await owner.call('factor.list', {}))).toMatchObject({ recoveryCodes: null, secondStep: false });
  });
});

describe('[Q5] [A13] guesses', () => {
  test('at codes from ever new addresses are counted by account, and keep out neither a known browser, a passkey nor a recovery code', async () => {
    const { world, owner } = await person();
    const { app, codes } = await withApp(owner);
    const { device } = await withPasskey(owner);
    const known = world.services.browsers.issue(owner.userId);
    let limited = 0;
    for (let at = 0; at < 12; at += 1) {
      const address = `198.51.100.${at}`;
      const { ceremonyId } = await pastPassword(world, 'owner', { address });
      for (let tries = 0; tries < 3; tries += 1)
        if (
          codeOf(await world.call('signIn.totp', { ceremonyId, code: app.code(9 + tries) }, { address })) ===
          'rate.limited'
        )
          limited += 1;
    }
    expect(limited).toBeGreaterThan(10);
    const elsewhere = { address: '203.0.113.9' };
    const { ceremonyId } = await pastPassword(world, 'owner', elsewhere);
    expect(codeOf(await world.call('signIn.totp', { ceremonyId, code: app.code() }, elsewhere))).toBe('rate.limited');
    // The ceremony is not lost by it: with the cookie of a browser that is known the same code is taken.
    expect(codeOf(await world.call('signIn.totp', { ceremonyId, code: app.code() }, { ...elsewhere, known }))).toBe(
      'ok',
    );
    const byCode = await pastPassword(world, 'owner', elsewhere);
    expect(
      codeOf(await world.call('signIn.recoveryCode', { ceremonyId: byCode.ceremonyId, code: codes![0] }, elsewhere)),
    ).toBe('ok');
    const byKey = await pastPassword(world, 'owner', elsewhere);
    const { options } = okay(
      await world.call('signIn.passkeySecondOptions', { ceremonyId: byKey.ceremonyId }, elsewhere),
    );
    expect(
      codeOf(
        await world.call(
          'signIn.passkeySecond',
          { ceremonyId: byKey.ceremonyId, response: device.signIn(options) },
          elsewhere,
        ),
      ),
    ).toBe('ok');
  });

  test('a copied cookie of a known browser gives a few guesses of its own, and skips nothing', async () => {
    const { world, owner } = await person();
    const { app } = await withApp(owner);
    const known = world.services.browsers.issue(owner.userId);
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password: wrong }, { known }))).toBe(
      'sign_in.failed',
    );
    expect((await pastPassword(world, 'owner', { known })).methods).toEqual(['totp', 'recovery-code']);
    expect(codeOf(await world.call('session.get', {}, { known }))).toBe('session.required');
    let taken = 0;
    for (let round = 0; round < 10; round += 1) {
      world.runtime.advance(10_000);
      const { ceremonyId } = await pastPassword(world, 'owner', { known });
      for (let tries = 0; tries < 4; tries += 1)
        if (
          codeOf(await world.call('signIn.totp', { ceremonyId, code: app.code(9 + tries) }, { known })) ===
          'sign_in.failed'
        )
          taken += 1;
    }
    expect(taken).toBe(20);
    // Of another person it is a stranger's.
    const guest = await world.invited(owner, 'guest');
    const theirs = world.services.browsers.issue(guest.userId);
    expect(codeOf(await world.call('signIn.password', { handle: 'owner', password: wrong }, { known: theirs }))).toBe(
      'sign_in.failed',
    );
  });

  test('[A4] absent accounts, wrong passwords and accounts with a second step give the same answer after the same work', async () => {
    const { world, owner } = await person();
    for (const [handle, prepare] of [
      ['plain', null],
      ['stepped', withApp],
      ['keyed', withPasskey],
    ] as const) {
      const peer = await world.invited(owner, handle);
      await prepare?.(peer);
    }
    const work: Record<string, unknown> = {};
    for (const handle of ['absent', 'plain', 'stepped', 'keyed']) {
      const spies = [
        vi.spyOn(Passwords.prototype, 'verify'),
        vi.spyOn(world.store.accounts, 'byHandle'),
        vi.spyOn(world.store.accounts, 'changeCredentials'),
        vi.spyOn(world.store.ceremonies, 'put'),
        vi.spyOn(world.store.sessions, 'create'),
        vi.spyOn(world.store.audit, 'append'),
      ];
      const { result, effect } = await world.call(
        'signIn.password',
        { handle, password: wrong },
        { address: `192.0.2.${handle.length}` },
      );
      work[handle] = [result, effect, spies.map((spy) => spy.mock.calls.length)];
      for (const spy of spies) spy.mockRestore();
    }
    expect(work['absent']).toEqual([{ ok: false, code: 'sign_in.failed' }, undefined, [1, 1, 0, 0, 0, 1]]);
    for (const handle of ['plain', 'stepped', 'keyed']) expect(work[handle]).toEqual(work['absent']);
  });
});

test('[A13] a sign-in that a change of the password overtook leaves no session', async () => {
  const { world, owner } = await person();
  const { create } = world.store.sessions;
  vi.spyOn(world.store.sessions, 'create').mockImplementationOnce(async (...given) => {
    const account = (await world.store.accounts.byId(owner.userId))!;
    await world.store.accounts.changeCredentials(
      owner.userId,
      account.credentialsVersion ?? 0,
      { ...account, passwordHash: 'another' },
      null,
    );
    await create.apply(world.store.sessions, given);
  });
  expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('sign_in.failed');
  expect(await world.store.sessions.ofUser(owner.userId)).toHaveLength(1);
  vi.restoreAllMocks();
});
