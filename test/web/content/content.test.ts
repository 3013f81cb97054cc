import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationId, DeviceId, Generation, MessageId, UserId } from '#protocol/ids.ts';
import { idFromBytes, toBase64Url } from '#protocol/ids.ts';
import { hashEntry, startHash } from '../../../web/engine/content/chain.ts';
import { decodeContent, encodeContent, textBytesMax } from '../../../web/engine/content/content.ts';

const filled = (byte: number, length = 16) => new Uint8Array(length).fill(byte);

describe('content', () => {
  it('survives encoding', () => {
    const cases = [['message', { type: 'text', text: '你好 👋' }], ['meta', { type: 'meta', title: '计划' }], ['leave', { type: 'leave' }], ['signal', { type: 'typing' }]] as const;
    for (const [kind, content] of cases) expect(decodeContent(kind, encodeContent(content))).toEqual({ ok: true, content });
  });

  it('keeps types of later versions as unknown and ignores later fields', () => {
    expect(decodeContent('message', encode({ type: 'poll', options: [1] }))).toEqual({ ok: true, content: { type: 'unknown', name: 'poll' } });
    expect(decodeContent('message', encode({ type: 'text', text: 'a', mentions: [] }))).toEqual({ ok: true, content: { type: 'text', text: 'a' } });
  });

  it('refuses a known type in an entry of another kind', () => {
    expect(decodeContent('message', encode({ type: 'leave' }))).toEqual({ ok: false, reason: 'wrong_kind' });
    expect(decodeContent('leave', encode({ type: 'text', text: 'a' }))).toEqual({ ok: false, reason: 'wrong_kind' });
  });

  it('bounds text by UTF-8 bytes', () => {
    const longest = '好'.repeat(textBytesMax / 3);
    expect(decodeContent('message', encodeContent({ type: 'text', text: longest })).ok).toBe(true);
    expect(() => encodeContent({ type: 'text', text: `${longest}a` })).toThrow(RangeError);
    for (const text of ['', `${longest}a`, 5]) expect(decodeContent('message', encode({ type: 'text', text }))).toEqual({ ok: false, reason: 'malformed' });
    expect(decodeContent('meta', encode({ type: 'meta', title: 'a\u202eb' }))).toEqual({ ok: false, reason: 'malformed' });
  });

  it('[N1] takes what is not seen out of titles, in writing and in reading', () => {
    const title = '\u200bPl\u200dan\u2060 \u3164';
    expect(decodeContent('meta', encodeContent({ type: 'meta', title }))).toEqual({ ok: true, content: { type: 'meta', title: 'Plan' } });
    expect(Buffer.from(encodeContent({ type: 'meta', title })).includes('\u2060')).toBe(false);
    expect(decodeContent('meta', encode({ type: 'meta', title: '\u200bPlan' }))).toEqual({ ok: true, content: { type: 'meta', title: 'Plan' } });
    expect(decodeContent('meta', encode({ type: 'meta', title: '\u200b' }))).toEqual({ ok: true, content: { type: 'meta', title: '…' } });
    for (const blank of ['', ' ']) expect(() => encodeContent({ type: 'meta', title: blank })).toThrow(RangeError);
  });

  it('never throws on hostile bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeContent('message', bytes).ok === 'boolean'));
    for (const item of [null, 5, [], {}, { type: 5 }, { type: '__proto__' }, { type: 'constructor' }]) {
      const decoded = decodeContent('message', encode(item));
      expect(decoded.ok && decoded.content.type !== 'unknown').toBe(false);
    }
  });
});

describe('running hash', () => {
  const conversation = idFromBytes<ConversationId>(filled(1));
  const entry = {
    sequence: 1, sentAt: 1_700_000_000_000, kind: 'message' as const, epoch: 3, user: idFromBytes<UserId>(filled(2)),
    device: idFromBytes<DeviceId>(filled(3)), id: idFromBytes<MessageId>(filled(4)), body: filled(5, 100),
  };
  const start = startHash(conversation, idFromBytes<Generation>(filled(9)));

  it('[L6] stays as it was first defined', () => {
    expect(toBase64Url(start)).toBe('D6x5d7qX1qO_8KuZ_kJEMiESpt0kkYhjXQ8YwALEaWM');
    expect(toBase64Url(hashEntry(start, conversation, entry))).toBe('T_rbPhedeHGnUFISTw0Ft1eiGwkcRhNegfqCcWP-HRI');
  });

  it('[E4] changes with every field that a reader acts upon', () => {
    const other = {
      sequence: 2, sentAt: 1, kind: 'meta' as const, epoch: 4, user: idFromBytes<UserId>(filled(7)), device: idFromBytes<DeviceId>(filled(7)),
      id: idFromBytes<MessageId>(filled(7)), body: filled(7, 100),
    };
    const hashes = Object.entries(other).map(([name, value]) => toBase64Url(hashEntry(start, conversation, { ...entry, [name]: value })));
    hashes.push(toBase64Url(hashEntry(start, conversation, entry)), toBase64Url(hashEntry(filled(0, 32), conversation, entry)));
    hashes.push(toBase64Url(hashEntry(start, idFromBytes<ConversationId>(filled(8)), entry)));
    expect(new Set(hashes).size).toBe(Object.keys(entry).length + 3);
  });
});
