/** The short form of `npm run torture`. */
import { expect, test } from 'vitest';
import { checkLog, torture } from '../../../scripts/torture/torture.ts';

const entry = (id: string, sequence: number) => ({ id, sequence });

test('[L5] the comparison sees what is lost, moved, doubled or left out', () => {
  const log = [entry('a', 1), entry('b', 2), entry('c', 3)];
  const acknowledged = new Map([
    ['b', 2],
    ['c', 3],
  ]);
  expect(() => checkLog(log, acknowledged)).not.toThrow();
  expect(() => checkLog(log.slice(0, 2), acknowledged)).toThrow('lost');
  expect(() => checkLog([entry('a', 1), entry('c', 2), entry('b', 3)], acknowledged)).toThrow('moved');
  expect(() => checkLog([...log, entry('b', 4)], acknowledged)).toThrow('doubled');
  expect(() => checkLog([entry('a', 1), entry('b', 2), entry('c', 4)], acknowledged)).toThrow('gap');
});

test(
  '[L5] killed under load again and again: nothing acknowledged is lost, doubled or moved',
  { timeout: 120_000 },
  async () => {
    const { acknowledged, stored } = await torture({
      rounds: 3,
      seed: 'short',
      clients: 4,
      moreMax: 200,
      say: () => undefined,
    });
    expect(acknowledged).toBeGreaterThanOrEqual(60);
    expect(stored).toBeGreaterThan(acknowledged);
  },
);
