/** Factors and sessions through the SDK, with a real authenticator app. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { type Client, signIn } from '../../../web/sdk/index.ts';
import { refusal } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { fromBase32, totpCode } from '../../harness/totp.ts';

let laterMs = 0;
let server: TestServer;
const clients: Client[] = [];
beforeEach(async () => {
  laterMs = 0;
  server = await startServer({ runtime: { ...systemRuntime, now: () => systemRuntime.now() + laterMs } });
  clients.push(await makeOwner(server, 'owner'));
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.remove();
});

it('[A11] [A13] [A14] [S6] a bot with an authenticator app: set up, signed in, proven, ended', async () => {
  const [owner] = clients;
  const { id, secret } = await owner!.account.beginTotp();
  const code = (): string => totpCode(fromBase32(secret), systemRuntime.now() + laterMs);
  expect((await owner!.account.confirmTotp(id, code())).recoveryCodes).toHaveLength(10);
  laterMs += 60_000;
  const who = { origin: server.origin, handle: 'owner', password: passwordOf('owner') };
  expect(await refusal(signIn(who))).toBe('second_step.required');
  const asked: (readonly string[])[] = [];
  const bot = await signIn({
    ...who,
    recoveryCode: owner!.recoveryCode!,
    secondStep: (methods) => (asked.push(methods), { kind: 'totp', code: code() }),
  });
  clients.push(bot);
  expect(asked).toEqual([['totp', 'recovery-code']]);
  expect((await bot.account.sessions()).map(({ current, factor }) => [current, factor])).toEqual([
    [true, 'password+totp'],
    [false, 'account'],
  ]);
  laterMs += 11 * 60_000;
  expect(await refusal(bot.account.removeTotp())).toBe('step_up.required');
  expect(await refusal(bot.account.prove({ password: who.password }))).toBe('step_up.failed');
  await bot.account.prove({ password: who.password, code: code() });
  await bot.account.removeTotp();
  expect(await bot.account.factors()).toMatchObject({ totp: null, recoveryCodes: null, secondStep: false });
  expect(await refusal(bot.account.changePassword('aaaaaaaaaaaaaaaaaaaa'))).toBe('password.weak');
  await bot.account.changePassword('something altogether different');
  expect((await bot.account.sessions()).map(({ current }) => current)).toEqual([true]);
  expect(await bot.account.endOtherSessions()).toBe(0);
  expect(await refusal(signIn(who))).toBe('sign_in.failed');
});
