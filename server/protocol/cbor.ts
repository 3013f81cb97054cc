/**
 * CBOR (RFC 8949) as frames and records use it: null, booleans, numbers, text, byte strings, arrays and maps with text
 * keys. Nothing else is read: no tags, no indefinite lengths, no undefined, no integer beyond 2^53, and every head in its
 * shortest form (§4.2.1), so that what decodes has one meaning. On the path of every message; the tests hold it against
 * an independent implementation.
 */

/** Grows as needed and stays; larger ones are given up after use. */
let scratch = new Uint8Array(64 * 1024);
let view = new DataView(scratch.buffer);
let length = 0;
const scratchKeptMax = 4 * 1024 * 1024;

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function reserve(bytes: number): void {
  if (length + bytes <= scratch.length) return;
  const larger = new Uint8Array(Math.max(scratch.length * 2, length + bytes));
  larger.set(scratch.subarray(0, length));
  scratch = larger;
  view = new DataView(scratch.buffer);
}

/** Major type and argument in the shortest form; `argument` is an integer from 0 to 2^53 - 1. */
function head(major: number, argument: number): void {
  reserve(9);
  const type = major << 5;
  if (argument < 24) {
    scratch[length++] = type | argument;
  } else if (argument < 0x100) {
    scratch[length++] = type | 24;
    scratch[length++] = argument;
  } else if (argument < 0x1_0000) {
    scratch[length] = type | 25;
    view.setUint16(length + 1, argument);
    length += 3;
  } else if (argument < 0x1_0000_0000) {
    scratch[length] = type | 26;
    view.setUint32(length + 1, argument);
    length += 5;
  } else {
    scratch[length] = type | 27;
    view.setUint32(length + 1, Math.floor(argument / 0x1_0000_0000));
    view.setUint32(length + 5, argument >>> 0);
    length += 9;
  }
}

const shortText = 64;

function writeText(value: string): void {
  // Short and plain, as names of fields and ids are: its length in bytes is its length.
  if (value.length <= shortText) {
    head(3, value.length);
    reserve(value.length);
    const start = length;
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code > 127) break;
      scratch[length++] = code;
    }
    if (length - start === value.length) return;
    length = start - (value.length < 24 ? 1 : 2);
  }
  const bytes = textEncoder.encode(value);
  head(3, bytes.length);
  reserve(bytes.length);
  scratch.set(bytes, length);
  length += bytes.length;
}

function writeNumber(value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return value >= 0 ? head(0, value) : head(1, -1 - value);
  reserve(9);
  scratch[length] = 0xfb;
  view.setFloat64(length + 1, value);
  length += 9;
}

function writeObject(value: object): void {
  let fields = 0;
  for (const name in value) if (Object.hasOwn(value, name) && Reflect.get(value, name) !== undefined) fields += 1;
  head(5, fields);
  for (const name in value) {
    const field: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    if (field === undefined) continue;
    writeText(name);
    write(field);
  }
}

function write(value: unknown): void {
  if (typeof value === 'string') return writeText(value);
  if (typeof value === 'number') return writeNumber(value);
  if (value === null || typeof value === 'boolean') {
    reserve(1);
    scratch[length++] = value === null ? 0xf6 : value ? 0xf5 : 0xf4;
    return;
  }
  if (value instanceof Uint8Array) {
    head(2, value.length);
    reserve(value.length);
    scratch.set(value, length);
    length += value.length;
    return;
  }
  if (Array.isArray(value)) {
    head(4, value.length);
    for (const each of value) write(each);
    return;
  }
  if (typeof value !== 'object') throw new TypeError(`CBOR: a ${typeof value} has no form here`);
  writeObject(value);
}

/** Fields of an object in their order, without those that are undefined. Throws TypeError for what has no form here. */
export function encodeCbor(value: unknown): Uint8Array<ArrayBuffer> {
  length = 0;
  write(value);
  const encoded = scratch.slice(0, length);
  if (scratch.length > scratchKeptMax) {
    scratch = new Uint8Array(64 * 1024);
    view = new DataView(scratch.buffer);
  }
  return encoded;
}

export class CborError extends Error {
  override readonly name = 'CborError';
}

