/**
 * The small part of the MLS package that every start needs: group states as they are kept, and what is in their trees.
 * Beside library.ts the only importer of the package.
 */
import type { GroupState as LibraryState } from 'ts-mls/clientState.js';
import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import type { CiphersuiteName } from 'ts-mls/crypto/ciphersuite.js';
import type { LeafNode } from 'ts-mls/leafNode.js';

import { copyBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import type { LeafIdentity, SuiteId } from './types.ts';

export { decodeGroupState, encodeGroupState, type GroupState as LibraryState } from 'ts-mls/clientState.js';

export const suiteNames = {
  1: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  83: 'MLS_256_XWING_AES256GCM_SHA512_Ed25519',
} as const satisfies Record<SuiteId, CiphersuiteName>;

/** Throws `unsupported` for a suite that lanying does not use. */
export function suiteOf(name: CiphersuiteName): SuiteId {
  if (name === suiteNames[1]) return 1;
  if (name === suiteNames[83]) return 83;
  throw new MlsError('unsupported', 'cipher suite');
}

/** Credential and key of a leaf, copied. Throws `credential_refused` for anything but a basic credential. */
export function identityOf(leaf: Pick<LeafNode, 'credential' | 'signaturePublicKey'>): LeafIdentity {
  if (leaf.credential.credentialType !== 'basic' || !('identity' in leaf.credential)) {
    throw new MlsError('credential_refused', 'not a basic credential');
  }
  return { credential: copyBytes(leaf.credential.identity), signatureKey: copyBytes(leaf.signaturePublicKey) };
}

/** Decodes exactly the given bytes, from a copy. Throws `too_large` or `malformed`. */
export function decodeWhole<T>(decode: Decoder<T>, bytes: Uint8Array, bytesMax: number): T {
  if (bytes.length > bytesMax) throw new MlsError('too_large', `more than ${bytesMax} bytes`);
  let result: [T, number] | undefined;
  try {
    result = decode(copyBytes(bytes), 0);
  } catch (error) {
    throw new MlsError('malformed', 'cannot be decoded', error);
  }
  if (result === undefined || result[1] !== bytes.length) throw new MlsError('malformed', 'cannot be decoded');
  return result[0];
}

/** The leaf of an index, or null where it is blank or outside the tree. */
export function leafAt(tree: LibraryState['ratchetTree'], leaf: number): LeafNode | null {
  const node = tree[leaf * 2];
  return node?.nodeType === 'leaf' ? node.leaf : null;
}
