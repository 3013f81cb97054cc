/** Somebody takes their time over the recovery code: the passkey's ceremony ends meanwhile, and the account is made all the same. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ceremonyLifetimeMs } from '#protocol/limits.ts';
import { createEngine } from '../../../web/engine/client.ts';
import type { PasskeyCreated, Passkeys } from '../../../web/engine/ports.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import { Authenticator } from '../../harness/authenticator.ts';
import { refusal, until } from '../../harness/devices.ts';
import { MovedClock } from '../../harness/moved-clock.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

const clock = new MovedClock();
let server: TestServer;
const engines: HeadlessEngine[] = [];

beforeEach(async () => {
  clock.shiftMs = 0;
  server = await startServer({ runtime: clock.runtime });
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  await server.remove();
});

/** A person's authenticators, one for each time that they are asked; the last one signs in. `prf`: whether each has PRF. */
function asked(prf: readonly boolean[]) {
  const made: { readonly authenticator: Authenticator; readonly secret: Uint8Array<ArrayBuffer> | null }[] = [];
  const passkeys: Passkeys = {
    create: (options): Promise<PasskeyCreated> => {
      const authenticator = new Authenticator(server.origin);
      const secret = prf[made.length] === true ? new Uint8Array(randomBytes(32)) : null;
      made.push({ authenticator, secret });
      return Promise.resolve({ response: authenticator.register(options), credentialId: authenticator.credentialId, prf: secret });
    },
    get: (options) => {
      const last = made.at(-1);
      if (last === undefined) throw new Error('nobody was asked');
      return Promise.resolve({ response: last.authenticator.signIn(options), credentialId: last.authenticator.credentialId, prf: last.secret });
    },
  };
  return { made, passkeys };
}

async function engineOf(passkeys: Passkeys): Promise<HeadlessEngine> {
  const engine = await createEngine({ runtime: clock.over(systemRuntime), network: nodeNetwork(server.origin), store: openMemoryStore(), passkeys });
  engines.push(engine);
  await until(engine, ({ account }) => account.state !== 'starting');
  return engine;
}

const prepare = (engine: HeadlessEngine) =>
  engine.prepareAccount({ grant: { kind: 'setup', token: server.setupToken }, handle: 'ada', displayName: 'Ada', factor: { kind: 'passkey' }, deviceLabel: 'test' });

it('[A5] within its life a ceremony is enough: nobody is asked twice', async () => {
  const { made, passkeys } = asked([true]);
  const engine = await engineOf(passkeys);
  await prepare(engine);
  clock.shiftMs = ceremonyLifetimeMs - 30_000;
  await engine.finishAccount();
  expect(made).toHaveLength(1);
});

it.each([true, false])('[A5] [A3] after it the person confirms once more, and the codes that they wrote down open the vault (PRF: %s)', async (prf) => {
  const { made, passkeys } = asked([prf, prf]);
  const engine = await engineOf(passkeys);
  const { code, spare } = await prepare(engine);
  clock.shiftMs = 3 * ceremonyLifetimeMs;
  await engine.finishAccount();
  await engine.synced();
  expect(made).toHaveLength(2);
  for (const written of spare === null ? [code] : [code, spare]) {
    const other = await engineOf({ ...passkeys, get: async (options, salt) => ({ ...(await passkeys.get(options, salt)), prf: null }) });
    await other.signInWithPasskey('other');
    await until(other, ({ account }) => account.state === 'vault-locked');
    await other.unlockWithRecoveryCode(written);
    await until(other, ({ account }) => account.state === 'ready');
  }
  if (!prf) return;
  const byPasskey = await engineOf(passkeys);
  await byPasskey.signInWithPasskey('third');
  await until(byPasskey, ({ account }) => account.state === 'ready');
});

it('[A3] a second passkey that cannot open the vault does not stand in for one that can', async () => {
  const { made, passkeys } = asked([true, false, true]);
  const engine = await engineOf(passkeys);
  await prepare(engine);
  clock.shiftMs = 2 * ceremonyLifetimeMs;
  expect(await refusal(engine.finishAccount())).toBe('passkey.unsupported');
  // What was prepared stays: with an authenticator like the first one it goes on.
  await engine.finishAccount();
  expect(made).toHaveLength(3);
});
