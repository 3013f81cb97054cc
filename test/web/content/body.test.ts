import fc from 'fast-check';
import nacl from 'tweetnacl';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSealed, sealedAssociatedData } from '#protocol/envelope.ts';
import { type ConversationId, type DeviceId, idFromBytes, type MessageId } from '#protocol/ids.ts';
import { messageBytesMax, signalBytesMax } from '#protocol/limits.ts';
import { BodyCipher, contentBytesMax, type OuterFields, signalId } from '../../../web/engine/content/body.ts';
import { pad, paddedLength } from '../../../web/engine/content/padding.ts';
import { type EpochSecret, SenderKeys } from '../../../web/engine/content/sender-keys.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const secret: EpochSecret = { conversation: idFromBytes<ConversationId>(filled(1, 16)), epoch: 7, contentKey: filled(2, 32) };
const outer: OuterFields = { device: idFromBytes<DeviceId>(filled(3, 16)), id: idFromBytes<MessageId>(filled(4, 16)), kind: 'message' };
const seen = { seenSequence: 41, seenHash: filled(5, 32) };
const pair = nacl.sign.keyPair.fromSeed(filled(6, 32));
const deviceKey = new Uint8Array(pair.publicKey);
const signer = { sign: async (data: Uint8Array) => new Uint8Array(nacl.sign.detached(data, pair.secretKey)) };
const cipher = new BodyCipher(systemRuntime);

async function sealed(content: Uint8Array<ArrayBuffer>, fields = outer) {
  const outcome = await cipher.seal(secret, fields, seen, content, signer);
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.body;
}

/** Seals any inside under the right key, as a hostile member could. */
async function sealedInside(inside: Uint8Array<ArrayBuffer>) {
  const key = await new SenderKeys().get(secret, outer.device, 'sender');
  const nonce = systemRuntime.random(12);
  const additionalData = sealedAssociatedData({ ...secret, ...outer, ...seen });
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData }, key, inside));
  return buildSealed({ nonce, ...seen, ciphertext });
}
const signatureOf = (content: Uint8Array) =>
  signer.sign(Uint8Array.of(...sealedAssociatedData({ ...secret, ...outer, ...seen }), ...content));

