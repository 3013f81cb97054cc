/** Signs that two devices show alike: 64 that look, and are called, as different from each other as can be. */
export const signs: readonly string[] = [
  ...['🐶', '🐱', '🦁', '🐴', '🦄', '🐷', '🐘', '🐰', '🐼', '🐓', '🐧', '🐢', '🐟', '🐙', '🦋', '🌷'],
  ...['🌳', '🌵', '🍄', '🌍', '🌙', '☁️', '🔥', '🍌', '🍎', '🍓', '🌽', '🍕', '🎂', '❤️', '🙂', '🤖'],
  ...['🎩', '👓', '🔧', '🎅', '👍', '☂️', '⌛', '⏰', '🎁', '💡', '📕', '✏️', '📎', '✂️', '🔒', '🔑'],
  ...['🔨', '☎️', '🏁', '🚂', '🚲', '✈️', '🚀', '🏆', '⚽', '🎸', '🎺', '🔔', '⚓', '🎧', '📁', '📌'],
];

/** `names`: all 64 in the person's language, in the order of `signs`, separated by bars. */
export function signsOf(check: readonly number[], names: string): readonly { readonly sign: string; readonly name: string }[] {
  const all = names.split('|');
  return check.map((at) => ({ sign: signs[at] ?? '', name: all[at] ?? '' }));
}

/** As two groups of four. */
export const shownCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

/** The link that the QR code holds: the phone's camera opens the old device's own page with it. */
export const approvalLink = (origin: string, code: string): string => `${origin}/#let-in=${code}`;
export function codeInLink(fragment: string): string | null {
  return /^#let-in=([0-9A-HJKMNP-TV-Z]{8})$/.exec(fragment)?.[1] ?? null;
}
