/**
 * Pins: which identity key a person is known by (trust on first use). A changed key is never adopted silently [E2]:
 * the pin stays, the other key is only remembered as offered until the person decides. Whether somebody compared safety
 * numbers for a key, and when keys changed, is kept beside it ([X10]).
 */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { decodeItem } from '#protocol/codec.ts';
import { bytes, Timestamp } from '#protocol/envelope.ts';
import { UserId } from '#protocol/ids.ts';
import { sameBytes } from './same-bytes.ts';

type Key = Uint8Array<ArrayBuffer>;

/** Somebody said so of the pinned key at that time; of two devices the later word holds. */
export interface Checked {
  readonly verified: boolean;
  /** Milliseconds. */
  readonly at: number;
}
/** Another key than the pinned one was first seen then. */
export interface KeyChange {
  readonly key: Key;
  readonly at: number;
}

interface Known {
  readonly key: Key;
  /** The key that the person gave up when they accepted this one. */
  readonly replaced: Key | null;
  readonly checked: Checked | null;
  /** Oldest first, the last changesMax of them. */
  readonly changes: readonly KeyChange[];
}
export type Pin = (Known & { readonly state: 'pinned' }) | (Known & { readonly state: 'changed'; readonly offered: Key });

/** Immutable: every change returns a new map. */
export type Pins = ReadonlyMap<UserId, Pin>;

export type Observation = 'first' | 'same' | 'changed';

export const changesMax = 8;

const withPin = (pins: Pins, userId: UserId, pin: Pin): Pins => new Map(pins).set(userId, pin);

/** One for each key, at its first time. */
function joinChanges(one: readonly KeyChange[], other: readonly KeyChange[]): readonly KeyChange[] {
  const all = [...one, ...other].toSorted((a, b) => a.at - b.at);
  return all.filter(({ key }, at) => all.findIndex((each) => sameBytes(each.key, key)) === at).slice(-changesMax);
}

/**
 * The directory named this key for the person at that time. `changed` as long as it is not the pinned one; the pinned key
 * shown again lifts the block, because then nothing but the pinned key is in force.
 */
export function observeKey(pins: Pins, userId: UserId, key: Key, at: number): { readonly pins: Pins; readonly observation: Observation } {
  const pin = pins.get(userId);
  if (pin === undefined) {
    return { pins: withPin(pins, userId, { state: 'pinned', key, replaced: null, checked: null, changes: [] }), observation: 'first' };
  }
  const { replaced, checked, changes } = pin;
  if (sameBytes(pin.key, key)) {
    const settled: Pin = { state: 'pinned', key: pin.key, replaced, checked, changes };
    return { pins: pin.state === 'pinned' ? pins : withPin(pins, userId, settled), observation: 'same' };
  }
  if (pin.state === 'changed' && sameBytes(pin.offered, key)) return { pins, observation: 'changed' };
  const known = joinChanges(changes, [{ key, at }]);
  return { pins: withPin(pins, userId, { state: 'changed', key: pin.key, replaced, checked, changes: known, offered: key }), observation: 'changed' };
}

/** The person compared safety numbers for exactly `key`. Unchanged pins when that key is not the one on offer. */
export function acceptKey(pins: Pins, userId: UserId, key: Key): Pins {
  const pin = pins.get(userId);
  if (pin?.state !== 'changed' || !sameBytes(pin.offered, key)) return pins;
  return withPin(pins, userId, { state: 'pinned', key, replaced: pin.key, checked: null, changes: pin.changes });
}

/** The person says of exactly this pinned key whether it was compared. Unchanged pins for another key. */
export function checkKey(pins: Pins, userId: UserId, key: Key, checked: Checked): Pins {
  const pin = pins.get(userId);
  if (pin === undefined || !sameBytes(pin.key, key)) return pins;
  return withPin(pins, userId, { ...pin, checked });
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
  const changes = joinChanges(mine.changes, theirs.changes);
  if (sameBytes(mine.key, theirs.key)) {
    const [one, other] = [mine.checked, theirs.checked];
    const checked = one === null || (other !== null && other.at > one.at) ? other : one;
    return { ...(mine.state === 'changed' ? mine : theirs), checked, changes };
  }
  if (mine.replaced !== null && sameBytes(mine.replaced, theirs.key)) return { ...mine, changes };
  if (theirs.replaced !== null && sameBytes(theirs.replaced, mine.key)) return { ...theirs, changes };
  return { state: 'changed', key: mine.key, replaced: mine.replaced, checked: mine.checked, changes, offered: theirs.key };
}

const Key32 = bytes(32, 32);
const Check = v.nullable(v.strictTuple([v.boolean(), Timestamp]));
const Changes = v.pipe(v.array(v.strictTuple([Key32, Timestamp])), v.maxLength(changesMax));
const Stored = v.union([
  v.strictTuple([
    v.literal(2),
    v.array(
      v.union([
        v.strictTuple([UserId, v.literal('pinned'), Key32, v.nullable(Key32), Check, Changes]),
        v.strictTuple([UserId, v.literal('changed'), Key32, v.nullable(Key32), Check, Changes, Key32]),
      ]),
    ),
  ]),
  // Before it was kept who compared and when keys changed.
  v.strictTuple([
    v.literal(1),
    v.array(
      v.union([
        v.strictTuple([UserId, v.literal('pinned'), Key32, v.nullable(Key32)]),
        v.strictTuple([UserId, v.literal('changed'), Key32, v.nullable(Key32), Key32]),
      ]),
    ),
  ]),
]);
type Rows = v.InferOutput<typeof Stored>;

/**
 * CBOR `[2, [[user id, state, key, replaced, [verified, at] or null, [[key, at], …], offered?], …]]`, ordered by user id;
 * 500 people take about 60 KB.
 */
export function encodePins(pins: Pins): Uint8Array<ArrayBuffer> {
  const rows = [...pins]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([userId, { state, key, replaced, checked, changes, ...rest }]) => [
      userId, state, key, replaced,
      checked === null ? null : [checked.verified, checked.at],
      changes.map((change) => [change.key, change.at]),
      ...('offered' in rest ? [rest.offered] : []),
    ]);
  return encodeCbor([2, rows]);
}

function pinsOf(rows: Rows): readonly (readonly [UserId, Pin])[] {
  if (rows[0] === 1)
    return rows[1].map((row) => {
      const known = { key: row[2], replaced: row[3], checked: null, changes: [] };
      return [row[0], row[1] === 'changed' ? { ...known, state: 'changed', offered: row[4] } : { ...known, state: 'pinned' }];
    });
  return rows[1].map((row) => {
    const [userId, , key, replaced, check, changed] = row;
    const checked = check === null ? null : { verified: check[0], at: check[1] };
    const known = { key, replaced, checked, changes: changed.map((change) => ({ key: change[0], at: change[1] })) };
    return [userId, row[1] === 'changed' ? { ...known, state: 'changed', offered: row[6] } : { ...known, state: 'pinned' }];
  });
}

/** Inverse of encodePins; null when it is not one (or names a person twice). */
export function decodePins(stored: Uint8Array): Pins | null {
  const decoded = decodeItem(stored);
  if (decoded === null) return null;
  const parsed = v.safeParse(Stored, decoded.item);
  if (!parsed.success) return null;
  const rows = pinsOf(parsed.output);
  const pins = new Map(rows);
  return pins.size === rows.length ? pins : null;
}
