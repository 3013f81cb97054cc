/** Somebody who guesses passwords all day, at the very address of the people whose accounts they want. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestServer } from '../../harness/server.ts';
import { password } from '../commands/world.ts';
import { type Served, served } from './served.ts';

let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served()));
afterEach(() => server.remove());

const wrong = 'not the password at all';
const signIn = (handle: string, tried: string, cookie: string | null = null) =>
  server.post('signIn.password', { handle, password: tried }, cookie);
/** The cookie that stays when the session ends. */
async function knownCookie(handle: string): Promise<string> {
  const { headers } = await signIn(handle, password);
  const known = headers.getSetCookie().find((cookie) => cookie.startsWith('lanying-known='));
  return known?.split(';')[0] ?? '';
}

test(
  '[Q5] whoever guesses at the same address keeps out neither a known browser nor a passkey',
  { timeout: 60_000 },
  async () => {
    const owner = await world.owner();
    await world.invited(owner, 'guest');
    const [mine, theirs] = [await knownCookie('owner'), await knownCookie('guest')];
    let limited = 0;
    for (let tries = 0; tries < 400; tries += 1)
      if ((await signIn(tries % 2 === 0 ? 'owner' : `nobody${tries}`, wrong)).status === 429) limited += 1;
    expect(limited).toBeGreaterThan(300);
    // Nothing is left at this address, for the handle or at all; what is already signed in goes on.
    expect((await signIn('owner', password)).status).toBe(429);
    expect((await signIn('guest', password)).status).toBe(429);
    expect((await owner.call('session.get', {})).result.ok).toBe(true);
    expect((await signIn('owner', password, mine)).status).toBe(200);
    expect((await server.post('signIn.passkeyOptions', {})).status).toBe(200);
    // Somebody else's known browser is a stranger's.
    expect((await signIn('owner', password, theirs)).status).toBe(429);
    // Its own guesses are few as well, and are told how long to wait.
    const statuses: number[] = [];
    for (let tries = 0; tries < 14; tries += 1) statuses.push((await signIn('owner', wrong, mine)).status);
    expect(statuses.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => 401));
    expect(statuses.at(-1)).toBe(429);
    expect((await signIn('guest', password, theirs)).status).toBe(200);
  },
);

test('[Q5] a token that was altered, cut or made up is a stranger’s', async () => {
  await world.owner();
  const known = await knownCookie('owner');
  for (let tries = 0; tries < 9; tries += 1) await signIn('owner', wrong);
  const value = known.slice('lanying-known='.length);
  const flipped = `${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`;
  for (const forged of [flipped, value.slice(0, -4), '', 'x'.repeat(value.length)]) {
    expect((await signIn('owner', password, `lanying-known=${forged}`)).status).toBe(429);
  }
  expect((await signIn('owner', password, known)).status).toBe(200);
});
