import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeItem, decodeRequest, decodeServerFrame, encodeAnswer, encodeEvent, encodeRefusal, encodeRequest } from '#protocol/codec.ts';
import { frameBytesMax, nestingMax } from '#protocol/limits.ts';

const nested = (depth: number): Uint8Array => {
  const frame = new Uint8Array(depth + 1).fill(0x81);
  frame[depth] = 0;
  return frame;
};

describe('frames', () => {
  it('carries a request', () => {
    const frame = encodeRequest(7, 'session.ping', {});
    expect(decodeRequest(frame)).toEqual({ kind: 'request', id: 7, command: 'session.ping', input: {} });
  });

  it('carries answers, refusals and events', () => {
    expect(decodeServerFrame(encodeAnswer(1, { serverTime: 2 }))).toEqual({ kind: 'answer', id: 1, output: { serverTime: 2 } });
    expect(decodeServerFrame(encodeRefusal(1, 'rate.limited', { retryAfterMs: 5 }))).toEqual({
      kind: 'refusal', id: 1, code: 'rate.limited', detail: { retryAfterMs: 5 },
    });
    expect(decodeServerFrame(encodeEvent('draining', {}))).toEqual({ kind: 'event', name: 'draining', payload: {} });
  });

  it('[F2] tells a request that names no command from one that cannot be read', () => {
    expect(decodeRequest(encode([1, 9, 'no.such', {}]))).toEqual({ kind: 'unknown', id: 9 });
    expect(decodeRequest(encode([1, 9, 'toString', {}]))).toEqual({ kind: 'unknown', id: 9 });
    expect(decodeRequest(encode([1, -1, 'session.ping', {}]))).toBeNull();
    expect(decodeRequest(encode([2, 9, {}]))).toBeNull();
    expect(decodeRequest(encode({ id: 1 }))).toBeNull();
  });

  it('[F1] refuses duplicate keys, indefinite lengths, trailing bytes and truncation', () => {
    expect(decodeItem(Uint8Array.from([0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]))).toBeNull();
    expect(decodeItem(Uint8Array.from([0x9f, 0x01, 0xff]))).toBeNull();
    expect(decodeItem(Uint8Array.from([0x01, 0x02]))).toBeNull();
    expect(decodeItem(Uint8Array.from([0x82, 0x01]))).toBeNull();
    expect(decodeItem(Uint8Array.from([0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))).toBeNull();
    expect(decodeItem(new Uint8Array(0))).toBeNull();
  });

  it('[F1] refuses nesting beyond the bound and oversized frames, and takes what is just within', () => {
    expect(decodeItem(nested(nestingMax))).not.toBeNull();
    expect(decodeItem(nested(nestingMax + 1))).toBeNull();
    expect(decodeItem(nested(1_000_000))).toBeNull();
    expect(decodeItem(new Uint8Array(frameBytesMax + 1))).toBeNull();
  });

  it('[F1] never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (frame) => {
        const decoded = decodeItem(frame);
        decodeServerFrame(frame);
        const request = decodeRequest(frame);
        expect(request === null || decoded !== null).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('[F1] never throws on a valid frame with one byte changed', () => {
    const frame = encodeRequest(3, 'people.find', { handles: ['li', 'wang'], userIds: [] });
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = frame.slice();
        changed[at] = (changed[at] ?? 0) ^ change;
        const request = decodeRequest(changed);
        expect(request === null || request.id >= 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
