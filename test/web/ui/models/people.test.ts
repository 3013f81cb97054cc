import { expect, it } from 'vitest';
import { compareDigits } from '../../../../web/ui/models/people.ts';

it('[X10] compares typed digits as people write them', () => {
  const digits = '12345678901234567890';
  expect(compareDigits('', digits)).toBe('partly');
  expect(compareDigits('12345 678', digits)).toBe('partly');
  expect(compareDigits(' 12345-67890 12345\n67890 ', digits)).toBe('equal');
  expect(compareDigits('12345 679', digits)).toBe('different');
  expect(compareDigits(`${digits}1`, digits)).toBe('different');
  expect(compareDigits('abc', digits)).toBe('different');
});
