import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlain, withoutUnseen } from '#protocol/visible.ts';

const at = (...points: readonly number[]): string => String.fromCodePoint(...points);
const honest = [
  'Ada', 'Lin Wei 林薇', 'Zoë O’Brien-Šmíd', 'محمد', 'שרה', 'Ирина', 'ありさ', '김민지', 'อรทัย',
  // می‌خواهم with ZWNJ, Sinhala ශ්‍රී and Devanagari क्‍ष with ZWJ.
  at(0x645, 0x6cc, 0x200c, 0x62e, 0x648, 0x627, 0x647, 0x645), at(0xdc1, 0xdca, 0x200d, 0xdbb, 0xdd3), at(0x915, 0x94d, 0x200d, 0x937),
  // Family emoji, heart with its variation, skin tone, and an ideograph with a variant.
  at(0x1f468, 0x200d, 0x1f469, 0x200d, 0x1f467), at(0x2764, 0xfe0f), at(0x1f469, 0x1f3fd, 0x200d, 0x1f680), at(0x8fbb, 0xe0100),
];
const unseen = [
  0x00, 0x09, 0x7f, 0x85, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e,
  0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0x2800, 0x3164, 0xfe00, 0xfeff, 0xffa0, 0xfff9, 0x1d173, 0xe0001, 0xe0020, 0xe0100,
];

describe('[N1] what is not seen', () => {
  it.each(honest)('[N1] is not in %s', (name) => {
    expect(isPlain(name)).toBe(true);
    expect(withoutUnseen(name)).toBe(name);
  });

  it.each(unseen.map((point) => [point.toString(16), point] as const))('[N1] U+%s is found alone, before, behind and within a name', (_name, point) => {
    const hidden = at(point);
    for (const name of [hidden, `${hidden}Ada`, `Ada${hidden}`, `A${hidden}da`, `Ada ${hidden}林`]) {
      expect(isPlain(name)).toBe(false);
      expect(withoutUnseen(name)).toBe(name.replaceAll(hidden, ''));
    }
  });

  it('[N1] is gone after it was taken out, whatever stood there', () => {
    const parts = fc.constantFrom(...honest, ...unseen.map((point) => at(point)), 'a', ' ');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (list) => {
        const rest = withoutUnseen(list.join(''));
        return rest.trim() === '' || isPlain(rest);
      }),
    );
  });

  it('[N1] needs something that is seen beside it', () => {
    for (const name of ['', ' ', at(0x301), at(0x20e3)]) expect(isPlain(name)).toBe(false);
  });
});
