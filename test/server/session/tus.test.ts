/** Whatever headers come, what is asked for is understood or refused by name, and a range stays inside its file. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileId, idFromBytes, type ConversationId, type UserId } from '#protocol/ids.ts';
import { isErrorCode } from '#protocol/errors.ts';
import { wantedOf } from '../../../server/session/download.ts';
import { filesPath, readFileRequest, wholeNumber } from '../../../server/session/tus.ts';
import { bytesOf } from '../../contract/people.ts';
import { metadataFor, octets } from '../../harness/files.ts';

const fileId = idFromBytes<FileId>(bytesOf('file', 16));
const conversationId = idFromBytes<ConversationId>(bytesOf('conversation', 16));
const fileOf = (size: number) => ({
  fileId,
  conversationId,
  size,
  offset: size,
  owner: idFromBytes<UserId>(bytesOf('ann', 16)),
  createdAt: 0,
  expiresAt: 0,
});
const header = (values: Readonly<Record<string, string>>) => (name: string) => values[name] ?? '';

/** Values close to what is right, and far from it. */
const near = (...right: string[]) =>
  fc.oneof(
    fc.constantFrom(...right, ''),
    fc.string(),
    fc.constantFrom(...right).map((value) => `${value} `),
  );
const headers = fc.record({
  'tus-resumable': near('1.0.0'),
  'content-type': near(octets),
  'content-length': near('0', '10', '-1'),
  'transfer-encoding': near('chunked'),
  'upload-length': near('0', '10', '9007199254740991', '9007199254740992', '1e2'),
  'upload-offset': near('0', '10', '007', '+1'),
  'upload-metadata': near(metadataFor(conversationId), `${metadataFor(conversationId)},filename Zm9v`),
  'upload-checksum': near(
    'sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    'sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    'md5 AA==',
  ),
  'upload-defer-length': near('1'),
  'upload-concat': near('partial'),
  'x-http-method-override': near('PATCH', 'DELETE', 'HEAD', 'PUT'),
});

test('[B6] fuzz: any headers are understood or refused with a code, and what is understood is in bounds', () => {
  const method = fc.constantFrom('get', 'head', 'post', 'patch', 'delete', 'options', 'put');
  const path = fc.oneof(
    fc.constantFrom(filesPath, `${filesPath}/`, `${filesPath}/${fileId}`),
    fc.string().map((text) => `${filesPath}/${text}`),
  );
  fc.assert(
    fc.property(method, path, headers, (asked, to, values) => {
      const request = readFileRequest({ method: asked, path: to, header: header(values) });
      if (request.kind === 'refused') {
        const { code }: { readonly code: string } = JSON.parse(request.answer.body);
        expect(isErrorCode(code) && request.answer.status >= 400).toBe(true);
      }
      if (request.kind === 'create') {
        expect(values['upload-metadata'].trim()).toBe(metadataFor(conversationId));
        expect(String(request.size)).toBe(values['upload-length']);
      }
      if (request.kind === 'append') expect(String(request.offset)).toBe(values['upload-offset']);
      if (request.kind !== 'refused' && request.kind !== 'options' && request.kind !== 'create')
        expect(request.fileId).toBe(to.slice(filesPath.length + 1));
    }),
    { numRuns: 2_000 },
  );
});

test('whole numbers are those that a double holds, in one form', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (value) => wholeNumber(String(value)) === value));
  expect(['', '00', '01', '-0', '1.0', '1e1', ' 1', '9007199254740992', '٣'].map(wholeNumber)).toEqual(
    Array.from({ length: 9 }, () => null),
  );
});

describe('ranges', () => {
  const bound = fc.oneof(fc.constant(''), fc.nat({ max: 50 }).map(String), fc.string({ maxLength: 3 }));
  test('[B11] fuzz: a part lies inside the file and is what was asked for', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), bound, bound, (size, left, right) => {
        const wanted = wantedOf(header({ range: `bytes=${left}-${right}` }), fileOf(size));
        // Blanks at both ends are none of a range.
        const [first, last] = [left.replace(/^[ \t]+/, ''), right.replace(/[ \t]+$/, '')];
        const numbers = /^[0-9]*$/.test(first) && /^[0-9]*$/.test(last) && !(first === '' && last === '');
        if (!numbers) expect(wanted.kind).toBe('whole');
        if (wanted.kind !== 'part') return;
        const { from, to } = wanted.span;
        expect(from >= 0 && from < to && to <= size).toBe(true);
        if (first === '') expect(to - from).toBe(Math.min(Number(last), size));
        else expect([from, to]).toEqual([Number(first), last === '' ? size : Math.min(Number(last) + 1, size)]);
      }),
      { numRuns: 2_000 },
    );
  });
  test('[B11] without a range, or with one for another version, it is the whole file', () => {
    expect(wantedOf(header({}), fileOf(9))).toEqual({ kind: 'whole', span: { from: 0, to: 9 } });
    expect(wantedOf(header({ range: 'bytes=0-1', 'if-range': 'W/"x"' }), fileOf(9))).toEqual({
      kind: 'whole',
      span: { from: 0, to: 9 },
    });
    expect(wantedOf(header({ 'if-none-match': `"x", W/"${fileId}"` }), fileOf(9))).toEqual({ kind: 'unchanged' });
  });
});
