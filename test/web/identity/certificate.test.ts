import fc from 'fast-check';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { certificateBytes, parseCertificate } from '#protocol/certificate.ts';
import { type DeviceId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { clockToleranceMs, verifyCertificate } from '../../../web/engine/identity/certificate.ts';
import { identityFromSeed, issueCertificate, makeIdentity } from '../../../web/engine/identity/identity.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const identity = identityFromSeed(filled(1, 32));
const userId = idFromBytes<UserId>(filled(2, 16));
const body = {
  userId, deviceId: idFromBytes<DeviceId>(filled(3, 16)), deviceKey: new Uint8Array(nacl.sign.keyPair.fromSeed(filled(4, 32)).publicKey),
  issuedAt: 1_000_000_000, expiresAt: 2_000_000_000,
};
const certificate = issueCertificate(identity, body);
const expected = { userId, identityKey: identity.publicKey, at: 1_500_000_000 };

describe('device certificates', () => {
  it('[E1] verifies what the identity issued', async () => {
    const check = await verifyCertificate(certificate, expected);
    expect(check).toMatchObject({ ok: true, certificate: { ...body, identityKey: identity.publicKey } });
    expect(certificate).toHaveLength(certificateBytes);
  });

  it('[E1] refuses every changed byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(certificateBytes - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const altered = certificate.slice();
        altered[at] = (altered[at] ?? 0) ^ change;
        expect((await verifyCertificate(altered, expected)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('[E1] says why: altered device, key or signature', async () => {
    for (const at of [17, 33, 72, 113, 176]) {
      const altered = certificate.slice();
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(await verifyCertificate(altered, expected)).toEqual({ ok: false, reason: 'bad_signature' });
    }
  });

  it('[E1] refuses a certificate of another person', async () => {
    const other = idFromBytes<UserId>(filled(9, 16));
    expect(await verifyCertificate(certificate, { ...expected, userId: other })).toEqual({ ok: false, reason: 'wrong_person' });
    expect(await verifyCertificate(issueCertificate(identity, { ...body, userId: other }), expected)).toEqual({ ok: false, reason: 'wrong_person' });
  });

  it('[E1] refuses a forger who signs with their own identity key, named or not', async () => {
    const forger = makeIdentity(systemRuntime);
    expect(await verifyCertificate(issueCertificate(forger, body), expected)).toEqual({ ok: false, reason: 'wrong_key' });
    const disguised = issueCertificate({ publicKey: identity.publicKey, seed: forger.seed }, body);
    expect(await verifyCertificate(disguised, expected)).toEqual({ ok: false, reason: 'bad_signature' });
  });

  it('[E1] refuses before and after its time, with the stated tolerance', async () => {
    const at = async (time: number) => {
      const check = await verifyCertificate(certificate, { ...expected, at: time });
      return check.ok ? 'ok' : check.reason;
    };
    expect(await at(body.issuedAt - clockToleranceMs - 1)).toBe('not_yet');
    expect(await at(body.issuedAt - clockToleranceMs)).toBe('ok');
    expect(await at(body.expiresAt + clockToleranceMs - 1)).toBe('ok');
    expect(await at(body.expiresAt + clockToleranceMs)).toBe('expired');
  });

  it('refuses other lengths, versions and impossible times without throwing', async () => {
    const version = certificate.slice();
    version[0] = 2;
    const hugeTime = certificate.slice().fill(0xff, 65, 73);
    for (const bytes of [version, hugeTime, certificate.slice(1), Uint8Array.of(...certificate, 0), filled(0, 0)]) {
      expect(await verifyCertificate(bytes, expected)).toEqual({ ok: false, reason: 'malformed' });
    }
    expect(parseCertificate(certificate)?.userId).toBe(userId);
  });

  it('refuses an identity key that is no point of the curve', async () => {
    const notAPoint = filled(0xff, 32);
    const bytes = certificate.slice();
    bytes.set(notAPoint, 81);
    expect(await verifyCertificate(bytes, { ...expected, identityKey: notAPoint })).toEqual({ ok: false, reason: 'bad_signature' });
  });
});
