/** Key packages and leaf nodes of MLS (RFC 9420 §7.2, §10), as far as the server reads them. */
import type { ByteReader } from './byte-reader.ts';
import { read } from './byte-reader.ts';
import { joinBytes, utf8, verifyEd25519 } from './digests.ts';

const mls10 = 1;
const credentialBasic = 1;
/** MLSMessage wire formats (RFC 9420 §17.2). */
export const wireFormat = { publicMessage: 1, welcome: 3, groupInfo: 4 } as const;

export interface LeafNode {
  readonly signatureKey: Uint8Array<ArrayBuffer>;
  /** Identity of its BasicCredential: our device certificate. */
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly source: 'key_package' | 'update' | 'commit';
  /** Seconds since 1970 when source is key_package. */
  readonly lifetime: { readonly notBefore: number; readonly notAfter: number } | null;
  /** What the signature covers, without the group id and leaf index that update and commit add. */
  readonly signedPart: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

export interface KeyPackage {
  readonly suite: number;
  readonly leaf: LeafNode;
  readonly signedPart: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Seconds as uint64; what exceeds a safe integer counts as the largest one. */
function seconds(reader: ByteReader): number {
  return Math.min(Number.MAX_SAFE_INTEGER, reader.uint(4) * 0x1_0000_0000 + reader.uint(4));
}

export function readLeafNode(reader: ByteReader): LeafNode {
  const start = reader.at;
  reader.skipOpaque();
  const signatureKey = reader.opaque();
  if (reader.uint(2) !== credentialBasic) reader.refuse();
  const identity = reader.opaque();
  for (let list = 0; list < 5; list += 1) reader.skipOpaque();
  const source = (['key_package', 'update', 'commit'] as const)[reader.uint(1) - 1] ?? reader.refuse();
  const lifetime = source === 'key_package' ? { notBefore: seconds(reader), notAfter: seconds(reader) } : null;
  if (source === 'commit') reader.skipOpaque();
  reader.skipOpaque();
  const signedPart = new Uint8Array(reader.bytes.slice(start, reader.at));
  return { signatureKey, identity, source, lifetime, signedPart, signature: reader.opaque() };
}

export function readKeyPackage(reader: ByteReader): KeyPackage {
  const start = reader.at;
  if (reader.uint(2) !== mls10) reader.refuse();
  const suite = reader.uint(2);
  reader.skipOpaque();
  const leaf = readLeafNode(reader);
  reader.skipOpaque();
  const signedPart = new Uint8Array(reader.bytes.slice(start, reader.at));
  return { suite, leaf, signedPart, signature: reader.opaque() };
}

/** From the start of an MLSMessage; refuses another version or format. */
export function readMessageHead(reader: ByteReader, format: number): void {
  if (reader.uint(2) !== mls10 || reader.uint(2) !== format) reader.refuse();
}

/** A bare KeyPackage, not an MLSMessage; null when it is anything else. */
export const parseKeyPackage = (bytes: Uint8Array): KeyPackage | null => read(bytes, readKeyPackage);

/** Length prefix of RFC 9420 §2.1.2. */
function vectorLength(length: number): Uint8Array {
  if (length < 64) return Uint8Array.of(length);
  if (length < 16_384) return Uint8Array.of(0x40 | (length >> 8), length & 0xff);
  return Uint8Array.of(0x80 | (length >> 24), (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/** VerifyWithLabel for Ed25519 suites (RFC 9420 §5.1.2). */
export function verifyWithLabel(key: Uint8Array, label: string, content: Uint8Array, signature: Uint8Array): boolean {
  const name = utf8(`MLS 1.0 ${label}`);
  return verifyEd25519(key, joinBytes(vectorLength(name.length), name, vectorLength(content.length), content), signature);
}

/** Whether a key package is signed by its own leaf's key, inside and out, and its leaf is one for key packages. */
export function isKeyPackageSigned(keyPackage: KeyPackage): boolean {
  const { leaf } = keyPackage;
  return (
    leaf.source === 'key_package' &&
    verifyWithLabel(leaf.signatureKey, 'LeafNodeTBS', leaf.signedPart, leaf.signature) &&
    verifyWithLabel(leaf.signatureKey, 'KeyPackageTBS', keyPackage.signedPart, keyPackage.signature)
  );
}
