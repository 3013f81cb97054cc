import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { idFromBytes, type UserId } from '#protocol/ids.ts';
import { acceptKey, checkKey, decodePins, encodePins, mergePins, observeKey, type Pins } from '../../../web/engine/identity/pins.ts';
import { fingerprint, groupDigits, safetyNumber } from '../../../web/engine/identity/safety-number.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const lan = idFromBytes<UserId>(filled(1, 16));
const [a, b, c] = [filled(11, 32), filled(12, 32), filled(13, 32)];
const none: Pins = new Map();
const pinned = observeKey(none, lan, a, 7).pins;
const changed = observeKey(pinned, lan, b, 7).pins;
const accepted = acceptKey(changed, lan, b);
const verified = checkKey(pinned, lan, a, { verified: true, at: 9 });

describe('pins', () => {
  it('[E2] pins the first key and never adopts another silently', () => {
    expect(observeKey(none, lan, a, 7).observation).toBe('first');
    expect(observeKey(pinned, lan, a, 7)).toEqual({ pins: pinned, observation: 'same' });
    expect(observeKey(pinned, lan, b, 7).observation).toBe('changed');
    expect(observeKey(changed, lan, b, 7)).toEqual({ pins: changed, observation: 'changed' });
    expect(changed.get(lan)).toMatchObject({ state: 'changed', key: a, offered: b });
    expect(observeKey(changed, lan, a, 7).pins.get(lan)).toMatchObject({ state: 'pinned', key: a });
  });

  it('[E2] accepts only the very key that was offered', () => {
    expect(accepted.get(lan)).toEqual({ state: 'pinned', key: b, replaced: a, checked: null, changes: [{ key: b, at: 7 }] });
    expect(acceptKey(changed, lan, c)).toBe(changed);
    expect(acceptKey(pinned, lan, a)).toBe(pinned);
    expect(acceptKey(none, lan, a)).toBe(none);
  });

  it('[E2] merges two devices: a decision holds, a difference is a change', () => {
    expect(mergePins(none, pinned)).toEqual(pinned);
    expect(mergePins(pinned, none)).toEqual(pinned);
    expect(mergePins(pinned, changed)).toEqual(changed);
    for (const [mine, theirs] of [[accepted, pinned], [pinned, accepted], [accepted, changed], [changed, accepted]] as const) {
      expect(mergePins(mine, theirs)).toEqual(accepted);
    }
    expect(mergePins(observeKey(none, lan, c, 7).pins, pinned).get(lan)).toMatchObject({ state: 'changed', key: c, offered: a });
  });

  it('[X10] holds for one key only, and of two devices the later word holds', () => {
    expect(verified.get(lan)?.checked).toEqual({ verified: true, at: 9 });
    expect(checkKey(pinned, lan, b, { verified: true, at: 9 })).toBe(pinned);
    const taken = checkKey(verified, lan, a, { verified: false, at: 10 });
    for (const [mine, theirs] of [[verified, taken], [taken, verified]] as const) expect(mergePins(mine, theirs).get(lan)?.checked).toEqual({ verified: false, at: 10 });
    for (const [mine, theirs] of [[verified, pinned], [pinned, verified]] as const) expect(mergePins(mine, theirs).get(lan)?.checked).toEqual({ verified: true, at: 9 });
    const moved = observeKey(verified, lan, b, 11).pins;
    expect(acceptKey(moved, lan, b).get(lan)).toMatchObject({ checked: null, changes: [{ key: b, at: 11 }] });
    expect(observeKey(moved, lan, a, 12).pins.get(lan)).toMatchObject({ state: 'pinned', checked: { verified: true } });
  });

  it('[X10] remembers each change once, at its first time, on whichever device', () => {
    const there = observeKey(pinned, lan, b, 5).pins;
    expect(mergePins(changed, there).get(lan)?.changes).toEqual([{ key: b, at: 5 }]);
    expect(mergePins(observeKey(changed, lan, c, 9).pins, there).get(lan)?.changes).toEqual([{ key: b, at: 5 }, { key: c, at: 9 }]);
  });

  it('survives encoding, and refuses what is not pins', () => {
    for (const pins of [none, pinned, changed, accepted, verified]) expect(decodePins(encodePins(pins))).toEqual(pins);
    const row = [lan, 'pinned', a, null];
    expect(decodePins(encode([1, [row]]))).toEqual(pinned);
    for (const item of [[3, []], [1, [row, row]], [1, [[lan, 'changed', a, null]]], [1, [[lan, 'pinned', a.slice(1), null]]], {}]) {
      expect(decodePins(encode(item))).toBeNull();
    }
    expect(decodePins(filled(0xff, 9))).toBeNull();
  });
});

describe('safety numbers', () => {
  const one = { userId: lan, identityKey: a };
  const two = { userId: idFromBytes<UserId>(filled(2, 16)), identityKey: b };

  // Computed once by an independent implementation (Python hashlib) from the definition in safety-number.ts.
  it('stay as they were first defined', () => {
    expect(fingerprint(one)).toBe('255952393197372763872455111967');
    expect(fingerprint(two)).toBe('967892016601973974740800388400');
  });

  it('are 60 digits, the same for both people, and other for any other key or person', () => {
    const number = safetyNumber(one, two);
    expect(number).toMatch(/^\d{60}$/);
    expect(safetyNumber(two, one)).toBe(number);
    expect(safetyNumber({ ...one, identityKey: c }, two)).not.toBe(number);
    expect(safetyNumber({ ...one, userId: idFromBytes<UserId>(filled(3, 16)) }, two)).not.toBe(number);
    expect(groupDigits(number)).toMatch(/^\d{5}( \d{5}){11}$/);
  });
});
