/**
 * Names and titles that look like what they are ([N1]): no character that is not seen, or that turns the order of others.
 * ZWJ and ZWNJ stand where scripts and emoji need them (after RFC 5892 appendix A), variation selectors behind what they
 * vary.
 */

/** Formats, controls, line and paragraph separators, blank braille, and whatever renderers leave out. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

const joined = [
  'Arabic', 'Syriac', 'Mandaic', 'Mongolian', 'Nko', 'Phags_Pa', 'Adlam', 'Hanifi_Rohingya', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati',
  'Oriya', 'Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Khmer', 'Myanmar', 'Tibetan', 'Balinese', 'Javanese',
].map((script) => `\\p{Script=${script}}`).join('');
/** What may stay of `unseen`, in its place. */
const allowed = new RegExp(
  [
    `(?<=[${joined}])[\\u200c\\u200d](?=[${joined}])`,
    '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic})',
    '(?<=[\\p{Extended_Pictographic}\\p{Script=Han}])[\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]',
    '(?<=[#*0-9])\\ufe0f(?=\\u20e3)',
  ].join('|'),
  'gu',
);
const seen = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** True when everything in it is seen, and something is. */
export function isPlain(text: string): boolean {
  const rest = text.replace(allowed, '');
  return !unseen.test(rest) && seen.test(rest);
}

/** The same without what is not seen; may be empty or blank, and need trimming. */
export function withoutUnseen(text: string): string {
  const kept = new Set([...text.matchAll(allowed)].map(({ index }) => index));
  let at = 0;
  let plain = '';
  for (const character of text) {
    if (kept.has(at) || !unseen.test(character)) plain += character;
    at += character.length;
  }
  // What is left may stand beside something else now.
  return plain === text ? plain : withoutUnseen(plain);
}
