/** The whole server: real door, commands, LevelDB. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { encodeCertificateBody, joinCertificate, signedBytes } from '#protocol/certificate.ts';
import { commands, type Input } from '#protocol/commands/index.ts';
import { bytesOfId, type DeviceId, idFromBytes, type UnlockerId, type UserId } from '#protocol/ids.ts';
import { outputFromJson } from '../../server/commands/json.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { randomId, type TestSocket } from '../harness/door.ts';
import { startServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)), privateKey };
}

/** An account with a real certificate, and no key packages, so that no MLS is needed here. */
function newAccount(): { readonly account: Input<'account.create'>; readonly deviceKey: KeyObject } {
  const [identity, device] = [keyPair(), keyPair()];
  const [userId, deviceId] = [randomId<UserId>(), randomId<DeviceId>()];
  const now = systemRuntime.now();
  const body = encodeCertificateBody({
    userId, deviceId, deviceKey: device.publicKey, issuedAt: now - 1_000, expiresAt: now + 86_400_000, identityKey: identity.publicKey,
  });
  const certificate = joinCertificate(body, new Uint8Array(sign(null, signedBytes(body), identity.privateKey)));
  const unlocker = () => ({
    unlockerId: idFromBytes<UnlockerId>(systemRuntime.random(16)), kind: 'recovery-code' as const, credentialId: '', wrapped: new Uint8Array(48),
  });
  const account: Input<'account.create'> = {
    grant: { kind: 'setup', token: server.setupToken },
    userId,
    handle: 'ada',
    displayName: 'Ada',
    factor: { kind: 'password', password: 'a long enough password' },
    identityKey: identity.publicKey,
    device: { deviceId, certificate, label: 'test' },
    keyPackages: [],
    vault: { sealed: new Uint8Array(64), unlockers: [unlocker(), unlocker()] },
  };
  return { account, deviceKey: device.privateKey };
}

function answered(frame: Awaited<ReturnType<TestSocket['call']>>): unknown {
  if (frame.kind !== 'answer') throw new Error(frame.code);
  return frame.output;
}

test('[F6] the document is served and names every command', async () => {
  const document = v.parse(v.object({ openapi: v.string(), paths: v.record(v.string(), v.unknown()) }), await (await fetch(`${server.origin}/api/v1/openapi.json`)).json());
  expect(document.openapi).toMatch(/^3\.1/);
  const named = Object.keys(document.paths).map((path) => path.replace('/api/v1/', ''));
  expect(named.filter((path) => !path.startsWith('files')).toSorted()).toEqual(Object.keys(commands).toSorted());
  expect(named).toContain('files/{fileId}');
});

test('[F3] an unknown field is refused by its path', async () => {
  expect(await server.post('server.info', { extra: 1 })).toMatchObject({ status: 400, body: { code: 'input.invalid', detail: { field: 'extra' } } });
});

test('[S2] [S3] [F5] set up, over HTTP and socket at once, sign out, sign in anew, across a restart', async () => {
  expect(await server.post('server.info', {})).toMatchObject({ status: 200, body: { setupNeeded: true, origin: server.origin } });
  const { account } = newAccount();
  const created = await server.post('account.create', account, 'lanying=brought-by-the-client');
  expect(created).toMatchObject({ status: 200 });
  const { cookie } = created;
  if (cookie === null) throw new Error('no cookie was set');
  expect(cookie).not.toContain('brought');
  expect(await server.post('server.info', {})).toMatchObject({ body: { setupNeeded: false } });

  const socket = await server.socket(cookie);
  expect(socket.frames[0]).toMatchObject({ name: 'ready', payload: { userId: account.userId, deviceId: account.device.deviceId } });
  const bySocket = await socket.call('vault.get', {});
  const byHttp = await server.post('vault.get', {}, cookie);
  expect(byHttp.status).toBe(200);
  expect(bySocket).toMatchObject({ kind: 'answer', output: outputFromJson('vault.get', byHttp.body) });

  await server.restart();
  expect(await socket.closeCode()).toBe(1001);
  expect(await server.post('session.get', {}, cookie)).toMatchObject({ status: 200, body: { person: { handle: 'ada', role: 'owner' } } });
  const again = await server.socket(cookie);
  const ended = await server.post('session.end', {}, cookie);
  expect(ended.cookie).toBe('lanying=');
  expect(await again.closeCode()).toBe(4001);
  expect(again.events('sessionEnded')).toEqual([{ reason: 'signed_out' }]);
  expect(await server.post('session.get', {}, cookie)).toMatchObject({ status: 401, body: { code: 'session.required' } });

  const back = await server.post('signIn.password', { handle: 'ada', password: 'a long enough password' });
  expect(back.status).toBe(200);
  expect(back.cookie).not.toBe(cookie);
  const log = server.logLines.join('');
  for (const secret of [server.setupToken, 'ada', 'long enough', cookie, account.userId, '127.0.0.1']) expect(log).not.toContain(secret);
});

test('[S4] a session that signed in becomes a device by the signature of its key, on its open socket at once', async () => {
  const { account, deviceKey } = newAccount();
  const { deviceId } = account.device;
  await server.post('account.create', account);
  const { cookie } = await server.post('signIn.password', { handle: 'ada', password: 'a long enough password' });
  if (cookie === null) throw new Error('no cookie was set');
  const socket = await server.socket(cookie);
  expect(socket.frames[0]).toMatchObject({ payload: { deviceId: null } });
  expect(await socket.call('keyPackage.counts', {})).toMatchObject({ kind: 'refusal', code: 'device.required' });

  const { sessionId } = v.parse(commands['session.get'].output, answered(await socket.call('session.get', {})));
  const { challenge } = v.parse(commands['device.challenge'].output, answered(await socket.call('device.challenge', {})));
  const signed = Buffer.concat([Buffer.from('lanying attach 1'), bytesOfId(sessionId), bytesOfId(deviceId), challenge]);
  const attach = { deviceId, challenge, signature: new Uint8Array(sign(null, signed, deviceKey)) };
  expect(await socket.call('device.attach', attach)).toMatchObject({ kind: 'answer', output: { deviceId } });
  expect(await socket.call('keyPackage.counts', {})).toMatchObject({ kind: 'answer' });
  expect(await socket.call('device.attach', attach)).toMatchObject({ kind: 'refusal', code: 'ceremony.expired' });
});

test('nonsense on every command gets a typed refusal and leaves the server alive', async () => {
  for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
    for (const input of [null, 7, 'x', [], [[]], { conversationId: '../..' }, { constructor: 1 }]) {
      const { status, body } = await server.post(name, input);
      expect([400, 401, 429], `${name} ${JSON.stringify(input)}`).toContain(status);
      expect(body).toHaveProperty('code');
    }
  }
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
});
