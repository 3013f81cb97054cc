/** Random walks, shared out over files that run beside each other: all together they took minutes on one processor. */
import { describe, expect, it } from 'vitest';
import { walkRandomly } from './random-walk.ts';

const stepKinds = ['add', 'remove', 'add and remove', 'replace', 'external join', 'resync', 'reload', 'update'];

/** Suite 1, one walk for each seed; together they take every kind of step. */
export function describeWalks(seeds: readonly number[]): void {
  describe('a group under random changes agrees on authenticator, exporter and members after every step', () => {
    const seen = new Set<string>();

    it.each(seeds)('suite 1, seed %i', { timeout: 300_000 }, async (seed) => {
      const counts = await walkRandomly({ seed, steps: 80, devices: 10, suite: 1 });
      for (const kind of counts.keys()) seen.add(kind);
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(80);
    });

    it('walked every kind of step', () => {
      expect([...seen].toSorted()).toEqual(stepKinds.toSorted());
    });
  });
}

export function describePostQuantumWalks(seeds: readonly number[]): void {
  describe('a group of the post-quantum suite under random changes agrees too', () => {
    it.each(seeds)('X-Wing, seed %i', { timeout: 300_000 }, async (seed) => {
      const counts = await walkRandomly({ seed, steps: 25, devices: 10, suite: 83 });
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(25);
    });
  });
}
