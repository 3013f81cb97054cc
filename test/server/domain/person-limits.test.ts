import { expect, it } from 'vitest';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import { idFromBytes, type UserId } from '#protocol/ids.ts';
import { bucketsMax, claimUsersMax, personAllowances } from '#protocol/limits.ts';
import { kindOf, PersonLimits } from '../../../server/domain/person-limits.ts';
import { RateLimit } from '../../../server/domain/rate-limits.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

const person = (at: number): UserId => idFromBytes<UserId>(new Uint8Array(16).fill(at));
const drained = (limits: PersonLimits, userId: UserId, name: CommandName): number => {
  let taken = 0;
  while (limits.take(userId, name, null) === null) taken += 1;
  return taken;
};

it('[Q1] every command of a signed-in person is limited by account', () => {
  const open = Object.entries(commands).filter(([name, row]) => row.who !== 'anyone' && kindOf(name) === null);
  expect(open.map(([name]) => name)).toEqual([]);
});

it('[Q1] who used up a kind is told how long to wait; other kinds and other people go on', () => {
  const runtime = new FakeRuntime();
  const limits = new PersonLimits(runtime, { invites: { burst: 3, refillMs: 2_000 } });
  expect(drained(limits, person(1), 'invite.create')).toBe(3);
  expect(limits.take(person(1), 'invite.create', null)).toEqual({
    ok: false,
    code: 'rate.limited',
    detail: { retryAfterMs: 2_000 },
  });
  expect(limits.take(person(1), 'conversation.send', null)).toBeNull();
  expect(limits.take(person(2), 'invite.create', null)).toBeNull();
  runtime.advance(1_500);
  expect(limits.take(person(1), 'invite.create', null)?.detail?.retryAfterMs).toBe(500);
  runtime.advance(500);
  expect(limits.take(person(1), 'invite.create', null)).toBeNull();
});

it('[Q1] a claim costs as much as the people whose packages it uses up', () => {
  const limits = new PersonLimits(new FakeRuntime());
  const userIds = Array.from({ length: claimUsersMax }, (_, at) => person(at));
  let claimed = 0;
  while (limits.take(person(200), 'keyPackage.claim', { userIds, suite: 1, except: [] }) === null)
    claimed += userIds.length;
  expect(claimed).toBe(personAllowances.claims.burst);
});

it('[Q1] talk at human speeds and a bot at 500 sends a second are never refused', () => {
  const runtime = new FakeRuntime();
  const limits = new PersonLimits(runtime);
  for (let sent = 0; sent < 60_000; sent += 1) {
    runtime.advance(2);
    if (limits.take(person(1), 'conversation.send', null) !== null) throw new Error(`refused after ${sent}`);
  }
  expect(drained(limits, person(1), 'conversation.send')).toBeGreaterThanOrEqual(personAllowances.sends.burst - 1);
});

it('[Q1] buckets are bounded, however many keys there are', () => {
  const limit = new RateLimit(new FakeRuntime(), { burst: 1, refillMs: 1_000 });
  for (let key = 0; key < bucketsMax + 5_000; key += 1) limit.take(`key ${key}`);
  expect(limit.size).toBe(bucketsMax);
});
