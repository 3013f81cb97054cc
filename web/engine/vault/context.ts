/** Byte strings that bind a sealed thing to its place. */
export const vaultKeyBytes = 32;

const text = new TextEncoder();

/** A constant label and the fields behind it, each of fixed length or the last one: no two lists give the same bytes. */
export function context(label: string, ...fields: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([text.encode(label), ...fields].flatMap((part) => [...part]));
}
