import { describe, expect, it } from 'vitest';

import { walkRandomly } from './random-walk.ts';

const stepKinds = ['add', 'remove', 'add and remove', 'replace', 'external join', 'resync', 'reload', 'update'];

describe('a group under random changes agrees on authenticator, exporter and members after every step', () => {
  const seen = new Map<string, number>();

  it.each(Array.from({ length: 15 }, (_, index) => 1_001 + index))('suite 1, seed %i', { timeout: 300_000 }, async (seed) => {
    const counts = await walkRandomly({ seed, steps: 80, devices: 10, suite: 1 });
    for (const [kind, count] of counts) seen.set(kind, (seen.get(kind) ?? 0) + count);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(80);
  });

  it('walked every kind of step', () => {
    expect([...seen.keys()].toSorted()).toEqual(stepKinds.toSorted());
  });

  it('X-Wing, seed 7', { timeout: 300_000 }, async () => {
    const counts = await walkRandomly({ seed: 7, steps: 25, devices: 10, suite: 83 });
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(25);
  });
});
