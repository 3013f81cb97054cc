/** tus 1.0.0 (https://tus.io/protocols/resumable-upload) in headers: what a request asks for, and what answers say. Knows no sockets. */
import * as v from 'valibot';
import { type ErrorCode, type ErrorDetail, isErrorCode } from '#protocol/errors.ts';
import { ConversationId, FileId } from '#protocol/ids.ts';
import type { FileRecord } from '../commands/files.ts';
import { type PostAnswer, refusalAnswer } from './post.ts';

export const filesPath = '/api/v1/files';
const tusVersion = '1.0.0';
const extensions = 'creation,creation-with-upload,termination,checksum,expiration';
const bodyType = 'application/offset+octet-stream';

/** Header values as they came, '' when absent; names in lower case. */
export type Headers = (name: string) => string;

export interface FileHead {
  /** Lower case. */
  readonly method: string;
  readonly path: string;
  readonly header: Headers;
}

export const checksumAlgorithms = ['sha256', 'sha1'] as const;
export interface Checksum {
  readonly algorithm: (typeof checksumAlgorithms)[number];
  readonly digest: Uint8Array;
}

/** What comes in the body of a creation or an append. */
export interface Body {
  /** Null: no Content-Length. */
  readonly length: number | null;
  readonly checksum: Checksum | null;
}

export type FileRequest =
  | { readonly kind: 'options' }
  | {
      readonly kind: 'create';
      readonly conversationId: ConversationId;
      readonly size: number;
      readonly body: Body | null;
    }
  | { readonly kind: 'progress'; readonly fileId: FileId }
  | { readonly kind: 'append'; readonly fileId: FileId; readonly offset: number; readonly body: Body }
  | { readonly kind: 'remove'; readonly fileId: FileId }
  | { readonly kind: 'download'; readonly fileId: FileId; readonly headOnly: boolean }
  | { readonly kind: 'refused'; readonly answer: PostAnswer };

const refused = (code: ErrorCode, detail: ErrorDetail = {}): FileRequest => ({
  kind: 'refused',
  answer: tusRefusal(code, detail),
});
const invalid = (field: string): FileRequest => refused('input.invalid', { field });

