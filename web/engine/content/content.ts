/**
 * What people say, as it stands inside a sealed body: a CBOR map (RFC 8949) with a `type`. A type that this version
 * does not know is kept as 'unknown', and unknown fields of known types are ignored, so that older clients survive
 * newer content.
 */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { bytes as bytesOf, Hash, Sequence } from '#protocol/envelope.ts';
import { decodeItem } from '#protocol/codec.ts';
import { keptLabel } from '#protocol/model.ts';
import { withoutUnseen } from '#protocol/visible.ts';

/** UTF-8 bytes of one text; leaves room for what later versions put beside it (see contentBytesMax in body.ts). */
export const textBytesMax = 60 * 1024;
/** UTF-16 code units. */
export const titleLengthMax = 128;

const utf8 = new TextEncoder();

const Told = v.object({ size: Sequence, root: Hash, signature: bytesOf(64, 64) });
/** A head of the key directory that the sender's device believes: tree size, root, Ed25519 signature of the checkpoint ([X7]). */
export type ToldHead = v.InferOutput<typeof Told>;

const Text = v.object({
  type: v.literal('text'),
  text: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(textBytesMax),
    v.check((text) => utf8.encode(text).length <= textBytesMax, `must have at most ${textBytesMax} bytes`),
  ),
  head: v.optional(Told),
});
const Meta = v.object({ type: v.literal('meta'), title: keptLabel(titleLengthMax) });
const Leave = v.object({ type: v.literal('leave') });
const Typing = v.object({ type: v.literal('typing') });
const Known = v.variant('type', [Text, Meta, Leave, Typing]);
const Typed = v.object({ type: v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,64}$/)) });

export type KnownContent = v.InferOutput<typeof Known>;
export type Content =
  | KnownContent
  /** Well formed, of a later version: show that something is here which this version cannot show. */
  | { readonly type: 'unknown'; readonly name: string };

/** What a sealed body may be for: entry kinds that carry content, and signals. */
export type BodyKind = 'message' | 'meta' | 'leave' | 'signal';

/** A known type stands only in its own kind: a "leave" inside a message must not look like a farewell. */
const kindOf: Record<KnownContent['type'], BodyKind> = { text: 'message', meta: 'meta', leave: 'leave', typing: 'signal' };

export type ContentRefusal =
  /** Not CBOR, no type, or a field that breaks its bounds. */
  | 'malformed'
  /** A known type in an entry of another kind. */
  | 'wrong_kind';

export type DecodedContent = { readonly ok: true; readonly content: Content } | { readonly ok: false; readonly reason: ContentRefusal };

/** Throws RangeError on content that breaks its own bounds: check user input before. */
export function encodeContent(content: KnownContent): Uint8Array<ArrayBuffer> {
  const parsed = v.safeParse(Known, plain(content));
  if (!parsed.success) throw new RangeError(`content is out of bounds: ${v.getDotPath(parsed.issues[0]) ?? 'type'}`);
  return encodeCbor(parsed.output);
}

/** Never throws. */
export function decodeContent(kind: BodyKind, bytes: Uint8Array): DecodedContent {
  const decoded = decodeItem(bytes);
  if (decoded === null) return { ok: false, reason: 'malformed' };
  const typed = v.safeParse(Typed, decoded.item);
  if (!typed.success) return { ok: false, reason: 'malformed' };
  const name = typed.output.type;
  if (!isKnown(name)) return { ok: true, content: { type: 'unknown', name } };
  if (kindOf[name] !== kind) return { ok: false, reason: 'wrong_kind' };
  const parsed = v.safeParse(Known, decoded.item);
  return parsed.success ? { ok: true, content: plain(parsed.output) } : { ok: false, reason: 'malformed' };
}

/** [N1] Titles are neither written nor shown with what is not seen. */
function plain(content: KnownContent): KnownContent {
  if (content.type !== 'meta' || content.title.trim() === '') return content;
  return { ...content, title: withoutUnseen(content.title).trim() || '…' };
}

const isKnown = (name: string): name is KnownContent['type'] => Object.hasOwn(kindOf, name);
