/** Doors of signing in under the whole server: whoever comes from another page, or brings a session of their own. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CommandName, commands, isCommandName } from '#protocol/commands/index.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { codeOf, okay, password } from '../commands/world.ts';
import { withApp } from '../commands/factor-person.ts';
import { Served } from './served.ts';

let server: TestServer;
let world: Served;
beforeEach(async () => {
  server = await startServer();
  world = new Served(server);
});
afterEach(() => server.remove());

const from = async (command: CommandName, headers: Record<string, string>, input: unknown = {}) => {
  const sent = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(input),
  };
  const response = await fetch(`${server.origin}/api/v1/${command}`, sent);
  return { status: response.status, text: await response.text(), cookies: response.headers.getSetCookie() };
};
const doors = Object.keys(commands)
  .filter(isCommandName)
  .filter((name) => /^(?:signIn|passwordReset|session|password|passkey|totp|recoveryCodes|signInPolicy)\./.test(name));

test(
  '[O2] no page of another origin signs anybody in or out, or changes how they sign in',
  { timeout: 60_000 },
  async () => {
    const owner = await world.owner();
    const cookie = world.cookie(owner);
    expect(doors.length).toBeGreaterThan(25);
    const others = [
      'http://evil.example',
      'null',
      `${server.origin}.evil.example`,
      server.origin.replace('localhost', 'evil.localhost'),
    ];
    for (const name of doors)
      for (const origin of others) {
        const { status, text, cookies } = await from(name, { origin, cookie }, { handle: 'owner', password });
        expect([name, status, text, cookies]).toEqual([name, 403, '{"code":"origin.refused","detail":{}}', []]);
      }
    // Without any Origin no browser comes; with a cookie that is refused too.
    expect((await from('session.revokeAll', { cookie })).status).toBe(403);
    expect(codeOf(await owner.call('session.get', {}))).toBe('ok');
  },
);

// The helper's clock is a minute ahead of the server's when it is done: the code before its own is taken there.
test('[S2] a session that somebody brings is not adopted by any way of signing in', async () => {
  const owner = await world.owner();
  const { app } = await withApp(owner);
  const brought = `lanying=${'A'.repeat(64)}`;
  const first = await from(
    'signIn.password',
    { origin: server.origin, cookie: brought },
    { handle: 'owner', password },
  );
  expect([first.status, first.cookies]).toEqual([401, []]);
  const { detail } = JSON.parse(first.text) as { readonly detail: { readonly ceremonyId: string } };
  const theirs = world.cookie(owner);
  const second = await from(
    'signIn.totp',
    { origin: server.origin, cookie: theirs },
    { ceremonyId: detail.ceremonyId, code: app.code(-1) },
  );
  expect(second.status).toBe(200);
  const made = second.cookies.find((one) => one.startsWith('lanying='))?.split(';')[0];
  expect([brought, theirs]).not.toContain(made);
  expect((await from('session.get', { origin: server.origin, cookie: brought })).status).toBe(401);
  expect((await from('session.get', { origin: server.origin, cookie: made ?? '' })).status).toBe(200);
});

test('[A11] [A12] what was used stays used, and what was limited stays set up, across a restart', async () => {
  const owner = await world.owner();
  const { app, codes } = await withApp(owner);
  const sign = async (command: 'signIn.totp' | 'signIn.recoveryCode', code: string) => {
    const { text } = await from('signIn.password', { origin: server.origin }, { handle: 'owner', password });
    const { detail } = JSON.parse(text) as { readonly detail: { readonly ceremonyId: string } };
    return (await from(command, { origin: server.origin }, { ceremonyId: detail.ceremonyId, code })).status;
  };
  const typed = app.code(-1);
  expect([await sign('signIn.totp', typed), await sign('signIn.recoveryCode', codes![0]!)]).toEqual([200, 200]);
  await server.restart();
  expect([await sign('signIn.totp', typed), await sign('signIn.recoveryCode', codes![0]!)]).toEqual([401, 401]);
  expect(await sign('signIn.recoveryCode', codes![1]!)).toBe(200);
  const { totp, recoveryCodes } = okay(await owner.call('factor.list', {}));
  expect([totp === null, recoveryCodes?.left]).toEqual([false, 8]);
});