/** A whole number that a header holds, 0 … 2^53 - 1; null for anything else. */
export function wholeNumber(text: string): number | null {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** Standard base64 with its padding (RFC 4648 §4); null for anything else. */
function base64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/** The conversation is all that metadata may say: names and types of files are content, which the server never sees ([B6]). */
function conversationIn(metadata: string): ConversationId | null {
  const match = /^conversation ([A-Za-z0-9+/=]+)$/.exec(metadata.trim());
  const bytes = match?.[1] === undefined ? null : base64(match[1]);
  const text = bytes === null ? '' : Buffer.from(bytes).toString('latin1');
  return v.is(ConversationId, text) ? text : null;
}

const digestBytes = { sha256: 32, sha1: 20 } as const;

/** Undefined: not one that we can check. */
function checksumIn(header: string): Checksum | null | undefined {
  if (header === '') return null;
  const [name, text, ...more] = header.split(' ');
  const algorithm = checksumAlgorithms.find((known) => known === name);
  const digest = text === undefined ? null : base64(text);
  if (algorithm === undefined || more.length > 0 || digest?.length !== digestBytes[algorithm]) return undefined;
  return { algorithm, digest };
}

/** Browsers behind old proxies; the real method stays POST, so no form can send it. */
function methodOf({ method, header }: FileHead): string {
  const override = header('x-http-method-override').toLowerCase();
  return method === 'post' && ['patch', 'delete', 'head'].includes(override) ? override : method;
}

const methodRefusal = (allow: string): FileRequest => ({
  kind: 'refused',
  answer: {
    status: 405,
    body: JSON.stringify({ code: 'command.unknown', detail: { reason: 'method' } }),
    headers: [['allow', allow]],
  },
});

export function readFileRequest(head: FileHead): FileRequest {
  const method = methodOf(head);
  if (method === 'options') return { kind: 'options' };
  const version = head.header('tus-resumable');
  const tus = method === 'post' || method === 'patch' || method === 'delete' || (method === 'head' && version !== '');
  if (tus && version !== tusVersion) return refused('file.version_refused');
  if (head.path === filesPath || head.path === `${filesPath}/`)
    return method === 'post' ? readCreate(head) : methodRefusal('POST, OPTIONS');
  const fileId = head.path.slice(filesPath.length + 1);
  if (!v.is(FileId, fileId)) return refused('file.unknown');
  switch (method) {
    case 'get':
      return { kind: 'download', fileId, headOnly: false };
    case 'head':
      return tus ? { kind: 'progress', fileId } : { kind: 'download', fileId, headOnly: true };
    case 'patch':
      return readAppend(head, fileId);
    case 'delete':
      return { kind: 'remove', fileId };
    default:
      return methodRefusal('GET, HEAD, PATCH, DELETE, OPTIONS');
  }
}

function readCreate({ header }: FileHead): FileRequest {
  if (header('upload-defer-length') !== '') return invalid('Upload-Defer-Length');
  if (header('upload-concat') !== '') return invalid('Upload-Concat');
  const size = wholeNumber(header('upload-length'));
  if (size === null) return invalid('Upload-Length');
  const conversationId = conversationIn(header('upload-metadata'));
  if (conversationId === null) return invalid('Upload-Metadata');
  const length = header('content-length');
  const hasBody = (length !== '' && length !== '0') || header('transfer-encoding') !== '';
  if (!hasBody) return { kind: 'create', conversationId, size, body: null };
  if (header('content-type') !== bodyType) return refused('input.content_type');
  const body = readBody(header);
  return 'kind' in body ? body : { kind: 'create', conversationId, size, body };
}

function readAppend({ header }: FileHead, fileId: FileId): FileRequest {
  if (header('content-type') !== bodyType) return refused('input.content_type');
  const offset = wholeNumber(header('upload-offset'));
  if (offset === null) return invalid('Upload-Offset');
  const body = readBody(header);
  return 'kind' in body ? body : { kind: 'append', fileId, offset, body };
}

function readBody(header: Headers): Body | FileRequest {
  const checksum = checksumIn(header('upload-checksum'));
  if (checksum === undefined) return invalid('Upload-Checksum');
  const text = header('content-length');
  const length = text === '' ? null : wholeNumber(text);
  return text !== '' && length === null ? invalid('Content-Length') : { length, checksum };
}

type Pairs = [string, string][];

const expires = (file: FileRecord): Pairs =>
  file.offset === file.size ? [] : [['upload-expires', new Date(file.expiresAt).toUTCString()]];

/** Every answer of tus names its version; none is kept by a cache. */
const tusHeaders = (headers: Pairs = []): Pairs => [
  ['tus-resumable', tusVersion],
  ['cache-control', 'no-store'],
  ...headers,
];

export function tusRefusal(code: string, detail: ErrorDetail = {}): PostAnswer {
  const known = isErrorCode(code) ? code : 'server.internal';
  const answer = refusalAnswer(known, detail);
  const version: Pairs = known === 'file.version_refused' ? [['tus-version', tusVersion]] : [];
  return { ...answer, headers: [...answer.headers, ['tus-resumable', tusVersion], ...version] };
}

const empty = (status: number, headers: Pairs): PostAnswer => ({ status, body: '', headers });

export const optionsAnswer = (fileBytesMax: number): PostAnswer =>
  empty(204, [
    ['tus-resumable', tusVersion],
    ['tus-version', tusVersion],
    ['tus-extension', extensions],
    ['tus-max-size', String(fileBytesMax)],
    ['tus-checksum-algorithm', checksumAlgorithms.join(',')],
  ]);

/** `withBody`: the request carried bytes, so the answer says how many are kept. */
export const createdAnswer = (file: FileRecord, withBody: boolean): PostAnswer =>
  empty(
    201,
    tusHeaders([
      ['location', `${filesPath}/${file.fileId}`],
      ...(withBody || file.size === 0 ? ([['upload-offset', String(file.offset)]] satisfies Pairs) : []),
      ...expires(file),
    ]),
  );
export const progressAnswer = (file: FileRecord): PostAnswer =>
  empty(
    200,
    tusHeaders([['upload-offset', String(file.offset)], ['upload-length', String(file.size)], ...expires(file)]),
  );
export const appendedAnswer = (file: FileRecord): PostAnswer =>
  empty(204, tusHeaders([['upload-offset', String(file.offset)], ...expires(file)]));
export const removedAnswer = (): PostAnswer => empty(204, tusHeaders());