describe('sealed bodies', () => {
  let body: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    body = await sealed(filled(9, 10));
  });

  it('[E3] opens what was sealed, for every kind and length', async () => {
    const kinds = fc.constantFrom('message', 'meta', 'leave', 'signal');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), kinds, async (bytes, kind) => {
        const content = new Uint8Array(bytes);
        const fields = { ...outer, kind, id: kind === 'signal' ? signalId : outer.id };
        const opened = await cipher.open(secret, fields, await sealed(content, fields), deviceKey);
        expect(opened).toEqual({ ok: true, content, ...seen });
      }),
      { numRuns: 40 },
    );
  });

  it('[E3] refuses every changed byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const altered = body.slice();
        altered[at] = (altered[at] ?? 0) ^ change;
        const opened = await cipher.open(secret, outer, altered, deviceKey);
        expect(opened.ok).toBe(false);
        if (!opened.ok && at === 0) expect(opened.reason).toBe('version');
        if (!opened.ok && at > 20) expect(opened.reason).toBe('not_authentic');
      }),
      { numRuns: 200 },
    );
  });

  it('[E3] refuses a body under any other outer field or epoch key', async () => {
    const other = { conversation: idFromBytes<ConversationId>(filled(8, 16)), epoch: 8, contentKey: filled(8, 32) };
    const fields = { device: idFromBytes<DeviceId>(filled(8, 16)), id: idFromBytes<MessageId>(filled(8, 16)), kind: 'meta' as const };
    const attempts = [
      ...Object.entries(other).map(([name, value]) => cipher.open({ ...secret, [name]: value }, outer, body, deviceKey)),
      ...Object.entries(fields).map(([name, value]) => cipher.open(secret, { ...outer, [name]: value }, body, deviceKey)),
    ];
    expect(attempts).toHaveLength(6);
    for (const opened of await Promise.all(attempts)) expect(opened).toEqual({ ok: false, reason: 'not_authentic' });
  });

  it('[E3] refuses a signature of another device, and bytes that are no key', async () => {
    for (const key of [new Uint8Array(nacl.sign.keyPair().publicKey), filled(0xff, 32), filled(1, 31)]) {
      expect(await cipher.open(secret, outer, body, key)).toEqual({ ok: false, reason: 'signature' });
    }
  });

  it('[E3] refuses a signature over other content or other associated data', async () => {
    const content = filled(9, 10);
    const elsewhere = await signer.sign(Uint8Array.of(...sealedAssociatedData({ ...secret, ...outer, ...seen, epoch: 6 }), ...content));
    for (const signature of [await signatureOf(filled(9, 11)), elsewhere, filled(0, 64)]) {
      const inside = pad(signature, content, messageBytesMax);
      expect(inside).not.toBeNull();
      if (inside !== null) expect(await cipher.open(secret, outer, await sealedInside(inside), deviceKey)).toEqual({ ok: false, reason: 'signature' });
    }
  });

  it('[E10] refuses an inside that is not padded to its step with zeros', async () => {
    const content = filled(9, 10);
    const inside = pad(await signatureOf(content), content, messageBytesMax) ?? filled(0, 0);
    expect(inside).toHaveLength(128);
    const dirty = inside.slice();
    dirty[127] = 1;
    const longer = Uint8Array.of(...inside, ...filled(0, 128));
    const bare = inside.slice(0, 78);
    for (const wrong of [dirty, longer, bare]) {
      expect(await cipher.open(secret, outer, await sealedInside(wrong), deviceKey)).toEqual({ ok: false, reason: 'padding' });
    }
  });

  it('[E3] refuses a content length beyond the end', async () => {
    const inside = pad(filled(0, 64), filled(9, 10), messageBytesMax) ?? filled(0, 0);
    new DataView(inside.buffer).setUint32(64, 61);
    for (const wrong of [inside, filled(0, 67), filled(0, 0)]) {
      expect(await cipher.open(secret, outer, await sealedInside(wrong), deviceKey)).toEqual({ ok: false, reason: 'length' });
    }
  });

  it('never throws on hostile bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, ours) => {
        const hostile = new Uint8Array(bytes);
        if (ours) hostile[0] = 1;
        expect((await cipher.open(secret, outer, hostile, deviceKey)).ok).toBe(false);
      }),
    );
    expect(await cipher.open(secret, outer, filled(1, messageBytesMax + 1), deviceKey)).toEqual({ ok: false, reason: 'malformed' });
    expect(await cipher.open(secret, outer, filled(0xff, 100).fill(1, 0, 1), deviceKey)).toEqual({ ok: false, reason: 'malformed' });
  });

  it('fits the longest content into the frame bounds, and refuses one byte more', async () => {
    for (const [kind, bound] of [['message', messageBytesMax], ['signal', signalBytesMax]] as const) {
      const longest = filled(1, contentBytesMax(kind));
      const fields = { ...outer, kind };
      expect(await sealed(longest, fields)).toHaveLength(bound);
      expect(await cipher.seal(secret, fields, seen, filled(1, longest.length + 1), signer)).toEqual({ ok: false, reason: 'too_long' });
    }
  });

  it('[E10] shows lengths only in steps', async () => {
    const lengths = new Set<number>();
    for (const length of [0, 1, 20, 60]) lengths.add((await sealed(filled(1, length))).length);
    expect([...lengths]).toEqual([53 + 128 + 16]);
    expect([1, 128, 129, 256, 257, 60_000].map((length) => paddedLength(length, 65_467))).toEqual([128, 128, 256, 256, 512, 65_467]);
    expect(paddedLength(65_468, 65_467)).toBeNull();
  });
});

describe('sender keys', () => {
  it('are bounded, not extractable, and not reused for another content key of the same epoch', async () => {
    const keys = new SenderKeys(2);
    const first = await keys.get(secret, outer.device, 'sender');
    expect(first.extractable).toBe(false);
    expect(await keys.get(secret, outer.device, 'sender')).toBe(first);
    expect(await keys.get({ ...secret, contentKey: filled(7, 32) }, outer.device, 'sender')).not.toBe(first);
    await keys.get(secret, outer.device, 'signal');
    await keys.get({ ...secret, epoch: 8 }, outer.device, 'sender');
    expect(keys.size).toBe(2);
    keys.clear();
    expect(keys.size).toBe(0);
  });
});
