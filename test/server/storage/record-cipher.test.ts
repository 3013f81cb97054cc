import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../../../server/ports/store.ts';
import { recordCipher, sealingBytes } from '../../../server/storage/sealed/record-cipher.ts';
import { bytesOf } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

const runtime = new FakeRuntime('cipher');
const cipher = (family = 'accounts', key = 'key') =>
  recordCipher(family, createSecretKey(bytesOf(key)), (length) => runtime.random(length));
const place = bytesOf('place', 16);

/** Family that the refusal names, or what came instead. */
function refusal(run: () => unknown): unknown {
  try {
    return run();
  } catch (cause) {
    return cause instanceof CorruptionError ? cause.family : cause;
  }
}

describe('sealed records', () => {
  it('[V1] open where they were sealed, and never look the same twice', () => {
    for (const length of [0, 1, 15, 16, 17, 5000]) {
      const plain = bytesOf('plain', length);
      const sealed = cipher().seal(place, plain);
      expect(sealed.length).toBe(length + sealingBytes);
      expect(cipher().open(place, sealed)).toEqual(plain);
      expect(cipher().seal(place, plain)).not.toEqual(sealed);
    }
  });

  it('refuse to open at another place, in another family or under another key', () => {
    const sealed = cipher().seal(place, bytesOf('plain'));
    expect(refusal(() => cipher().open(bytesOf('elsewhere', 16), sealed))).toBe('accounts');
    expect(refusal(() => cipher('vaults').open(place, sealed))).toBe('vaults');
    expect(refusal(() => cipher('accounts', 'other').open(place, sealed))).toBe('accounts');
  });

  it('refuse to open when any byte is altered, or when they are cut off', () => {
    const sealed = cipher().seal(place, bytesOf('plain', 40));
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = new Uint8Array(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(refusal(() => cipher().open(place, altered))).toBe('accounts');
      expect(refusal(() => cipher().open(place, sealed.subarray(0, at)))).toBe('accounts');
    }
  });

  it('do not let the name of a family run into the record key', () => {
    const sealed = cipher('ab').seal(new TextEncoder().encode('c'), bytesOf('plain'));
    expect(refusal(() => cipher('a').open(new TextEncoder().encode('bc'), sealed))).toBe('a');
  });
});
