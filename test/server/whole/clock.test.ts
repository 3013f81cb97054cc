/** A clock that jumps, under the whole server. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MovedClock } from '../../harness/moved-clock.ts';
import type { TestServer } from '../../harness/server.ts';
import { codeOf, joined, okay, talk, value } from '../commands/world.ts';
import { type Served, served } from './served.ts';

const dayMs = 86_400_000;
const clock = new MovedClock();
let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served(clock)));
afterEach(() => server.remove());

async function talking() {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId } = await talk(world, owner, [guest]);
  await joined(guest, conversationId);
  const say = async (word: string): Promise<void> => {
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    const seen = { sequence: conversation.headSequence, hash: conversation.headHash };
    okay(
      await owner.call('conversation.send', { conversationId, kind: 'message', message: owner.message(1, seen, word) }),
    );
  };
  const entries = async () => {
    const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
    const { headSequence } = conversation;
    const { page } = okay(await owner.call('log.read', { conversationId, before: headSequence + 1, limit: 100 }));
    return page.entries;
  };
  return { owner, conversationId, say, entries };
}

test('[T1] back a day and forward again: sequence numbers go on without a gap and sent times never go back, across a restart too', async () => {
  const { say, entries } = await talking();
  await say('now');
  clock.shiftMs -= dayMs;
  await say('a day ago');
  await server.restart();
  await say('a day ago, after a restart');
  clock.shiftMs += 3 * dayMs;
  await say('in two days');
  const log = await entries();
  expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, at) => (log[0]?.sequence ?? 0) + at));
  const times = log.map(({ sentAt }) => sentAt);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect((times.at(-1) ?? 0) - (times.at(-2) ?? 0)).toBeGreaterThan(dayMs);
});

test('[T1] [T3] a year ahead signs people out and erases nothing, also at a start; set right, everybody is in again and everything is there', async () => {
  const { owner, say, entries } = await talking();
  await say('kept');
  okay(await owner.call('retention.set', { class: 'messages', conversationId: null, days: 30 }));
  const before = await entries();
  clock.shiftMs += 365 * dayMs;
  expect(codeOf(await owner.call('session.get', {}))).toBe('session.required');
  // What came due while it was down is looked at when it starts: the purge and the sweeps.
  await server.restart();
  const held = async (): Promise<string> => (await fetch(`${server.origin}/metrics`)).text();
  await expect.poll(held).toMatch(/lanying_jobs_held_total\{job="purge"\} 1/);
  expect(await held()).toMatch(/lanying_jobs_held_total\{job="sweep-expired-sessions"\} 1/);
  clock.shiftMs = 0;
  await server.restart();
  expect(await entries()).toEqual(before);
  okay(await owner.call('session.get', {}));
  expect(value(before.at(-1)).kind).toBe('message');
});

test('[T3] a purge that a person asks for runs, whatever the clock was, and confirms it', async () => {
  const { owner, say } = await talking();
  await say('old');
  okay(await owner.call('retention.set', { class: 'messages', conversationId: null, days: 2 }));
  clock.shiftMs += 20 * dayMs;
  await server.restart();
  await expect
    .poll(async () => (await fetch(`${server.origin}/metrics`)).text())
    .toMatch(/lanying_jobs_held_total\{job="purge"\} 1/);
  expect(okay(await owner.call('retention.run', {})).receipt).not.toBeNull();
  clock.shiftMs += dayMs;
  await server.restart();
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  expect(metrics).not.toMatch(/lanying_jobs_held_total\{job="purge"\}/);
});
