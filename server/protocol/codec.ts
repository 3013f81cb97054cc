/**
 * Frames of the socket: one CBOR item (RFC 8949) in one binary message.
 *   request  [1, request id, command, input]
 *   answer   [2, request id, output]
 *   refusal  [3, request id, code, detail]
 *   event    [4, name, payload]
 */
import { decode, encode } from 'cborg';
import * as v from 'valibot';
import { type CommandName, isCommandName } from './commands/index.ts';
import type { ErrorCode, ErrorDetail } from './errors.ts';
import { isErrorCode } from './errors.ts';
import { type EventName, type EventPayload, isEventName } from './events.ts';
import { frameBytesMax, nestingMax } from './limits.ts';

export const RequestId = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(0xffff_ffff));

export type ServerFrame =
  | { readonly kind: 'answer'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: ErrorCode; readonly detail: ErrorDetail }
  | { readonly kind: 'event'; readonly name: EventName; readonly payload: unknown };

export type RequestFrame =
  | { readonly kind: 'request'; readonly id: number; readonly command: CommandName; readonly input: unknown }
  /** Well formed enough to be answered, but naming no command. */
  | { readonly kind: 'unknown'; readonly id: number };

const options = { allowIndefinite: false, allowUndefined: false, allowBigInt: false, rejectDuplicateMapKeys: true, strict: true } as const;

/**
 * Rejects, before decoding, what nests deeper than nestingMax, so that hostile frames cannot exhaust the stack.
 * Walks headers only (RFC 8949 §3): O(items), no allocation but the stack of open containers.
 */
function nestsTooDeep(frame: Uint8Array): boolean {
  const open: number[] = [];
  let at = 0;
  while (at < frame.length) {
    const initial = frame[at] ?? 0;
    const major = initial >> 5;
    const info = initial & 31;
    at += 1;
    let value = info;
    if (info >= 24 && info <= 27) {
      const width = 1 << (info - 24);
      value = 0;
      for (let place = 0; place < width; place += 1) value = value * 256 + (frame[at + place] ?? 0);
      at += width;
    }
    if (major === 2 || major === 3) at += value;
    if (major === 4 || major === 5 || major === 6) {
      open.push(major === 6 ? 1 : major === 5 ? value * 2 : value);
      if (open.length > nestingMax) return true;
      if ((open.at(-1) ?? 0) > 0) continue;
      open.pop();
    }
    for (let top = open.pop(); top !== undefined; top = open.pop()) {
      if (top > 1) {
        open.push(top - 1);
        break;
      }
    }
  }
  return false;
}

/** One CBOR item, or null for anything malformed, too large or too deep. Never throws. */
export function decodeItem(frame: Uint8Array): { readonly item: unknown } | null {
  if (frame.length === 0 || frame.length > frameBytesMax || nestsTooDeep(frame)) return null;
  try {
    const item: unknown = decode(frame, options);
    return { item };
  } catch (cause) {
    if (cause instanceof Error) return null;
    throw cause;
  }
}

export const encodeRequest = (id: number, command: CommandName, input: unknown): Uint8Array<ArrayBuffer> =>
  new Uint8Array(encode([1, id, command, input]));
export const encodeAnswer = (id: number, output: unknown): Uint8Array => encode([2, id, output]);
export const encodeRefusal = (id: number, code: ErrorCode, detail: ErrorDetail = {}): Uint8Array => encode([3, id, code, detail]);
export const encodeEvent = <N extends EventName>(name: N, payload: EventPayload<N>): Uint8Array => encode([4, name, payload]);

const Request = v.strictTuple([v.literal(1), RequestId, v.pipe(v.string(), v.maxLength(64)), v.unknown()]);

/** Null: not even a request id can be read, so the connection is closed with code 1007. */
export function decodeRequest(frame: Uint8Array): RequestFrame | null {
  const decoded = decodeItem(frame);
  if (decoded === null) return null;
  const parsed = v.safeParse(Request, decoded.item);
  if (!parsed.success) return null;
  const [, id, command, input] = parsed.output;
  return isCommandName(command) ? { kind: 'request', id, command, input } : { kind: 'unknown', id };
}

const Detail = v.object({
  field: v.optional(v.string()),
  reason: v.optional(v.string()),
  retryAfterMs: v.optional(v.number()),
  epoch: v.optional(v.number()),
});
const Server = v.union([
  v.strictTuple([v.literal(2), RequestId, v.unknown()]),
  v.strictTuple([v.literal(3), RequestId, v.string(), Detail]),
  v.strictTuple([v.literal(4), v.string(), v.unknown()]),
]);

/** A frame from the server; null when it is malformed or of a kind, code or event that this client does not know. */
export function decodeServerFrame(frame: Uint8Array): ServerFrame | null {
  const decoded = decodeItem(frame);
  if (decoded === null) return null;
  const parsed = v.safeParse(Server, decoded.item);
  if (!parsed.success) return null;
  const tuple = parsed.output;
  if (tuple[0] === 2) return { kind: 'answer', id: tuple[1], output: tuple[2] };
  if (tuple[0] === 3) return isErrorCode(tuple[2]) ? { kind: 'refusal', id: tuple[1], code: tuple[2], detail: definedOnly(tuple[3]) } : null;
  return isEventName(tuple[1]) ? { kind: 'event', name: tuple[1], payload: tuple[2] } : null;
}

function definedOnly(detail: v.InferOutput<typeof Detail>): ErrorDetail {
  return {
    ...(detail.field === undefined ? {} : { field: detail.field }),
    ...(detail.reason === undefined ? {} : { reason: detail.reason }),
    ...(detail.retryAfterMs === undefined ? {} : { retryAfterMs: detail.retryAfterMs }),
    ...(detail.epoch === undefined ? {} : { epoch: detail.epoch }),
  };
}
