/** A copy on a buffer of its own: later changes or transfers of the caller's buffer do not reach it. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Compares public values; not constant in time. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** [version, (length uint16, bytes)…]: our own framing of a few short secrets. */
export function packParts(version: number, parts: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(1 + parts.reduce((sum, part) => sum + 2 + part.length, 0));
  packed[0] = version;
  let offset = 1;
  for (const part of parts) {
    packed.set([part.length >> 8, part.length & 0xff], offset);
    packed.set(part, offset + 2);
    offset += 2 + part.length;
  }
  return packed;
}

/** The parts of `packParts`, or null where version, count or lengths do not fit. */
export function unpackParts(version: number, count: number, packed: Uint8Array): Uint8Array[] | null {
  if (packed[0] !== version) return null;
  const parts: Uint8Array[] = [];
  let offset = 1;
  while (parts.length < count) {
    const high = packed[offset];
    const low = packed[offset + 1];
    if (high === undefined || low === undefined) return null;
    const end = offset + 2 + (high << 8) + low;
    if (end > packed.length) return null;
    parts.push(packed.slice(offset + 2, end));
    offset = end;
  }
  return offset === packed.length ? parts : null;
}
