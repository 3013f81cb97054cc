import { expect, test } from 'vitest';
import { clearCookie, cookieForm, readCookie, setCookie } from '../../../server/session/cookie.ts';

const plain = cookieForm('http://localhost:8080');
const secure = cookieForm('https://chat.example.org');

test('[S1] the name bears __Host- on https, and only there', () => {
  expect(secure).toEqual({ name: '__Host-lanying', secure: true });
  expect(plain).toEqual({ name: 'lanying', secure: false });
});

test.each([
  ['lanying=abc', 'abc'],
  ['a=1; lanying=abc; b=2', 'abc'],
  ['lanying=abc.d-e_f', 'abc.d-e_f'],
  ['', null],
  ['lanying=', null],
  ['xlanying=abc', null],
  ['lanying =abc', null],
  ['Lanying=abc', null],
  ['lanying=a; lanying=b', null],
  ['__Host-lanying=abc', null],
  [`lanying=${'a'.repeat(257)}`, null],
])('%s', (header, value) => expect(readCookie(header, plain)).toBe(value));

test('[S1] the https cookie is not taken from its plain name', () => {
  expect(readCookie('lanying=abc', secure)).toBeNull();
  expect(readCookie('__Host-lanying=abc', secure)).toBe('abc');
});

test('[S1] never a Domain, always HttpOnly and Strict', () => {
  for (const cookie of [setCookie(plain, 'v'), setCookie(secure, 'v'), clearCookie(plain), clearCookie(secure)]) {
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; /);
    expect(cookie).not.toMatch(/domain/i);
  }
});
