/**
 * Pins: which identity key a person is known by (trust on first use). A changed key is never adopted silently [E2]:
 * the pin stays, the other key is only remembered as offered until the person decides.
 */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { decodeItem } from '#protocol/codec.ts';
import { bytes } from '#protocol/envelope.ts';
import { UserId } from '#protocol/ids.ts';
import { sameBytes } from './same-bytes.ts';

type Key = Uint8Array<ArrayBuffer>;

/** `replaced`: the key that the person gave up when they accepted this one. */
export type Pin =
  | { readonly state: 'pinned'; readonly key: Key; readonly replaced: Key | null }
  | { readonly state: 'changed'; readonly key: Key; readonly replaced: Key | null; readonly offered: Key };

/** Immutable: every change returns a new map. */
export type Pins = ReadonlyMap<UserId, Pin>;

export type Observation = 'first' | 'same' | 'changed';

const withPin = (pins: Pins, userId: UserId, pin: Pin): Pins => new Map(pins).set(userId, pin);

/**
 * The directory named this key for the person. `changed` as long as it is not the pinned one; the pinned key shown
 * again lifts the block, because then nothing but the pinned key is in force.
 */
export function observeKey(pins: Pins, userId: UserId, key: Key): { readonly pins: Pins; readonly observation: Observation } {
  const pin = pins.get(userId);
  if (pin === undefined) return { pins: withPin(pins, userId, { state: 'pinned', key, replaced: null }), observation: 'first' };
  if (sameBytes(pin.key, key)) {
    const settled: Pin = { state: 'pinned', key: pin.key, replaced: pin.replaced };
    return { pins: pin.state === 'pinned' ? pins : withPin(pins, userId, settled), observation: 'same' };
  }
  if (pin.state === 'changed' && sameBytes(pin.offered, key)) return { pins, observation: 'changed' };
  return { pins: withPin(pins, userId, { state: 'changed', key: pin.key, replaced: pin.replaced, offered: key }), observation: 'changed' };
}

/** The person compared safety numbers for exactly `key`. Unchanged pins when that key is not the one on offer. */
export function acceptKey(pins: Pins, userId: UserId, key: Key): Pins {
  const pin = pins.get(userId);
  if (pin?.state !== 'changed' || !sameBytes(pin.offered, key)) return pins;
  return withPin(pins, userId, { state: 'pinned', key, replaced: pin.key });
}

/** Joins the pins of two devices of one person. Two different first pins are a change that the person must decide. */
export function mergePins(mine: Pins, theirs: Pins): Pins {
  const merged = new Map(mine);
  for (const [userId, pin] of theirs) {
    const own = mine.get(userId);
    merged.set(userId, own === undefined ? pin : mergePin(own, pin));
  }
  return merged;
}

function mergePin(mine: Pin, theirs: Pin): Pin {
  if (sameBytes(mine.key, theirs.key)) return mine.state === 'changed' ? mine : theirs;
  if (mine.replaced !== null && sameBytes(mine.replaced, theirs.key)) return mine;
  if (theirs.replaced !== null && sameBytes(theirs.replaced, mine.key)) return theirs;
  return { state: 'changed', key: mine.key, replaced: mine.replaced, offered: theirs.key };
}

const Key32 = bytes(32, 32);
const Stored = v.strictTuple([
  v.literal(1),
  v.array(
    v.union([
      v.strictTuple([UserId, v.literal('pinned'), Key32, v.nullable(Key32)]),
      v.strictTuple([UserId, v.literal('changed'), Key32, v.nullable(Key32), Key32]),
    ]),
  ),
]);

/** CBOR `[1, [[user id, state, key, replaced, offered?], …]]`, ordered by user id; 500 people take about 60 KB. */
export function encodePins(pins: Pins): Uint8Array<ArrayBuffer> {
  const rows = [...pins]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([userId, pin]) => [userId, pin.state, pin.key, pin.replaced, ...(pin.state === 'changed' ? [pin.offered] : [])]);
  return encodeCbor([1, rows]);
}

/** Inverse of encodePins; null when it is not one (or names a person twice). */
export function decodePins(stored: Uint8Array): Pins | null {
  const decoded = decodeItem(stored);
  if (decoded === null) return null;
  const parsed = v.safeParse(Stored, decoded.item);
  if (!parsed.success) return null;
  const pins = new Map<UserId, Pin>();
  for (const row of parsed.output[1]) {
    const [userId, , key, replaced] = row;
    if (pins.has(userId)) return null;
    pins.set(userId, row[1] === 'changed' ? { state: 'changed', key, replaced, offered: row[4] } : { state: 'pinned', key, replaced });
  }
  return pins;
}
