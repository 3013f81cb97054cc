import { expect, test } from 'vitest';
import { networkOf, placeOf } from '../../../server/domain/sign-in/whence.ts';
import { addressKey } from '../../../server/transport/address.ts';

const raw = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

test('[S7] of an address only the /24 or /48 is kept', () => {
  expect(networkOf(addressKey(Uint8Array.of(192, 0, 2, 77)))).toBe('192.0.2.0/24');
  expect(networkOf(addressKey(raw('20010db8001200340000000000000001')))).toBe('2001:db8:12::/48');
  expect(networkOf(addressKey(raw('00000000000000000000ffffc0000263')))).toBe('192.0.2.0/24');
  expect(networkOf('unknown')).toBeNull();
  expect(networkOf('')).toBeNull();
});

const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
test.each([
  [chrome, 'Chrome', 'Windows'],
  [`${chrome} Edg/131.0.0.0`, 'Edge', 'Windows'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', 'Firefox', 'Linux'],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15',
    'Safari',
    'macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1',
    'Chrome',
    'iOS',
  ],
  [
    'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.50',
    'WeChat',
    'Android',
  ],
  ['node', 'SDK', ''],
  ['', '', ''],
  ['x'.repeat(100_000), '', ''],
])('[S7] of a user agent only the families are kept: %.40s', (agent, browser, system) => {
  expect(placeOf({ address: '192.0.2.1', agent })).toEqual({ network: '192.0.2.0/24', browser, system });
});
