/**
 * Reads the presentation language of TLS and MLS (RFC 8446 §3, RFC 9420 §2.1). Every method throws Truncated when the
 * bytes end too early or a length is malformed; `read` turns that into null, so nothing thrown leaves this module.
 */
class Truncated extends Error {}

export class ByteReader {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get at(): number {
    return this.#at;
  }
  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.bytes.length - this.#at) throw new Truncated();
    const taken = new Uint8Array(this.bytes.slice(this.#at, this.#at + length));
    this.#at += length;
    return taken;
  }

  skip(length: number): void {
    if (length > this.bytes.length - this.#at) throw new Truncated();
    this.#at += length;
  }

  /** Unsigned big-endian of 1, 2 or 4 bytes. */
  uint(width: 1 | 2 | 4): number {
    let value = 0;
    for (let place = 0; place < width; place += 1) value = value * 256 + this.#byte();
    return value;
  }

  /** Throws when it is beyond what a number holds exactly: no epoch or index of ours is. */
  uint64(): number {
    const value = this.uint(4) * 0x1_0000_0000 + this.uint(4);
    if (!Number.isSafeInteger(value)) throw new Truncated();
    return value;
  }

  /** Variable-size vector length (RFC 9420 §2.1.2): 1, 2 or 4 bytes, in the shortest form. */
  length(): number {
    const first = this.#byte();
    const form = first >> 6;
    if (form === 3) throw new Truncated();
    let value = first & 63;
    for (let more = (1 << form) - 1; more > 0; more -= 1) value = value * 256 + this.#byte();
    if ((form === 1 && value < 64) || (form === 2 && value < 16_384)) throw new Truncated();
    return value;
  }

  opaque(): Uint8Array<ArrayBuffer> {
    return this.take(this.length());
  }

  skipOpaque(): void {
    this.skip(this.length());
  }

  /** Items of a vector; throws when the last one crosses its end or there are more than `itemsMax`. */
  vector<T>(itemsMax: number, item: (reader: ByteReader) => T): T[] {
    const inside = new ByteReader(this.opaque());
    const items: T[] = [];
    while (!inside.atEnd) {
      if (items.length === itemsMax) throw new Truncated();
      items.push(item(inside));
    }
    return items;
  }

  /** For values that the format allows and we do not. */
  refuse(): never {
    throw new Truncated();
  }

  #byte(): number {
    const value = this.bytes[this.#at];
    if (value === undefined) throw new Truncated();
    this.#at += 1;
    return value;
  }
}

/** Runs a parser over all of the bytes; null when it fails or leaves some over. */
export function read<T>(bytes: Uint8Array, parse: (reader: ByteReader) => T): T | null {
  const reader = new ByteReader(bytes);
  try {
    const value = parse(reader);
    return reader.atEnd ? value : null;
  } catch (cause) {
    if (cause instanceof Truncated) return null;
    throw cause;
  }
}
