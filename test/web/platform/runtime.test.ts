import { describe, expect, it } from 'vitest';
import { withoutPrf } from '../../../web/platform/browser/passkeys.ts';
import { toJson } from '../../../web/platform/post.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';

describe('system runtime', () => {
  it('fills random bytes beyond the limit of one call', () => {
    const bytes = systemRuntime.random(200_000);
    expect(bytes).toHaveLength(200_000);
    for (let at = 0; at + 64 <= bytes.length; at += 50_000) expect(bytes.subarray(at, at + 64).some((byte) => byte !== 0)).toBe(true);
    expect(systemRuntime.random(0)).toHaveLength(0);
  });

  it('runs a timer once, unless it was cancelled', async () => {
    const ran: string[] = [];
    const cancelled = systemRuntime.after(0, () => ran.push('cancelled'));
    const distant = systemRuntime.after(2 ** 40, () => ran.push('distant'));
    cancelled.cancel();
    await new Promise<void>((resolve) => systemRuntime.after(1, resolve));
    distant.cancel();
    expect(ran).toEqual([]);
  });
});

describe('what leaves the device', () => {
  it('carries no PRF result', () => {
    const prf = { enabled: true, results: { first: new Uint8Array(32).fill(7).buffer } };
    const split = withoutPrf({ id: 'credential', clientExtensionResults: { credProps: { rk: true }, prf } });
    expect(split).toEqual({ response: { id: 'credential', clientExtensionResults: { credProps: { rk: true } } }, credentialId: 'credential', prf: new Uint8Array(32).fill(7) });
    expect(withoutPrf({ id: 'a', clientExtensionResults: { prf: { enabled: true } } }).prf).toBeNull();
    expect(withoutPrf({ id: 'a', clientExtensionResults: {} }).prf).toBeNull();
    expect(withoutPrf({ id: 'a', clientExtensionResults: { prf: { results: { first: new ArrayBuffer(16) } } } }).prf).toBeNull();
  });

  it('is JSON with bytes as unpadded base64url', () => {
    expect(toJson({ a: [new Uint8Array(1)], b: null })).toBe('{"a":["AA"],"b":null}');
  });
});
