import { expect, test } from 'vitest';
import { isFreshStep, setUpOf, stepOf } from '../../../server/domain/sign-in/totp.ts';
import { fromBase32, totpCode } from '../../harness/totp.ts';

const secret = new Uint8Array(Buffer.from('12345678901234567890'));

/** RFC 6238 appendix B, SHA-1; of its eight digits an app with six shows the last. */
test.each([
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
])('[A11] takes the code of RFC 6238 at %d s, and our own app gives the same', (seconds, digits) => {
  const code = digits.slice(2);
  expect(stepOf(secret, code, seconds * 1_000)).toBe(Math.floor(seconds / 30));
  expect(totpCode(secret, seconds * 1_000)).toBe(code);
});

test('[A11] takes one step either side, names it, and nothing further', () => {
  const now = 1_234_567_890_000;
  const present = Math.floor(now / 30_000);
  for (const steps of [-1, 0, 1]) expect(stepOf(secret, totpCode(secret, now, steps), now)).toBe(present + steps);
  for (const steps of [-3, -2, 2, 3]) expect(stepOf(secret, totpCode(secret, now, steps), now)).toBeNull();
});

test('[A11] a step is taken once and none before it, but a clock that was ahead locks nobody out', () => {
  const now = 1_234_567_890_000;
  const present = Math.floor(now / 30_000);
  expect([present - 1, present, present + 1].map((step) => isFreshStep(step, present, now))).toEqual([
    false,
    false,
    true,
  ]);
  expect(isFreshStep(present, present + 1_000, now)).toBe(true);
});

test('[A11] the set-up says the same to be scanned and to be typed', () => {
  const { secret: typed, uri } = setUpOf(secret, 'lanying', 'ada');
  expect(fromBase32(typed)).toEqual(Buffer.from(secret));
  const scanned = new URL(uri);
  expect(scanned.protocol).toBe('otpauth:');
  expect(scanned.searchParams.get('secret')).toBe(typed);
  expect(Object.fromEntries(scanned.searchParams)).toMatchObject({
    issuer: 'lanying',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  });
  expect(decodeURIComponent(scanned.pathname)).toContain('lanying:ada');
});
