/** Making an account takes a person minutes: what they typed and wrote down survives a step back. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LanyingError } from '../../../web/engine/api.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { engineOver, until } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

const refusal = (cause: unknown): string => (cause instanceof LanyingError ? cause.code : String(cause));

it('a handle that is taken costs neither the invite nor the recovery codes that were written down', async () => {
  const ada = await makeOwner(server, 'ada');
  const { link } = await ada.createInvite();
  const grant = { kind: 'invite', token: new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '' } as const;
  const engine = await engineOver(nodeNetwork(server.origin), openMemoryStore());
  const input = (handle: string) => ({ grant, handle, displayName: 'Bob', factor: { kind: 'password', password: passwordOf('bob') }, deviceLabel: 'test' }) as const;
  expect(await engine.checkHandle(grant, 'ada').catch(refusal)).toBe('handle.taken');
  expect(await engine.prepareAccount(input('ada')).catch(refusal)).toBe('handle.taken');

  await engine.checkHandle(grant, 'bob');
  const shown = await engine.prepareAccount(input('bob'));
  // Somebody else is quicker while the codes are being written down.
  const rival = await ada.createInvite();
  const other = await engineOver(nodeNetwork(server.origin), openMemoryStore());
  const rivals = { kind: 'invite', token: new URLSearchParams(new URL(rival.link).hash.slice(1)).get('token') ?? '' } as const;
  await other.prepareAccount({ ...input('bob'), grant: rivals });
  await other.finishAccount();
  expect(await engine.finishAccount().catch(refusal)).toBe('handle.taken');

  expect(await engine.prepareAccount(input('bob.two'))).toEqual(shown);
  expect((await engine.finishAccount()).handle).toBe('bob.two');
  const second = await engineOver(nodeNetwork(server.origin), openMemoryStore());
  await second.signInWithPassword('bob.two', passwordOf('bob'), 'test');
  await until(second, ({ account }) => account.state === 'vault-locked');
  await second.unlockWithRecoveryCode(shown.spare ?? '');
  expect(second.snapshot().account.state).toBe('ready');
  await Promise.all([ada.close(), engine.close(), other.close(), second.close()]);
});
