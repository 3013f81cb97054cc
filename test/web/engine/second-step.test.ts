/** Signing in by two steps and proving afresh, from a person's own client over the whole server. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LanyingError } from '../../../web/engine/api.ts';
import { createEngine } from '../../../web/engine/client.ts';
import type { Passkeys } from '../../../web/engine/ports.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import { systemRuntime as serverRuntime } from '../../../server/ops/system-runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { Authenticator } from '../../harness/authenticator.ts';
import { join, refusal, until } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { fromBase32, totpCode } from '../../harness/totp.ts';

let laterMs = 0;
let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];

/** A person's authenticator, the same in every browser of theirs (a synced passkey), with PRF. */
function authenticator(): Passkeys {
  const device = new Authenticator(server.origin);
  const prf = new Uint8Array(randomBytes(32));
  return {
    create: (options) =>
      Promise.resolve({ response: device.register(options), credentialId: device.credentialId, prf }),
    get: (options) => Promise.resolve({ response: device.signIn(options), credentialId: device.credentialId, prf }),
  };
}
async function browser(passkeys: Passkeys): Promise<HeadlessEngine> {
  const engine = await createEngine({
    runtime: systemRuntime,
    network: nodeNetwork(server.origin),
    store: openMemoryStore(),
    passkeys,
  });
  engines.push(engine);
  await until(engine, ({ account }) => account.state !== 'starting');
  return engine;
}

beforeEach(async () => {
  laterMs = 0;
  server = await startServer({ runtime: { ...serverRuntime, now: () => serverRuntime.now() + laterMs } });
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

const methodsOf = async (signingIn: Promise<void>): Promise<readonly string[] | undefined> =>
  signingIn.then(
    () => undefined,
    (cause: unknown) =>
      cause instanceof LanyingError && cause.code === 'second_step.required' ? cause.detail.methods : [String(cause)],
  );

it('[A13] [A11] [A12] an app is set up, and then its code or a recovery code signs in behind the password', async () => {
  const passkeys = authenticator();
  const here = await browser(passkeys);
  await join(here, 'ada', (await owner.createInvite()).link);
  const { ceremonyId, secret } = await here.ask('totp.begin', {});
  const code = (): string => totpCode(fromBase32(secret), serverRuntime.now() + laterMs);
  const { recoveryCodes } = await here.ask('totp.confirm', { ceremonyId, code: code() });
  laterMs += 60_000;
  const there = await browser(passkeys);
  const password = () => methodsOf(there.signInWithPassword('ada', passwordOf('ada'), 'there'));
  expect(await refusal(there.signInSecondStep({ kind: 'totp', code: code() }))).toBe('ceremony.expired');
  expect(await password()).toEqual(['totp', 'recovery-code']);
  expect(there.snapshot().account.state).toBe('signed-out');
  expect(
    await refusal(
      there.signInSecondStep({ kind: 'totp', code: totpCode(fromBase32(secret), serverRuntime.now() + laterMs, 9) }),
    ),
  ).toBe('sign_in.failed');
  const typed = code();
  await there.signInSecondStep({ kind: 'totp', code: `${typed.slice(0, 3)} ${typed.slice(3)}` });
  await until(there, ({ account }) => account.state === 'vault-locked');
  await there.signOut(false);
  // The server was killed meanwhile or not: a code that was used stays used.
  await server.restart();
  expect(await password()).toEqual(['totp', 'recovery-code']);
  expect(await refusal(there.signInSecondStep({ kind: 'totp', code: typed }))).toBe('sign_in.failed');
  await there.signInSecondStep({ kind: 'recovery-code', code: recoveryCodes![0]! });
  await until(there, ({ account }) => account.state === 'vault-locked');
});

it('[A9] [A13] [A14] a passkey that is added signs in as the second step, opens the vault, and proves afresh', async () => {
  const passkeys = authenticator();
  const here = await browser(passkeys);
  await join(here, 'ada', (await owner.createInvite()).link);
  laterMs += 11 * 60_000;
  expect(await refusal(here.addPasskey('Phone'))).toBe('step_up.required');
  await here.ask('session.stepUp', { proof: { kind: 'password', password: passwordOf('ada') } });
  const added = await here.addPasskey('Phone');
  expect([added.opensVault, added.recoveryCodes?.length]).toEqual([true, 10]);
  const there = await browser(passkeys);
  expect(await methodsOf(there.signInWithPassword('ada', passwordOf('ada'), 'there'))).toEqual([
    'passkey',
    'recovery-code',
  ]);
  await there.signInSecondStep({ kind: 'passkey' });
  await until(there, ({ account }) => account.state === 'ready');
  laterMs += 11 * 60_000;
  expect(await refusal(there.ask('recoveryCodes.remake', {}))).toBe('step_up.required');
  await there.stepUpWithPasskey();
  expect((await there.ask('recoveryCodes.remake', {})).recoveryCodes).toHaveLength(10);
  expect(await refusal(here.ask('recoveryCodes.remake', {}))).toBe('step_up.required');
});

it('[A17] a session that has something to do first says so, and goes on by itself once it is done', async () => {
  const admin = await browser(authenticator());
  await admin.signInWithPassword('owner', passwordOf('owner'), 'office').catch(() => undefined);
  await until(admin, ({ account, connection }) => account.state === 'vault-locked' && connection.state === 'online');
  const passkeys = authenticator();
  const here = await browser(passkeys);
  await join(here, 'ada', (await owner.createInvite()).link);
  const { version, policy } = await admin.ask('signInPolicy.get', {});
  const member = { ...policy.roles.member, secondStep: 'required' as const };
  await admin.ask('signInPolicy.set', { version, policy: { ...policy, roles: { ...policy.roles, member } } });
  const there = await browser(passkeys);
  await there.signInWithPassword('ada', passwordOf('ada'), 'there');
  await until(there, ({ must }) => must === 'add_second_step');
  expect(there.snapshot().account.state).toBe('starting');
  expect((await there.ask('signInPolicy.mine', {})).rules.secondStep).toBe('required');
  expect((await there.addPasskey('Phone')).recoveryCodes).toHaveLength(10);
  await until(there, ({ account, must }) => account.state === 'vault-locked' && must === undefined);
});
