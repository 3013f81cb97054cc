/**
 * Frames of the socket: one CBOR item (RFC 8949) in one binary message.
 *   request  [1, request id, command, input]
 *   answer   [2, request id, output]
 *   refusal  [3, request id, code, detail]
 *   event    [4, name, payload]
 */
import * as v from 'valibot';
import { CborError, decodeCbor, encodeCbor } from './cbor.ts';
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

/** One CBOR item, or null for anything malformed, too large or too deep. Never throws. */
export function decodeItem(frame: Uint8Array): { readonly item: unknown } | null {
  if (frame.length === 0 || frame.length > frameBytesMax) return null;
  try {
    return { item: decodeCbor(frame, nestingMax) };
  } catch (cause) {
    if (cause instanceof CborError) return null;
    throw cause;
  }
}

export const encodeRequest = (id: number, command: CommandName, input: unknown): Uint8Array<ArrayBuffer> =>
  encodeCbor([1, id, command, input]);
export const encodeAnswer = (id: number, output: unknown): Uint8Array => encodeCbor([2, id, output]);
export const encodeRefusal = (id: number, code: ErrorCode, detail: ErrorDetail = {}): Uint8Array =>
  encodeCbor([3, id, code, detail]);
export const encodeEvent = <N extends EventName>(name: N, payload: EventPayload<N>): Uint8Array =>
  encodeCbor([4, name, payload]);

const isRequestId = (value: unknown): value is number =>
  Number.isInteger(value) && typeof value === 'number' && value >= 0 && value <= 0xffff_ffff;

/** Null: not even a request id can be read, so the connection is closed with code 1007. */
export function decodeRequest(frame: Uint8Array): RequestFrame | null {
  const decoded = decodeItem(frame);
  if (decoded === null) return null;
  if (!Array.isArray(decoded.item) || decoded.item.length !== 4) return null;
  const [kind, id, command, input]: readonly unknown[] = decoded.item;
  if (kind !== 1 || !isRequestId(id) || typeof command !== 'string' || command.length > 64) return null;
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
  if (tuple[0] === 3)
    return isErrorCode(tuple[2])
      ? { kind: 'refusal', id: tuple[1], code: tuple[2], detail: definedOnly(tuple[3]) }
      : null;
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
