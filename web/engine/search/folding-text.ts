/**
 * Texts as they are compared: compatibility forms (full width, ligatures) as their plain ones, small letters, no diacritics
 * (Unicode NFKD, then case and U+0300 to U+036F). Chinese stays as it is: what is looked for is any part of a text, so
 * nothing has to know where words end.
 */

const plain = /^[\x20-\x7e]*$/;
const diacritics = /[\u0300-\u036f]/g;

function foldPart(part: string): string {
  if (plain.test(part)) return part.toLowerCase();
  // Final sigma is the only small letter that depends on its neighbours.
  return part.normalize('NFKD').toLowerCase().normalize('NFKD').replace(diacritics, '').replaceAll('ς', 'σ').replace(/\s/g, ' ');
}

export const fold = foldPart;

/** What is looked for, folded: words, and "several words" as one. Nothing is left of a query without any. */
export function termsOf(text: string): readonly string[] {
  const terms: string[] = [];
  for (const [, quoted, word] of text.matchAll(/["“”]([^"“”]+)["“”]?|([^\s"“”]+)/g)) {
    const term = fold(quoted ?? word ?? '').trim();
    if (term !== '' && !terms.includes(term)) terms.push(term);
  }
  return terms;
}

export interface Mark {
  /** UTF-16 places in the text as it is: from, and behind the end. */
  readonly from: number;
  readonly to: number;
}

/** Where terms stand in a text: ascending, apart from each other. */
export function marksOf(text: string, terms: readonly string[]): readonly Mark[] {
  let folded = '';
  const origin: number[] = [];
  let at = 0;
  for (const point of text) {
    const part = foldPart(point);
    for (let unit = 0; unit < part.length; unit += 1) origin.push(at);
    folded += part;
    at += point.length;
  }
  origin.push(text.length);
  const found: Mark[] = [];
  for (const term of terms) {
    for (let place = folded.indexOf(term); place !== -1; place = folded.indexOf(term, place + term.length)) {
      const from = origin[place] ?? 0;
      found.push({ from, to: endOf(text, origin, place + term.length, from) });
    }
  }
  return joined(found.toSorted((a, b) => a.from - b.from || a.to - b.to));
}

/** Behind the last character that a term touches, with the marks that stand on it. */
function endOf(text: string, origin: readonly number[], place: number, from: number): number {
  const before = origin[place - 1] ?? from;
  const next = origin[place] ?? text.length;
  // In the middle of what one character became: all of it.
  return next > before ? next : before + (String.fromCodePoint(text.codePointAt(before) ?? 32).length || 1);
}

function joined(found: readonly Mark[]): readonly Mark[] {
  const all: Mark[] = [];
  for (const mark of found) {
    const last = all.at(-1);
    if (last !== undefined && mark.from <= last.to) all[all.length - 1] = { from: last.from, to: Math.max(last.to, mark.to) };
    else all.push(mark);
  }
  return all;
}

/** Characters of a text that a list shows. */
const snippetLength = 180;
const snippetBefore = 40;

/** The part of a text around its first mark. */
export function snippetOf(text: string, terms: readonly string[]): { readonly text: string; readonly marks: readonly Mark[] } {
  const marks = marksOf(text, terms);
  const first = marks[0]?.from ?? 0;
  let from = first > snippetLength - snippetBefore ? first - snippetBefore : 0;
  let to = Math.min(text.length, from + snippetLength);
  // Never between the halves of a character.
  if (from > 0 && /[\udc00-\udfff]/.test(text[from] ?? '')) from -= 1;
  if (to < text.length && /[\udc00-\udfff]/.test(text[to] ?? '')) to += 1;
  const lead = from > 0 ? '…' : '';
  const shift = lead.length - from;
  return {
    text: `${lead}${text.slice(from, to)}${to < text.length ? '…' : ''}`,
    marks: marks.filter((mark) => mark.to <= to && mark.from >= from).map((mark) => ({ from: mark.from + shift, to: mark.to + shift })),
  };
}
