/**
 * A file on disk: header 512 · chunks. The header holds the file's own key, sealed under the data key of its
 * conversation's files and day, and is overwritten before the file is unlinked. A chunk: nonce 12 · ciphertext of 65,536 bytes
 * (the last one: what is left) · tag 16, ChaCha20-Poly1305 (RFC 8439). Associated data: format version 1 · p(file) 16 · index 4, so a chunk
 * opens only in its own file and at its own place. The content is ciphertext of the clients already: this layer is there
 * so that erasing a few bytes erases the file, and that damage is found.
 */
import { createCipheriv, createDecipheriv, createHash, type KeyObject } from 'node:crypto';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, uint32 } from '../bytes.ts';

export const headerBytes = 512;
export const chunkBytes = 64 * 1024;
const nonceBytes = 12;
const tagBytes = 16;
export const sealedChunkBytes = nonceBytes + chunkBytes + tagBytes;
export const chunkSealingBytes = nonceBytes + tagBytes;

const format = Uint8Array.of(1);
const algorithm = 'chacha20-poly1305';
const options = { authTagLength: tagBytes };

export const chunkIndexOf = (position: number): number => Math.floor(position / chunkBytes);
export const chunkPlace = (index: number): number => headerBytes + index * sealedChunkBytes;

export const firstDigest = (): Uint8Array<ArrayBuffer> => new Uint8Array(32);

/** What the digest becomes behind one more chunk: the tag stands for its content. */
export function nextDigest(digest: Uint8Array, tag: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(digest).update(tag).digest());
}

export interface SealedChunk {
  readonly parts: readonly Uint8Array[];
  readonly tag: Uint8Array;
  /** Bytes of all parts. */
  readonly length: number;
}

export const tagOf = (sealed: Uint8Array): Uint8Array => sealed.subarray(sealed.length - tagBytes);

export class ChunkCipher {
  readonly #key: KeyObject;
  readonly #prefix: Uint8Array;
  readonly #random: (length: number) => Uint8Array;

  /** `place`: p(file). */
  constructor(key: KeyObject, place: Uint8Array, random: (length: number) => Uint8Array) {
    this.#key = key;
    this.#prefix = joinBytes(format, place);
    this.#random = random;
  }

  /** `plain`: at most chunkBytes. Its parts in order: what writes them together need not copy them together. */
  seal(index: number, plain: Uint8Array): SealedChunk {
    const nonce = this.#random(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce, options);
    cipher.setAAD(joinBytes(this.#prefix, uint32(index)), { plaintextLength: plain.length });
    const body = cipher.update(plain);
    cipher.final();
    const tag = cipher.getAuthTag();
    return { parts: [nonce, body, tag], tag, length: nonce.length + body.length + tag.length };
  }

  /** Throws CorruptionError('files') when it is altered, of another file or place, or cut off. */
  open(index: number, sealed: Uint8Array): Uint8Array {
    if (sealed.length < chunkSealingBytes) throw new CorruptionError('files', 'a file is cut off');
    const decipher = createDecipheriv(algorithm, this.#key, sealed.subarray(0, nonceBytes), options);
    const body = sealed.subarray(nonceBytes, sealed.length - tagBytes);
    decipher.setAAD(joinBytes(this.#prefix, uint32(index)), { plaintextLength: body.length });
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plain = decipher.update(body);
    try {
      decipher.final();
    } catch {
      // The library says no more than that the tag is wrong.
      throw new CorruptionError('files', 'a part of a file does not open at its place');
    }
    return plain;
  }
}
