import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { idFromBytes, type UserId } from '#protocol/ids.ts';
import { acceptKey, decodePins, encodePins, mergePins, observeKey, type Pins } from '../../../web/engine/identity/pins.ts';
import { fingerprint, groupDigits, safetyNumber } from '../../../web/engine/identity/safety-number.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const lan = idFromBytes<UserId>(filled(1, 16));
const [a, b, c] = [filled(11, 32), filled(12, 32), filled(13, 32)];
const none: Pins = new Map();
const pinned = observeKey(none, lan, a).pins;
const changed = observeKey(pinned, lan, b).pins;
const accepted = acceptKey(changed, lan, b);

describe('pins', () => {
  it('[E2] pins the first key and never adopts another silently', () => {
    expect(observeKey(none, lan, a).observation).toBe('first');
    expect(observeKey(pinned, lan, a)).toEqual({ pins: pinned, observation: 'same' });
    expect(observeKey(pinned, lan, b).observation).toBe('changed');
    expect(observeKey(changed, lan, b)).toEqual({ pins: changed, observation: 'changed' });
    expect(changed.get(lan)).toMatchObject({ state: 'changed', key: a, offered: b });
    expect(observeKey(changed, lan, a).pins.get(lan)).toMatchObject({ state: 'pinned', key: a });
  });

  it('[E2] accepts only the very key that was offered', () => {
    expect(accepted.get(lan)).toEqual({ state: 'pinned', key: b, replaced: a });
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
    expect(mergePins(observeKey(none, lan, c).pins, pinned).get(lan)).toMatchObject({ state: 'changed', key: c, offered: a });
  });

  it('survives encoding, and refuses what is not pins', () => {
    for (const pins of [none, pinned, changed, accepted]) expect(decodePins(encodePins(pins))).toEqual(pins);
    const row = [lan, 'pinned', a, null];
    for (const item of [[2, []], [1, [row, row]], [1, [[lan, 'changed', a, null]]], [1, [[lan, 'pinned', a.slice(1), null]]], {}]) {
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
