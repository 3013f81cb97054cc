import { expect, test } from 'vitest';
import { connectionsMaxOf, descriptorsMax } from '../../../server/ops/descriptors.ts';

test('[Q4] leaves descriptors for the store and files, whatever the limit is', () => {
  const limits = (soft: string) => () =>
    `Limit Soft Limit Hard Limit Units\nMax open files            ${soft}                20000                files\n`;
  expect(descriptorsMax(limits('20000'))).toBe(20_000);
  expect(descriptorsMax(limits('unlimited'))).toBe(Number.MAX_SAFE_INTEGER);
  expect(descriptorsMax(() => 'nothing of the kind')).toBeNull();
  expect(
    descriptorsMax(() => {
      throw new Error('no /proc');
    }),
  ).toBeNull();
  expect([null, 256, 1_024, 8_192, 20_000].map((limit) => connectionsMaxOf(limit))).toEqual([
    8_192, 128, 512, 6_656, 18_464,
  ]);
});
