/**
 * Beside library-state.ts the only importer of the MLS package (RFC 9420): cipher suites on WebCrypto, typed errors, decoding with bounds, and
 * the library's functions for the siblings in this folder. Everybody else imports `index.ts`, where the library's types
 * do not appear. Runs in browsers (window, worker) and Node alike; X-Wing is a chunk of its own, loaded when first used.
 */
import { CipherSuite, DhkemX25519HkdfSha256, type KemInterface } from '@hpke/core';
import type { ClientConfig } from 'ts-mls/clientConfig.js';
import { type CiphersuiteImpl, getCiphersuiteFromName } from 'ts-mls/crypto/ciphersuite.js';
import { makeHashImpl } from 'ts-mls/crypto/implementation/default/makeHashImpl.js';
import { makeAead } from 'ts-mls/crypto/implementation/default/makeAead.js';
import { makeKdf, makeKdfImpl } from 'ts-mls/crypto/implementation/default/makeKdfImpl.js';
import { defaultRng } from 'ts-mls/crypto/implementation/default/rng.js';
import { makeGenericHpke } from 'ts-mls/crypto/implementation/hpke.js';
import type { Signature } from 'ts-mls/crypto/signature.js';
import { defaultKeyPackageEqualityConfig } from 'ts-mls/keyPackageEqualityConfig.js';
import { defaultKeyRetentionConfig } from 'ts-mls/keyRetentionConfig.js';
import type { LeafNode } from 'ts-mls/leafNode.js';
import { decodeMlsMessage, type MLSMessage } from 'ts-mls/message.js';
import {
  CodecError,
  CryptoError,
  CryptoVerificationError,
  MlsError as LibraryError,
  UsageError,
} from 'ts-mls/mlsError.js';
import { defaultPaddingConfig } from 'ts-mls/paddingConfig.js';

import { copyBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import { decodeWhole, identityOf, suiteNames } from './library-state.ts';
import type { CredentialCheck, DeviceSigner, SuiteId } from './types.ts';

export * from './library-state.ts';

export { createGroup as startGroup, joinGroup } from 'ts-mls/clientState.js';
export { createCommit, createGroupInfoWithExternalPubAndRatchetTree, joinGroupExternal } from 'ts-mls/createCommit.js';
export type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
export { type GroupInfo, ratchetTreeFromExtension } from 'ts-mls/groupInfo.js';
export {
  decodeKeyPackage,
  encodeKeyPackage,
  generateKeyPackageWithKey,
  type KeyPackage,
  makeKeyPackageRef,
  type PrivateKeyPackage,
} from 'ts-mls/keyPackage.js';
export { mlsExporter } from 'ts-mls/keySchedule.js';
export { encodeMlsMessage } from 'ts-mls/message.js';
export { processPublicMessage } from 'ts-mls/processMessages.js';
export type { Proposal } from 'ts-mls/proposal.js';
export { emptyPskIndex } from 'ts-mls/pskIndex.js';
export type { PublicMessage } from 'ts-mls/publicMessage.js';
export type { RatchetTree } from 'ts-mls/ratchetTree.js';
export { decryptGroupInfo, decryptGroupSecrets, type Welcome } from 'ts-mls/welcome.js';

/** draft-ietf-mls-extensions: last_resort, an extension of the key package without data. */
export const lastResortExtension = 0x000a;

/** What every leaf of ours says that it can do (RFC 9420 §7.2). */
export const capabilities = {
  versions: ['mls10' as const],
  ciphersuites: [suiteNames[1], suiteNames[83]],
  extensions: [lastResortExtension],
  proposals: [],
  credentials: ['basic' as const],
};

/** The library's own table brings every curve that it knows; these are the two of ours. */
const kems: Record<SuiteId, () => Promise<KemInterface>> = {
  1: () => Promise.resolve(new DhkemX25519HkdfSha256()),
  83: async () => new (await import('@hpke/hybridkem-x-wing')).XWing(),
};

type SuiteParts = Omit<CiphersuiteImpl, 'signature'>;
const loadedSuites = new Map<SuiteId, Promise<SuiteParts>>();

async function loadSuite(suite: SuiteId): Promise<SuiteParts> {
  const { name, hash, hpke } = getCiphersuiteFromName(suiteNames[suite]);
  const [aead, hpkeAead] = await makeAead(hpke.aead);
  return {
    name,
    hash: makeHashImpl(globalThis.crypto.subtle, hash),
    hpke: await makeGenericHpke(
      hpke,
      aead,
      new CipherSuite({ kem: await kems[suite](), kdf: makeKdf(hpke.kdf), aead: hpkeAead }),
    ),
    kdf: makeKdfImpl(makeKdf(hpke.kdf)),
    rng: defaultRng,
  };
}

/** Ed25519 through WebCrypto; a key or signature of the wrong shape verifies as false. */
async function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', copyBytes(publicKey), 'Ed25519', false, ['verify']);
  return subtle.verify('Ed25519', key, copyBytes(signature), copyBytes(message));
}

