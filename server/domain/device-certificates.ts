/** Checks of device certificates and key packages ([D1], [K1]). Pure. */
import { type Certificate, parseCertificate, signedBytes } from '#protocol/certificate.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { keyPackagesPerPublishMax } from '#protocol/limits.ts';
import type { NewKeyPackage } from '#protocol/model.ts';
import { sameBytes, verifyEd25519 } from './digests.ts';
import { isKeyPackageSigned, parseKeyPackage } from './mls-key-package.ts';

/** A device's clock may be ahead of the server's by this much. */
const clockSkewMs = 5 * 60_000;

export interface CertificateExpectation {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly identityKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export type CertificateFault = 'malformed' | 'user' | 'device' | 'identity' | 'signature' | 'expired' | 'dated_ahead';

/** The certificate when it is the identity's word for exactly this device, now. */
export function checkCertificate(bytes: Uint8Array, expected: CertificateExpectation): Certificate | CertificateFault {
  const certificate = parseCertificate(bytes);
  if (certificate === null) return 'malformed';
  if (certificate.userId !== expected.userId) return 'user';
  if (certificate.deviceId !== expected.deviceId) return 'device';
  if (!sameBytes(certificate.identityKey, expected.identityKey)) return 'identity';
  if (!verifyEd25519(expected.identityKey, signedBytes(bytes), certificate.signature)) return 'signature';
  if (certificate.expiresAt <= expected.now) return 'expired';
  return certificate.issuedAt > expected.now + clockSkewMs ? 'dated_ahead' : certificate;
}

export type KeyPackageFault = 'too_many' | 'last_resort_twice' | 'malformed' | 'suite' | 'credential' | 'key' | 'lifetime' | 'signature';

function keyPackageFault(offered: NewKeyPackage, certificateBytes: Uint8Array, deviceKey: Uint8Array, now: number): KeyPackageFault | null {
  const keyPackage = parseKeyPackage(offered.bytes);
  if (keyPackage === null) return 'malformed';
  if (keyPackage.suite !== offered.suite) return 'suite';
  const { leaf } = keyPackage;
  if (!sameBytes(leaf.identity, certificateBytes)) return 'credential';
  if (!sameBytes(leaf.signatureKey, deviceKey)) return 'key';
  if (leaf.lifetime === null || leaf.lifetime.notAfter * 1000 <= now) return 'lifetime';
  return isKeyPackageSigned(keyPackage) ? null : 'signature';
}

/** Null when every package is this device's, signed by its key, and each suite has few enough of them. */
export function keyPackagesFault(
  offered: readonly NewKeyPackage[],
  certificateBytes: Uint8Array,
  now: number,
): KeyPackageFault | null {
  const certificate = parseCertificate(certificateBytes);
  if (certificate === null) return 'credential';
  for (const suite of new Set(offered.map((keyPackage) => keyPackage.suite))) {
    const ofSuite = offered.filter((keyPackage) => keyPackage.suite === suite);
    const lastResorts = ofSuite.filter((keyPackage) => keyPackage.lastResort).length;
    if (lastResorts > 1) return 'last_resort_twice';
    if (ofSuite.length - lastResorts > keyPackagesPerPublishMax) return 'too_many';
  }
  for (const keyPackage of offered) {
    const fault = keyPackageFault(keyPackage, certificateBytes, certificate.deviceKey, now);
    if (fault !== null) return fault;
  }
  return null;
}