const fail = (why: string): never => {
  throw new CborError(why);
};

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #depthMax: number;
  #at = 0;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depthMax = depthMax;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  item(depth: number): unknown {
    const initial = this.#bytes[this.#at] ?? fail('cut off');
    this.#at += 1;
    const info = initial & 31;
    switch (initial >> 5) {
      case 0:
        return this.#argument(info);
      case 1:
        return this.#negative(info);
      case 2:
        // Not slice(): of a Buffer that would be no copy.
        return new Uint8Array(this.#take(this.#argument(info)));
      case 3:
        return this.#text(this.#argument(info));
      case 4:
        return this.#array(this.#argument(info), depth + 1);
      case 5:
        return this.#map(this.#argument(info), depth + 1);
      case 7:
        return this.#simple(info);
      default:
        return fail('a tag');
    }
  }

  #argument(info: number): number {
    if (info < 24) return info;
    const at = this.#at;
    if (info > 27) fail('an indefinite length or a reserved head');
    const width = 1 << (info - 24);
    if (at + width > this.#bytes.length) fail('cut off');
    this.#at += width;
    if (width === 1) return this.#shortest(this.#view.getUint8(at), 24);
    if (width === 2) return this.#shortest(this.#view.getUint16(at), 0x100);
    if (width === 4) return this.#shortest(this.#view.getUint32(at), 0x1_0000);
    const value = this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) fail('an integer beyond 2^53');
    return this.#shortest(value, 0x1_0000_0000);
  }

  #shortest(value: number, least: number): number {
    return value < least ? fail('a head that is not in its shortest form') : value;
  }

  #negative(info: number): number {
    const value = -1 - this.#argument(info);
    return Number.isSafeInteger(value) ? value : fail('an integer beyond 2^53');
  }

  #take(bytes: number): Uint8Array {
    if (bytes > this.#bytes.length - this.#at) fail('cut off');
    this.#at += bytes;
    return this.#bytes.subarray(this.#at - bytes, this.#at);
  }

  #text(bytes: number): string {
    const taken = this.#take(bytes);
    if (bytes > shortText) return decodeText(taken);
    let text = '';
    for (const code of taken) {
      if (code > 127) return decodeText(taken);
      text += String.fromCharCode(code);
    }
    return text;
  }

  #array(items: number, depth: number): unknown[] {
    this.#contained(items, depth);
    const found: unknown[] = [];
    for (let at = 0; at < items; at += 1) found.push(this.item(depth));
    return found;
  }

  #map(fields: number, depth: number): Record<string, unknown> {
    this.#contained(fields, depth);
    const found: Record<string, unknown> = {};
    for (let at = 0; at < fields; at += 1) {
      const initial = this.#bytes[this.#at] ?? fail('cut off');
      if (initial >> 5 !== 3) fail('a key that is no text');
      this.#at += 1;
      const name = this.#text(this.#argument(initial & 31));
      // Assigning to it would change what the object is.
      if (name === '__proto__') fail('a key that no field may have');
      if (Object.hasOwn(found, name)) fail('a key twice');
      found[name] = this.item(depth);
    }
    return found;
  }

  /** A container of so many items needs a byte for each at least: nothing is set aside for what is not there. */
  #contained(items: number, depth: number): void {
    if (depth > this.#depthMax) fail('nested too deep');
    if (items > this.#bytes.length - this.#at) fail('cut off');
  }

  #simple(info: number): unknown {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    if (info < 25 || info > 27) fail('a simple value that has no meaning here');
    const at = this.#at;
    const width = 1 << (info - 24);
    if (at + width > this.#bytes.length) fail('cut off');
    this.#at += width;
    return width === 8
      ? this.#view.getFloat64(at)
      : width === 4
        ? this.#view.getFloat32(at)
        : half(this.#view.getUint16(at));
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return textDecoder.decode(bytes);
  } catch {
    return fail('text that is not UTF-8');
  }
}

/** RFC 8949, appendix D. */
function half(word: number): number {
  const exponent = (word >> 10) & 31;
  const mantissa = word & 1023;
  const size =
    exponent === 0
      ? mantissa * 2 ** -24
      : exponent === 31
        ? mantissa === 0
          ? Infinity
          : NaN
        : (mantissa + 1024) * 2 ** (exponent - 25);
  return word & 0x8000 ? -size : size;
}

/** Deep enough for all that is kept; frames have a bound of their own. */
const depthDefault = 32;

/** Exactly one item. Throws CborError for anything else. Byte strings are copies. */
export function decodeCbor(bytes: Uint8Array, depthMax = depthDefault): unknown {
  const reader = new Reader(bytes, depthMax);
  const item = reader.item(0);
  return reader.done ? item : fail('bytes behind the item');
}
