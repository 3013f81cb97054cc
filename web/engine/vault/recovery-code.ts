/**
 * Recovery codes: 130 random bits and two check symbols as 28 Crockford base32 characters, "ABCD-EFGH-…" in seven
 * groups of four. The check symbols are a Reed–Solomon code over GF(32) (distance 3, length 28 of at most 31): one or
 * two wrong characters and every swap of two are found for certain, other slips 1,023 times in 1,024.
 */
import type { Runtime } from '../ports.ts';

declare const brand: unique symbol;
/** In its display form: upper case, seven groups of four joined by hyphens, check symbols right. Secret. */
export type RecoveryCode = string & { readonly [brand]: 'recovery code' };

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const dataSymbols = 26;
const codeSymbols = 28;

/** Product in GF(32) with the primitive polynomial x^5 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 5; bit += 1) if ((b >> bit) & 1) product ^= a << bit;
  for (let bit = 8; bit >= 5; bit -= 1) if ((product >> bit) & 1) product ^= 0b100101 << (bit - 5);
  return product;
}

/** The word as a polynomial (first symbol highest) at `x`, by Horner. */
const evaluate = (symbols: readonly number[], x: number): number => symbols.reduce((sum, symbol) => multiply(sum, x) ^ symbol, 0);

/** Remainder of data · x² by the generator (x + 2)(x + 4) = x² + 6x + 8, so that a whole word is zero at 2 and at 4. */
function checkSymbols(data: readonly number[]): readonly [number, number] {
  let high = 0;
  let low = 0;
  for (const symbol of data) {
    const carry = symbol ^ high;
    high = low ^ multiply(carry, 6);
    low = multiply(carry, 8);
  }
  return [high, low];
}

const display = (symbols: readonly number[]): RecoveryCode =>
  (symbols.map((symbol) => alphabet[symbol]).join('').match(/.{4}/g)?.join('-') ?? '') as RecoveryCode;

export function makeRecoveryCode(runtime: Pick<Runtime, 'random'>): RecoveryCode {
  const data = [...runtime.random(dataSymbols)].map((byte) => byte & 31);
  return display([...data, ...checkSymbols(data)]);
}

/**
 * Reads what a person typed or pasted: any case, spaces and dashes anywhere, O for 0, I and L for 1, full-width forms of
 * an input method. Null (`recovery_code.malformed`) when it cannot be a code of ours; a well-formed one may still be wrong.
 */
export function parseRecoveryCode(typed: string): RecoveryCode | null {
  if (typed.length > 256) return null;
  const bare = typed.normalize('NFKC').toUpperCase().replace(/[\s\p{Pd}\u2212]/gu, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  const symbols = [...bare].map((character) => alphabet.indexOf(character));
  if (symbols.length !== codeSymbols || symbols.includes(-1)) return null;
  return evaluate(symbols, 2) === 0 && evaluate(symbols, 4) === 0 ? display(symbols) : null;
}
