import { expect, test } from 'vitest';
import { addressKey, isLoopback } from '../../../server/transport/address.ts';

const v6 = (...groups: number[]) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));

test('IPv4 counts alone, mapped or not; IPv6 by its /64', () => {
  expect(addressKey(Uint8Array.of(192, 0, 2, 7))).toBe('192.0.2.7');
  expect(addressKey(v6(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207))).toBe('192.0.2.7');
  const one = addressKey(v6(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6));
  expect(addressKey(v6(0x2001, 0xdb8, 1, 2, 9, 9, 9, 9))).toBe(one);
  expect(addressKey(v6(0x2001, 0xdb8, 1, 3, 3, 4, 5, 6))).not.toBe(one);
});

test('loopback', () => {
  for (const local of [Uint8Array.of(127, 0, 0, 1), Uint8Array.of(127, 9, 9, 9), v6(0, 0, 0, 0, 0, 0, 0, 1), v6(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)]) {
    expect(isLoopback(local)).toBe(true);
  }
  for (const other of [Uint8Array.of(10, 0, 0, 1), v6(0, 0, 0, 0, 0, 0, 0, 2), v6(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1), new Uint8Array(0)]) {
    expect(isLoopback(other)).toBe(false);
  }
});
