import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { ciphersuites, getCiphersuiteFromName } from 'ts-mls/crypto/ciphersuite.js';
import { getCiphersuiteImpl } from 'ts-mls/crypto/getCiphersuiteImpl.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { expect, it } from 'vitest';

/** The vectors lie beside the checkout and are never copied into it. */
const folder = new URL('../../../../shared/vectors/', import.meta.url);

export const missingReason = `SKIPPED: no test vectors at ${fileURLToPath(folder)}`;

function present(path: string): boolean {
  return existsSync(new URL(path, folder));
}

/**
 * Runs a test over every vector of a file that the filter lets through, or skips it loudly. The shape is what the
 * published files have; a wrong one fails the test.
 */
export function onVectors<T>(
  path: string,
  title: string,
  check: (vector: T, index: number) => Promise<void> | void,
  keep: (vector: T) => boolean = () => true,
): void {
  if (!present(path)) {
    console.warn(`${missingReason}${path}: ${title}`);
    it.skip(`${path}: ${title} — ${missingReason}`, () => undefined);
    return;
  }
  it(`${path}: ${title}`, { timeout: 120_000 }, async () => {
    const all: T[] = JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
    const kept = all.filter(keep);
    expect(kept.length).toBeGreaterThan(0);
    for (const [index, vector] of kept.entries()) await check(vector, index);
  });
}

/** The same for Wycheproof's files: one object with groups of tests. */
export function onWycheproof<G>(path: string, title: string, check: (group: G) => Promise<void> | void): void {
  if (!present(path)) {
    console.warn(`${missingReason}${path}: ${title}`);
    it.skip(`${path}: ${title} — ${missingReason}`, () => undefined);
    return;
  }
  it(`${path}: ${title}`, { timeout: 120_000 }, async () => {
    const file: { testGroups: G[] } = JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
    expect(file.testGroups.length).toBeGreaterThan(0);
    for (const group of file.testGroups) await check(group);
  });
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** Suites whose primitives are installed: 1 and 3 (X25519, Ed25519, SHA-256; AES-128-GCM and ChaCha20-Poly1305). */
export const runnable = ({ cipher_suite }: { cipher_suite: number }): boolean => cipher_suite === 1 || cipher_suite === 3;

export function suiteOfVector({ cipher_suite }: { cipher_suite: number }): Promise<CiphersuiteImpl> {
  const name =
    cipher_suite === 1 ? 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519' : 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519';
  expect(ciphersuites[name]).toBe(cipher_suite);
  return getCiphersuiteImpl(getCiphersuiteFromName(name));
}

/** Decodes all of a hex string. */
export function whole<T>(decode: (b: Uint8Array, offset: number) => [T, number] | undefined, hexBytes: string): T {
  const encoded = bytes(hexBytes);
  const decoded = decode(encoded, 0);
  if (decoded === undefined || decoded[1] !== encoded.length) throw new Error('does not decode');
  return decoded[0];
}

/** The group context of a vector, without extensions. */
export function context(
  suite: CiphersuiteImpl,
  parts: { group_id: string; epoch: number; tree_hash: string; confirmed_transcript_hash: string },
): GroupContext {
  return {
    version: 'mls10',
    cipherSuite: suite.name,
    groupId: bytes(parts.group_id),
    epoch: BigInt(parts.epoch),
    treeHash: bytes(parts.tree_hash),
    confirmedTranscriptHash: bytes(parts.confirmed_transcript_hash),
    extensions: [],
  };
}
