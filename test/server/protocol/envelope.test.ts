import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildSealed, chainInput, chainStart, type Entry, parseSealed, sealedAssociatedData, sealedBytesMin, type SealedContext,
} from '#protocol/envelope.ts';
import { bytesOfId, ConversationId, type DeviceId, fromBase64Url, type Generation, idFromBytes, type MessageId, toBase64Url, type UserId } from '#protocol/ids.ts';
import * as v from 'valibot';

const id = <T extends string & ReturnType<typeof idFromBytes>>(fill: number): T => idFromBytes<T>(new Uint8Array(16).fill(fill));
const conversation = id<ConversationId>(1);

describe('ids', () => {
  it('writes base64url as others do, both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = toBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64Url(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it('refuses characters, lengths and trailing bits that are not canonical', () => {
    for (const text of ['A', 'AA=', 'A+', 'AB', 'AAAAA']) expect(fromBase64Url(text)).toBeNull();
    expect(v.is(ConversationId, toBase64Url(new Uint8Array(16)))).toBe(true);
    for (const text of ['', 'AAAAAAAAAAAAAAAAAAAAAB', 'AAAAAAAAAAAAAAAAAAAAA', 42, null]) expect(v.is(ConversationId, text)).toBe(false);
    expect(bytesOfId(conversation)).toEqual(new Uint8Array(16).fill(1));
  });
});

describe('sealed bodies', () => {
  const header = {
    nonce: new Uint8Array(12).fill(7),
    seenSequence: 2 ** 40 + 5,
    seenHash: new Uint8Array(32).fill(9),
    ciphertext: new Uint8Array(40).fill(3),
  };

  it('splits what it built, also out of a larger buffer', () => {
    const body = buildSealed(header);
    expect(parseSealed(body)).toEqual(header);
    const around = new Uint8Array(body.length + 20);
    around.set(body, 10);
    expect(parseSealed(around.subarray(10, 10 + body.length))).toEqual(header);
  });

  it('refuses another version, what is too short, and sequences that are not safe', () => {
    const body = buildSealed(header);
    expect(parseSealed(body.subarray(0, sealedBytesMin - 1))).toBeNull();
    const other = body.slice();
    other[0] = 2;
    expect(parseSealed(other)).toBeNull();
    const unsafe = body.slice();
    unsafe.fill(0xff, 13, 21);
    expect(parseSealed(unsafe)).toBeNull();
  });

  it('binds every field of the context', () => {
    const context: SealedContext = {
      conversation, epoch: 1, device: id<DeviceId>(2), id: id<MessageId>(3), kind: 'message', seenSequence: 4, seenHash: new Uint8Array(32),
    };
    const variants: SealedContext[] = [
      context,
      { ...context, conversation: id<ConversationId>(9) },
      { ...context, epoch: 2 },
      { ...context, device: id<DeviceId>(9) },
      { ...context, id: id<MessageId>(9) },
      { ...context, kind: 'meta' },
      { ...context, kind: 'signal' },
      { ...context, seenSequence: 5 },
      { ...context, seenHash: new Uint8Array(32).fill(1) },
    ];
    const encodings = new Set(variants.map((variant) => toBase64Url(sealedAssociatedData(variant))));
    expect(encodings.size).toBe(variants.length);
  });
});

describe('running hash', () => {
  it('[L6] covers every field of an entry', () => {
    const entry: Omit<Entry, 'body' | 'hash'> = {
      sequence: 1, sentAt: 1, kind: 'message', epoch: 1, user: id<UserId>(2), device: id<DeviceId>(3), id: id<MessageId>(4),
    };
    const previous = new Uint8Array(32);
    const link = (changed: Partial<typeof entry>, body = new Uint8Array(32), before = previous, log = conversation): string =>
      toBase64Url(chainInput(before, log, { ...entry, ...changed }, body));
    const links = [
      link({}), link({ sequence: 2 }), link({ sentAt: 2 }), link({ kind: 'meta' }), link({ epoch: 2 }), link({ user: id<UserId>(9) }),
      link({ device: id<DeviceId>(9) }), link({ id: id<MessageId>(9) }), link({}, new Uint8Array(32).fill(1)),
      link({}, undefined, new Uint8Array(32).fill(1)), link({}, undefined, undefined, id<ConversationId>(9)),
    ];
    expect(new Set(links).size).toBe(links.length);
    expect(chainStart(conversation, id<Generation>(5))).not.toEqual(chainStart(conversation, id<Generation>(6)));
  });
});
