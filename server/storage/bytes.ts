/** Byte strings of record keys and sealed records. */
import { createHash } from 'node:crypto';

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Unsigned 32-bit big-endian, so that the order of bytes is the order of numbers. */
export function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A whole number of 0 … 2^53 - 1 from 8 bytes at `at`, big-endian; null when it is larger or cut off. */
export function readUint64(bytes: Uint8Array, at: number): number | null {
  if (bytes.length < at + 8) return null;
  const value = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
