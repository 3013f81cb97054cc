/** Strangers at the door of the whole server. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestServer } from '../../harness/server.ts';
import { codeOf, okay, password } from '../commands/world.ts';
import { type Served, served } from './served.ts';

let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served()));
afterEach(() => server.remove());

test('[A2] of racing uses of an invite over HTTP one makes an account, and the others leave nothing behind', async () => {
  const owner = await world.owner();
  const { token } = okay(await owner.call('invite.create', {}));
  const rivals = await Promise.all(['one', 'two', 'three'].map((handle) => world.stranger(handle)));
  const codes = await Promise.all(rivals.map(async (peer) => codeOf(await world.call('account.create', peer.accountInput({ kind: 'invite', token })))));
  expect(codes.toSorted()).toEqual(['invite.used', 'invite.used', 'ok']);
  const { people } = okay(await owner.call('people.list', {}));
  expect(new Set(people.map(({ handle }) => handle))).toEqual(new Set([rivals[codes.indexOf('ok')]?.handle, 'owner']));
  expect(people).toHaveLength(2);
  await server.restart();
  expect(codeOf(await world.call('invite.check', { grant: { kind: 'invite', token } }))).toBe('invite.used');
});

test('[A6] a guesser is told how long to wait, in seconds and milliseconds; who is signed in goes on', async () => {
  const owner = await world.owner();
  const guess = () => server.post('signIn.password', { handle: 'owner', password: 'not the password at all' });
  for (let tries = 0; tries < 8; tries += 1) expect(await guess()).toMatchObject({ status: 401, body: { code: 'sign_in.failed' } });
  const limited = await guess();
  expect(limited).toMatchObject({ status: 429, body: { code: 'rate.limited' } });
  expect(limited.body).toHaveProperty('detail.retryAfterMs');
  const seconds = Number(limited.headers.get('retry-after'));
  expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30).toBe(true);
  expect(limited.cookie).toBeNull();
  expect(okay(await owner.call('session.get', {})).person.handle).toBe('owner');
});

test('[A6] guesses of invite tokens are limited by address', async () => {
  await world.owner();
  const check = (at: number) => server.post('invite.check', { grant: { kind: 'invite', token: `a-token-that-nobody-made-${at}-0123456789` } });
  const statuses: number[] = [];
  let retryAfter: string | null = null;
  for (let at = 0; at < 60 && retryAfter === null; at += 1) {
    const { status, headers } = await check(at);
    statuses.push(status);
    retryAfter = headers.get('retry-after');
  }
  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1).every((status) => status === 404)).toBe(true);
  expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
});

test('[S2] a well-formed cookie that a client brings is never adopted, nor is a live one signed over', async () => {
  const planted = `lanying=${Buffer.alloc(48, 7).toString('base64url')}`;
  const stranger = await world.stranger('owner');
  const created = await server.post('account.create', stranger.accountInput({ kind: 'setup', token: server.setupToken }), planted);
  expect(created.status).toBe(200);
  expect(created.cookie).not.toBe(planted);
  expect(await server.post('session.get', {}, planted)).toMatchObject({ status: 401, body: { code: 'session.required' } });
  const signIn = await server.post('signIn.password', { handle: 'owner', password }, created.cookie);
  expect(signIn.status).toBe(200);
  expect(signIn.cookie).not.toBe(created.cookie);
  const ids = await Promise.all([created, signIn].map(async ({ cookie }) => (await server.post('session.get', {}, cookie)).body));
  expect(ids[0]).toHaveProperty('deviceId', stranger.deviceId);
  expect(ids[1]).toHaveProperty('deviceId', null);
  const failed = await server.post('signIn.password', { handle: 'owner', password: 'not the password at all' }, planted);
  expect([failed.status, failed.cookie]).toEqual([401, null]);
});
