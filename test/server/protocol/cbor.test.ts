/** The codec of frames held against an independent one (cborg): what it writes the other reads, and the other way round. */
import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CborError, decodeCbor, encodeCbor } from '#protocol/cbor.ts';

const strict = {
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
  strict: true,
} as const;

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.nat(70_000),
  fc.string({ unit: 'binary', maxLength: 90 }),
  fc.string({ maxLength: 90 }),
  fc.uint8Array({ maxLength: 400 }),
);
const name = fc.string({ maxLength: 30 }).filter((text) => text !== '__proto__');
const item = fc.letrec<{ item: unknown }>((tie) => ({
  item: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('item'), { maxLength: 30 }),
    fc.dictionary(name, tie('item'), { noNullPrototype: true }),
  ),
})).item;

const tryDecode = (bytes: Uint8Array): unknown => {
  try {
    return { item: decodeCbor(bytes) };
  } catch (cause) {
    if (cause instanceof CborError) return null;
    throw cause;
  }
};
const tryTheirs = (bytes: Uint8Array): unknown => {
  try {
    return { item: decode(bytes, strict) };
  } catch {
    return null;
  }
};

describe('CBOR', () => {
  it('[F1] writes what an independent reader reads, and reads what an independent writer writes', () => {
    fc.assert(
      fc.property(item, (value) => {
        const written = encodeCbor(value);
        expect(decode(written, strict)).toEqual(value);
        expect(decodeCbor(written)).toEqual(value);
        expect(decodeCbor(encode(value))).toEqual(value);
      }),
      { numRuns: 3_000 },
    );
  });

  it('[F1] takes nothing that a strict independent reader refuses', () => {
    const changed = fc.tuple(item, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, change]) => {
      const bytes = encodeCbor(value);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), changed), (bytes) => {
        const ours = tryDecode(bytes);
        if (ours !== null) expect(ours).toEqual(tryTheirs(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['an integer in a longer form', '1817'],
    ['a length in a longer form', '580161'],
    ['an integer beyond 2^53', '1b0020000000000000'],
    ['a negative integer beyond 2^53', '3b001fffffffffffff'],
    ['a tag', 'c100'],
    ['undefined', 'f7'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite text', '7f6161ff'],
    ['a break alone', 'ff'],
    ['a reserved head', '1c'],
    ['a simple value', 'f0'],
    ['a key twice', 'a2616101616102'],
    ['a key that is no text', 'a10102'],
    ['a key that would change the object', 'a1695f5f70726f746f5f5fa0'],
    ['text that is not UTF-8', '61ff'],
    ['bytes behind the item', '0102'],
    ['an array of more than is there', '9b0000000fffffffff'],
    ['a byte string of more than is there', '5affffffff00'],
    ['nothing', ''],
  ])('[F1] refuses %s', (_what, hex) => {
    expect(() => decodeCbor(Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow(CborError);
  });

  it('carries fractions, leaves out undefined fields and gives byte strings of their own', () => {
    const bytes = encodeCbor({ half: 0.5, none: undefined, minus: -0.1, some: Uint8Array.of(1, 2) });
    const read = decodeCbor(bytes);
    expect(read).toEqual({ half: 0.5, minus: -0.1, some: Uint8Array.of(1, 2) });
    bytes.fill(0);
    expect(read).toEqual({ half: 0.5, minus: -0.1, some: Uint8Array.of(1, 2) });
    expect(decodeCbor(Uint8Array.from([0xf9, 0x3e, 0x00]))).toBe(1.5);
    expect(decodeCbor(Uint8Array.from([0xfa, 0x3f, 0xc0, 0, 0]))).toBe(1.5);
  });

  it('writes items larger than its scratch, one after the other', () => {
    const large = new Uint8Array(9_000_000).fill(5);
    const text = 'x'.repeat(200_000);
    const read = decodeCbor(encodeCbor([large, text]));
    const [bytes, same] = Array.isArray(read) ? read : [];
    expect(bytes instanceof Uint8Array && Buffer.compare(bytes, large) === 0).toBe(true);
    expect(same === text).toBe(true);
    expect(decodeCbor(encodeCbor(1))).toBe(1);
  });

  it('refuses to write what has no form', () => {
    expect(() => encodeCbor([1n])).toThrow(TypeError);
    expect(() => encodeCbor(() => 1)).toThrow(TypeError);
  });
});
