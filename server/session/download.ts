/** Ranges and conditions of a download (RFC 9110 §13, §14). A file never changes, so its id is its strong validator. */
import type { FileRecord } from '../commands/files.ts';
import type { Headers } from './tus.ts';
import { wholeNumber } from './tus.ts';

export interface Span {
  /** First byte, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

export type Wanted =
  | { readonly kind: 'whole'; readonly span: Span }
  | { readonly kind: 'part'; readonly span: Span }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'unchanged' };

export const etagOf = (file: FileRecord): string => `"${file.fileId}"`;

const whole = (size: number): Wanted => ({ kind: 'whole', span: { from: 0, to: size } });

/** One range is served; several, another unit or a malformed one are ignored, as §14.2 allows. */
function rangeOf(text: string, size: number): Wanted {
  const match = /^bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*$/i.exec(text);
  if (match === null) return whole(size);
  const [, first = '', last = ''] = match;
  if (first === '') {
    const length = wholeNumber(last);
    if (length === null) return whole(size);
    if (length === 0 || size === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', span: { from: Math.max(0, size - length), to: size } };
  }
  const from = wholeNumber(first);
  const end = last === '' ? size - 1 : wholeNumber(last);
  if (from === null || end === null || (last !== '' && end < from)) return whole(size);
  if (from >= size) return { kind: 'unsatisfiable' };
  return { kind: 'part', span: { from, to: Math.min(end, size - 1) + 1 } };
}

export function wantedOf(header: Headers, file: FileRecord): Wanted {
  const etag = etagOf(file);
  const known = header('if-none-match')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag) || known.includes('*')) return { kind: 'unchanged' };
  const range = header('range');
  const condition = header('if-range');
  if (range === '' || (condition !== '' && condition !== etag)) return whole(file.size);
  return rangeOf(range, file.size);
}

/** Whatever the bytes are, no browser shows or runs them: they are ciphertext, and only ever saved. */
export const downloadHeaders = (file: FileRecord): [string, string][] => [
  ['content-type', 'application/octet-stream'],
  ['content-disposition', 'attachment'],
  ['content-security-policy', "sandbox; default-src 'none'"],
  ['accept-ranges', 'bytes'],
  ['etag', etagOf(file)],
  ['cache-control', 'private, no-store'],
];
