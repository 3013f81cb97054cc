/**
 * The key directory: who has which identity key, which devices it vouches for and which of them are gone, as leaves of
 * one append-only Merkle tree (merkle.ts). Both sides make the same leaf from what they hold, so a leaf names nobody.
 *
 * Layout, 66 bytes: version 1 · kind 1 · subject 32 · content 32.
 * subject: SHA-256("lanying directory person 1" · user id 16).
 * content: SHA-256 of, by kind,
 *   identity  "lanying directory identity 1" · user id 16 · Ed25519 identity key 32
 *   device    "lanying directory device 1" · device certificate (certificate.ts)
 *   revoked   "lanying directory revoked 1" · user id 16 · device id 16
 * A second identity leaf of a subject replaces the first.
 */
import { bytesOfId, type DeviceId, type UserId } from './ids.ts';
import { type Digest, hashBytes } from './merkle.ts';

/** Order is part of the stored format: the index is the byte that is hashed. */
export const directoryKinds = ['identity', 'device', 'revoked'] as const;
export type DirectoryKind = (typeof directoryKinds)[number];

export const directoryLeafBytes = 2 + 2 * hashBytes;
const version = 1;
const utf8 = new TextEncoder();

export interface DirectoryLeaf {
  readonly kind: DirectoryKind;
  readonly subject: Uint8Array<ArrayBuffer>;
  readonly content: Uint8Array<ArrayBuffer>;
}

function hashed(digest: Digest, context: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = [utf8.encode(context), ...parts];
  const input = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    input.set(part, at);
    at += part.length;
  }
  return new Uint8Array(digest(input));
}

export const directorySubject = (digest: Digest, userId: UserId): Uint8Array<ArrayBuffer> =>
  hashed(digest, 'lanying directory person 1', bytesOfId(userId));

function leafOf(digest: Digest, kind: DirectoryKind, userId: UserId, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const leaf = new Uint8Array(directoryLeafBytes);
  leaf[0] = version;
  leaf[1] = directoryKinds.indexOf(kind);
  leaf.set(directorySubject(digest, userId), 2);
  leaf.set(content, 2 + hashBytes);
  return leaf;
}

/** `identityKey`: Ed25519, 32 bytes. */
export const identityLeaf = (digest: Digest, userId: UserId, identityKey: Uint8Array): Uint8Array<ArrayBuffer> =>
  leafOf(digest, 'identity', userId, hashed(digest, 'lanying directory identity 1', bytesOfId(userId), identityKey));

/** `certificate`: as it is in the credential, signature and all. */
export const deviceLeaf = (digest: Digest, userId: UserId, certificate: Uint8Array): Uint8Array<ArrayBuffer> =>
  leafOf(digest, 'device', userId, hashed(digest, 'lanying directory device 1', certificate));

export const revokedLeaf = (digest: Digest, userId: UserId, deviceId: DeviceId): Uint8Array<ArrayBuffer> =>
  leafOf(
    digest,
    'revoked',
    userId,
    hashed(digest, 'lanying directory revoked 1', bytesOfId(userId), bytesOfId(deviceId)),
  );

/** Null for anything but a leaf of this version. */
export function parseDirectoryLeaf(bytes: Uint8Array): DirectoryLeaf | null {
  const kind = directoryKinds[bytes[1] ?? directoryKinds.length];
  if (bytes.length !== directoryLeafBytes || bytes[0] !== version || kind === undefined) return null;
  const own = new Uint8Array(bytes);
  return { kind, subject: own.slice(2, 2 + hashBytes), content: own.slice(2 + hashBytes) };
}
