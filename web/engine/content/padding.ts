/**
 * The plaintext of a sealed body: signature 64 · content length uint32 · content · zeros up to the next step [E10].
 *
 * Steps are powers of two from 128 bytes, and last the largest size that the frame bound allows. Padmé would waste less
 * (at most 12 %) but has a step every 16 bytes around 200 bytes, which is where chat lives; powers of two leave three or
 * four sizes for nearly everything that people type, at a cost of some hundred bytes a message.
 */
export const signatureBytes = 64;
export const insidePrefixBytes = signatureBytes + 4;
export const paddingStepBytesMin = 128;

/** Smallest step that holds `length` bytes; null when that is more than `lengthMax`. */
export function paddedLength(length: number, lengthMax: number): number | null {
  if (length > lengthMax) return null;
  let step = paddingStepBytesMin;
  while (step < length) step *= 2;
  return Math.min(step, lengthMax);
}

/** Null when the content is too long for `lengthMax`. */
export function pad(signature: Uint8Array, content: Uint8Array, lengthMax: number): Uint8Array<ArrayBuffer> | null {
  const length = paddedLength(insidePrefixBytes + content.length, lengthMax);
  if (length === null) return null;
  const inside = new Uint8Array(length);
  inside.set(signature);
  new DataView(inside.buffer).setUint32(signatureBytes, content.length);
  inside.set(content, insidePrefixBytes);
  return inside;
}

export type Unpadded =
  | { readonly ok: true; readonly signature: Uint8Array<ArrayBuffer>; readonly content: Uint8Array<ArrayBuffer> }
  | { readonly ok: false; readonly reason: 'length' | 'padding' };

/** Inverse of pad; `length`: the content would reach beyond the end; `padding`: not zeros, or not the step that belongs to the content. */
export function unpad(inside: Uint8Array<ArrayBuffer>, lengthMax: number): Unpadded {
  if (inside.length < insidePrefixBytes) return { ok: false, reason: 'length' };
  const contentLength = new DataView(inside.buffer, inside.byteOffset, inside.byteLength).getUint32(signatureBytes);
  const end = insidePrefixBytes + contentLength;
  if (end > inside.length) return { ok: false, reason: 'length' };
  if (paddedLength(end, lengthMax) !== inside.length) return { ok: false, reason: 'padding' };
  for (let at = end; at < inside.length; at += 1) if (inside[at] !== 0) return { ok: false, reason: 'padding' };
  return { ok: true, signature: inside.slice(0, signatureBytes), content: inside.slice(insidePrefixBytes, end) };
}
