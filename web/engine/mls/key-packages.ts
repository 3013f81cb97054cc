/** Key packages (RFC 9420 §10): what a device leaves with the server so that others can add it while it is away. */
import { keyPackageBytesMax } from '#protocol/limits.ts';

import { copyBytes, packParts, unpackParts } from './bytes.ts';
import { MlsError } from './errors.ts';
import {
  capabilities,
  cipherSuite,
  type CiphersuiteImpl,
  decodeKeyPackage,
  decodeWhole,
  encodeKeyPackage,
  generateKeyPackageWithKey,
  identityOf,
  type KeyPackage,
  lastResortExtension,
  makeKeyPackageRef,
  type PrivateKeyPackage,
  suiteOf,
} from './library.ts';
import type { KeyPackageInspection, KeyPackageRequest, MadeKeyPackage, SuiteId } from './types.ts';

const secretsVersion = 1;

type Bundle = { readonly publicPackage: KeyPackage; readonly privatePackage: PrivateKeyPackage };

/** A fresh leaf and its HPKE keys, signed by the device. */
export function generateBundle(request: KeyPackageRequest, suite: CiphersuiteImpl): Promise<Bundle> {
  const { credential, signer, lifetime } = request;
  return generateKeyPackageWithKey(
    { credentialType: 'basic', identity: copyBytes(credential) },
    capabilities,
    { notBefore: BigInt(lifetime.notBefore), notAfter: BigInt(lifetime.notAfter) },
    request.lastResort === true ? [{ extensionType: lastResortExtension, extensionData: new Uint8Array() }] : [],
    { signKey: new Uint8Array(), publicKey: copyBytes(signer.publicKey) },
    suite,
  );
}

/** Makes a key package with its private part. Keep the private bytes (sealed) until a welcome used them or the lifetime ended. */
export async function makeKeyPackage(request: KeyPackageRequest): Promise<MadeKeyPackage> {
  const suite = await cipherSuite(request.suite, request.signer);
  const { publicPackage, privatePackage } = await generateBundle(request, suite);
  return {
    publicBytes: encodeKeyPackage(publicPackage),
    privateBytes: packParts(secretsVersion, [privatePackage.initPrivateKey, privatePackage.hpkePrivateKey]),
    reference: await makeKeyPackageRef(publicPackage, suite.hash),
  };
}

/** Throws `too_large`, `malformed`. */
export function parseKeyPackage(bytes: Uint8Array): KeyPackage {
  return decodeWhole(decodeKeyPackage, bytes, keyPackageBytesMax);
}

/** The private part as the library wants it. Throws `malformed`. */
export function parseKeyPackageSecrets(bytes: Uint8Array): PrivateKeyPackage {
  const [initPrivateKey, hpkePrivateKey] = unpackParts(secretsVersion, 2, bytes) ?? [];
  if (initPrivateKey === undefined || hpkePrivateKey === undefined)
    throw new MlsError('malformed', 'key package secrets');
  return { initPrivateKey, hpkePrivateKey, signaturePrivateKey: new Uint8Array() };
}

export function lifetimeOf(keyPackage: KeyPackage): KeyPackageInspection['lifetime'] {
  const { notBefore, notAfter } = keyPackage.leafNode.lifetime;
  return { notBefore: Number(notBefore), notAfter: Number(notAfter) };
}

/** What a key package says of itself; no signature is checked. Throws `too_large`, `malformed`, `unsupported`, `credential_refused`. */
export async function inspectKeyPackage(publicBytes: Uint8Array): Promise<KeyPackageInspection> {
  const keyPackage = parseKeyPackage(publicBytes);
  const suite: SuiteId = suiteOf(keyPackage.cipherSuite);
  return {
    ...identityOf(keyPackage.leafNode),
    suite,
    lifetime: lifetimeOf(keyPackage),
    lastResort: keyPackage.extensions.some(({ extensionType }) => extensionType === lastResortExtension),
    reference: await makeKeyPackageRef(keyPackage, (await cipherSuite(suite, null)).hash),
  };
}
