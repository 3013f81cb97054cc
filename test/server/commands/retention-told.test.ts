/** What people and administrators are told about what is kept. */
import { expect, test } from 'vitest';
import { codeOf, okay, World } from './world.ts';

test('[R8] everybody is told the rules for everywhere, and administrators alone all of them', async () => {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  expect(okay(await guest.call('retention.rules', {})).rules).toEqual([]);
  okay(await owner.call('retention.set', { class: 'messages', conversationId: null, days: 90 }));
  expect(okay(await guest.call('retention.rules', {})).rules).toEqual([{ class: 'messages', days: 90 }]);
  expect(codeOf(await guest.call('retention.get', {}))).toBe('permission.denied');
});

test('[T3] administrators are told of a clock that keeps erasing waiting, until it is right again', async () => {
  const world = new World();
  const owner = await world.owner();
  await world.services.clock.begin();
  const told = async (): Promise<number | null> => {
    const session = await world.sessionOf(owner.sessionId);
    return okay(await owner.call('retention.get', {}, { session })).clockAheadMs;
  };
  expect(await told()).toBeNull();
  world.runtime.advance(8 * 86_400_000);
  expect(await told()).toBe(8 * 86_400_000);
  await world.services.clock.keep();
  expect(await told()).toBeNull();
});
