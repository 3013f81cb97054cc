/** Wycheproof's edge cases against the primitives as lanying calls them, in browsers, in MLS and on the server. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

import nacl from 'tweetnacl';
import { describe, expect } from 'vitest';

import { cipherSuite } from '../../../web/engine/mls/library.ts';
import { hex } from './people.ts';
import { bytes, onWycheproof } from './vectors.ts';

interface Case {
  tcId: number;
  comment: string;
  flags: string[];
  result: 'valid' | 'invalid' | 'acceptable';
}
type Aead = {
  ivSize: number;
  keySize: number;
  tagSize: number;
  tests: (Case & Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string>)[];
};
type Signatures = { publicKey: { pk: string }; tests: (Case & Record<'msg' | 'sig', string>)[] };
type Hkdf = { tests: (Case & Record<'ikm' | 'salt' | 'info' | 'okm', string> & { size: number })[] };
type Agreement = { tests: (Case & Record<'public' | 'private' | 'shared', string>)[] };

/** Null where the primitive refused. */
async function orNull<T>(work: () => T | Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

const source = (hexBytes: string): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes(hexBytes));

async function aesGcm(group: Aead): Promise<void> {
  if (group.ivSize !== 96 || group.tagSize !== 128 || group.keySize === 192) return;
  for (const { tcId, key, iv, aad, msg, ct, tag, result } of group.tests) {
    const secret = await crypto.subtle.importKey('raw', source(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
    const params = { name: 'AES-GCM', iv: source(iv), additionalData: source(aad) };
    const opened = await orNull(async () => hex(new Uint8Array(await crypto.subtle.decrypt(params, secret, source(ct + tag)))));
    expect(opened, `case ${tcId}`).toBe(result === 'valid' ? msg : null);
    if (result === 'valid') expect(hex(new Uint8Array(await crypto.subtle.encrypt(params, secret, source(msg))))).toBe(ct + tag);
  }
}

/** The server never gives a tag another length than 16 nor a nonce another than 12. */
async function chacha20Poly1305(group: Aead): Promise<void> {
  if (group.ivSize !== 96) return;
  for (const { tcId, key, iv, aad, msg, ct, tag, result } of group.tests) {
    const opened = await orNull(() => {
      const open = createDecipheriv('chacha20-poly1305', bytes(key), bytes(iv), { authTagLength: 16 });
      open.setAAD(bytes(aad), { plaintextLength: ct.length / 2 });
      open.setAuthTag(bytes(tag));
      return open.update(bytes(ct)).toString('hex') + open.final().toString('hex');
    });
    expect(opened, `case ${tcId}`).toBe(result === 'valid' ? msg : null);
    if (result !== 'valid') continue;
    const seal = createCipheriv('chacha20-poly1305', bytes(key), bytes(iv), { authTagLength: 16 });
    seal.setAAD(bytes(aad), { plaintextLength: msg.length / 2 });
    expect(seal.update(bytes(msg)).toString('hex') + seal.final().toString('hex') + seal.getAuthTag().toString('hex')).toBe(
      ct + tag,
    );
  }
}

async function ed25519OfMls(group: Signatures): Promise<void> {
  const { signature } = await cipherSuite(1, null);
  for (const { tcId, msg, sig, result } of group.tests) {
    expect(await signature.verify(bytes(group.publicKey.pk), bytes(msg), bytes(sig)), `case ${tcId}`).toBe(result === 'valid');
  }
}

/** Cases that tweetnacl accepts although s is not below L: the reason why signature bytes never identify anything. */
const malleable = new Set([63, 64, 65, 66, 85]);

/** tweetnacl throws on a signature that has not 64 bytes; callers look at the length first. */
async function ed25519OfTweetnacl(group: Signatures): Promise<void> {
  for (const { tcId, msg, sig, result } of group.tests) {
    const verify = (): boolean => nacl.sign.detached.verify(bytes(msg), bytes(sig), bytes(group.publicKey.pk));
    if (sig.length !== 128) expect(verify, `case ${tcId}`).toThrow('bad signature size');
    else expect(verify(), `case ${tcId}`).toBe(result === 'valid' || malleable.has(tcId));
  }
}

async function hkdf(group: Hkdf): Promise<void> {
  const { kdf } = await cipherSuite(1, null);
  for (const { tcId, ikm, salt, info, size, okm, result } of group.tests) {
    const derived = await orNull(async () => {
      const key = await crypto.subtle.importKey('raw', source(ikm), 'HKDF', false, ['deriveBits']);
      const params = { name: 'HKDF', hash: 'SHA-256', salt: source(salt), info: source(info) };
      return hex(new Uint8Array(await crypto.subtle.deriveBits(params, key, size * 8)));
    });
    expect(derived, `case ${tcId}`).toBe(result === 'valid' ? okm : null);
    // MLS extracts with salts of one hash or none only (RFC 9420 §8), and so does its library.
    const prk = createHmac('sha256', bytes(salt)).update(bytes(ikm)).digest();
    if (salt.length === 0 || salt.length === 64)
      expect(hex(await kdf.extract(bytes(salt), bytes(ikm)))).toBe(prk.toString('hex'));
    const inMls = await orNull(async () => hex(await kdf.expand(Uint8Array.from(prk), bytes(info), size)));
    expect(inMls, `case ${tcId} in MLS`).toBe(result === 'valid' ? okm : null);
  }
}

/** X25519 in HPKE, as MLS calls it: the private key comes as raw bytes, the shared secret never leaves the library. */
async function x25519(group: Agreement): Promise<void> {
  const { hpke } = await cipherSuite(1, null);
  const info = new Uint8Array([1]);
  for (const { tcId, flags, public: theirs, private: ours, shared } of group.tests) {
    const privateKey = await hpke.importPrivateKey(bytes(ours));
    const publicKey = await hpke.importPublicKey(bytes(theirs));
    const agreed = await orNull(async () =>
      hex(new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: publicKey }, privateKey, 256))),
    );
    const allZero = flags.includes('ZeroSharedSecret');
    expect(agreed, `case ${tcId}`).toBe(allZero ? null : shared);
    if (!allZero) continue;
    // RFC 9180 §7.1.4: an all-zero secret must be refused by sender and recipient.
    expect(await orNull(() => hpke.seal(publicKey, info, info)), `case ${tcId}, seal`).toBeNull();
    expect(await orNull(() => hpke.open(privateKey, bytes(theirs), new Uint8Array(32), info)), `case ${tcId}, open`).toBeNull();
  }
}

describe('Wycheproof', () => {
  onWycheproof<Aead>('wycheproof/aes_gcm_test.json', 'WebCrypto AES-GCM, 96-bit nonces', aesGcm);
  onWycheproof<Aead>('wycheproof/chacha20_poly1305_test.json', 'node:crypto ChaCha20-Poly1305', chacha20Poly1305);
  onWycheproof<Signatures>('wycheproof/ed25519_test.json', 'Ed25519 of MLS (WebCrypto)', ed25519OfMls);
  onWycheproof<Signatures>('wycheproof/ed25519_test.json', 'Ed25519 of tweetnacl, malleable as documented', ed25519OfTweetnacl);
  onWycheproof<Hkdf>('wycheproof/hkdf_sha256_test.json', 'HKDF of WebCrypto and of MLS', hkdf);
  onWycheproof<Agreement>('wycheproof/x25519_test.json', 'X25519 in HPKE', x25519);
});