function signatureThrough(signer: DeviceSigner | null): Signature {
  return {
    sign: async (_key, message) => {
      if (signer === null) throw new MlsError('misuse', 'this operation does not sign');
      return signer.sign(message);
    },
    verify: verifyEd25519,
    keygen: () => Promise.reject(new MlsError('misuse', 'signature keys are made by the device')),
  };
}

/** The suite with signatures by the given signer; null where nothing is to be signed. */
export async function cipherSuite(suite: SuiteId, signer: DeviceSigner | null): Promise<CiphersuiteImpl> {
  let parts = loadedSuites.get(suite);
  if (parts === undefined) {
    parts = loadSuite(suite);
    loadedSuites.set(suite, parts);
    // A chunk that could not be fetched must not stay broken until the next reload.
    parts.catch(() => loadedSuites.delete(suite));
  }
  return { ...(await parts), signature: signatureThrough(signer) };
}

interface Gate {
  readonly config: ClientConfig;
  /** Runs a library call; its errors come out as `MlsError`, those of the credential check as they are. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
}

/** Library configuration for one operation, with our credential check behind every leaf. */
export function openGate(
  checkCredential: CredentialCheck,
  nowSeconds: number,
  equality: Partial<ClientConfig['keyPackageEqualityConfig']> = {},
): Gate {
  let failure: { readonly error: unknown } | null = null;
  const validateCredential = async (
    credential: LeafNode['credential'],
    signaturePublicKey: Uint8Array,
  ): Promise<boolean> => {
    try {
      const identity = identityOf({ credential, signaturePublicKey });
      if (await checkCredential(identity.credential, identity.signatureKey)) return true;
      failure ??= { error: new MlsError('credential_refused', 'the credential check refused a leaf') };
    } catch (error) {
      failure ??= { error };
    }
    return false;
  };
  return {
    config: {
      authService: { validateCredential },
      keyRetentionConfig: defaultKeyRetentionConfig,
      keyPackageEqualityConfig: { ...defaultKeyPackageEqualityConfig, ...equality },
      // Only who adds a key package looks at its lifetime: a reader that comes late must still follow the group.
      lifetimeConfig: { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false, now: () => BigInt(nowSeconds) },
      paddingConfig: defaultPaddingConfig,
    },
    attempt: async (work) => {
      try {
        return await work();
      } catch (error) {
        throw failure === null ? typed(error) : failure.error;
      }
    },
  };
}

/** Maps what the library or WebCrypto threw on remote bytes to a code of ours. */
function typed(error: unknown): MlsError {
  if (error instanceof MlsError) return error;
  if (error instanceof CodecError) return new MlsError('malformed', error.message, error);
  if (error instanceof CryptoVerificationError || error instanceof CryptoError)
    return new MlsError('crypto_failed', error.message, error);
  if (error instanceof UsageError) return new MlsError('unsupported', error.message, error);
  if (error instanceof LibraryError) return new MlsError('invalid', error.message, error);
  if (error instanceof DOMException) return new MlsError('crypto_failed', error.message, error);
  return new MlsError('invalid', 'the library failed', error);
}

/** An MLSMessage (RFC 9420 §6) of one wire format. Throws `too_large`, `malformed`, or `unsupported` for another format. */
export function decodeMessage<W extends MLSMessage['wireformat']>(
  wireformat: W,
  bytes: Uint8Array,
  bytesMax: number,
): Extract<MLSMessage, { wireformat: W }> {
  const message = decodeWhole(decodeMlsMessage, bytes, bytesMax);
  if (!isOfFormat(message, wireformat)) throw new MlsError('unsupported', `${message.wireformat}, not ${wireformat}`);
  return message;
}

function isOfFormat<W extends MLSMessage['wireformat']>(
  message: MLSMessage,
  wireformat: W,
): message is Extract<MLSMessage, { wireformat: W }> {
  return message.wireformat === wireformat;
}
