/** The short form of `npm run abuse`. */
import { expect, test } from 'vitest';
import { halfOpen } from '../../../scripts/abuse/half-open.ts';
import { returningCrowd } from '../../../scripts/abuse/returning.ts';
import { silentReaders } from '../../../scripts/abuse/silent.ts';

const say = (): void => undefined;

test(
  '[L8] [Q3] sockets that read nothing leave the memory bounded, are told that they lag, and then have every entry once',
  { timeout: 120_000 },
  async () => {
    const { grownBytes, boundBytes, settled, wanted } = await silentReaders({
      readers: 20,
      totalBytes: 160 * 1024 * 1024,
      say,
    });
    expect(grownBytes).toBeLessThan(boundBytes);
    expect(settled.lagged + settled.lost).toBeGreaterThanOrEqual(20);
    expect(settled.entries).toBe(wanted);
  },
);

test('[Q4] sends go on while hundreds of connections stand half open', { timeout: 120_000 }, async () => {
  const { floodP99Ms } = await halfOpen({ connections: 500, rounds: 1, sendsEach: 50, say });
  expect(floodP99Ms).toBeGreaterThan(0);
});

test('[L7] a crowd whose server was killed is live again, with every entry once', { timeout: 120_000 }, async () => {
  const { clients, settled, wanted } = await returningCrowd({ people: 20, sessionsEach: 5, processes: 1, say });
  expect(clients).toBe(100);
  expect(settled.map(({ entries }) => entries)).toEqual([wanted]);
  expect(settled.map(({ lost }) => lost >= 100)).toEqual([true]);
});
