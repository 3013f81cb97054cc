/** Ending sessions under the whole server: open sockets, frames that wait, cookies. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuse } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import { pagesRunningMax, requestsInFlightMax } from '#protocol/limits.ts';
import type { Router } from '../../../server/session/seam.ts';
import { deferred, openDoor, randomId } from '../../harness/door.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { codeOf, okay } from '../commands/world.ts';
import { Served } from './served.ts';

let server: TestServer;
let world: Served;
beforeEach(async () => {
  server = await startServer();
  world = new Served(server);
});
afterEach(() => server.remove());

test('[S6] from the answer on the sockets of a revoked session are closed, and what they send changes nothing', async () => {
  const owner = await world.owner();
  const second = await world.secondDevice(owner);
  const theirs = await server.socket(world.cookie(second));
  const mine = await server.socket(world.cookie(owner));
  okay(await owner.call('session.revoke', { sessionId: second.sessionId }));
  for (let times = 0; times < 20; times += 1) theirs.send('invite.create', {});
  expect(await theirs.closeCode()).toBe(4001);
  expect(okay(await owner.call('invite.list', {})).invites).toEqual([]);
  expect(codeOf(await second.call('session.get', {}))).toBe('session.required');
  expect(
    await server.socket(world.cookie(second)).then(
      () => 'open',
      (cause: unknown) => String(cause),
    ),
  ).toContain('session.required');
  expect((await mine.call('session.ping', {})).kind).toBe('answer');
});

test('[S6] frames that wait in the queue of a socket are not run once its session has ended', async () => {
  const gate = deferred();
  let ran = 0;
  const router: Router = {
    call: async () => {
      ran += 1;
      await gate.opened;
      return { result: refuse('conversation.unknown') };
    },
  };
  const door = await openDoor({ router });
  try {
    const { cookie, session } = door.signIn(randomId<UserId>());
    const socket = await door.socket(cookie);
    for (let times = 0; times < requestsInFlightMax; times += 1) socket.send('conversation.list', {});
    // Answered only once the frames before it were read: one more than may wait.
    expect(await socket.call('session.ping', {})).toMatchObject({
      kind: 'refusal',
      code: 'command.too_many_in_flight',
    });
    expect(ran).toBe(pagesRunningMax);
    door.bus.publish({ kind: 'sessionEnded', sessionId: session.sessionId, reason: 'revoked' });
    gate.open();
    expect(await socket.closeCode()).toBe(4001);
    expect(ran).toBe(pagesRunningMax);
  } finally {
    await door.stop();
  }
});

test('[S6] ending all others leaves the one that asks, ending all takes its cookie too', async () => {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const others = [await world.secondDevice(owner), await world.secondDevice(owner)];
  const sockets = await Promise.all(others.map((other) => server.socket(world.cookie(other))));
  expect(okay(await owner.call('session.revokeOthers', {}))).toEqual({ ended: 2 });
  expect(await Promise.all(sockets.map((socket) => socket.closeCode()))).toEqual([4001, 4001]);
  const last = await server.socket(world.cookie(owner));
  const { status, headers } = await server.post('session.revokeAll', {}, world.cookie(owner));
  expect(status).toBe(200);
  expect(headers.getSetCookie().some((cookie) => /^lanying=;.*Max-Age=0/.test(cookie))).toBe(true);
  expect(await last.closeCode()).toBe(4001);
  expect(codeOf(await owner.call('session.get', {}))).toBe('session.required');
  expect(codeOf(await guest.call('session.get', {}))).toBe('ok');
});
