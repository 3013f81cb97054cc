/**
 * What a person's archive keeps of an epoch: its content key, and who could sign in it, so that a new device can read and
 * check history [E11], [E3]. Rosters are kept as a base now and then and as differences between.
 */
import * as v from 'valibot';
import { encodeCbor } from '#protocol/cbor.ts';
import { certificateBytes } from '#protocol/certificate.ts';
import { decodeItem } from '#protocol/codec.ts';
import { bytes } from '#protocol/envelope.ts';
import { archiveItemBytesMax, devicesPerUserMax, membersMax } from '#protocol/limits.ts';
import { sameBytes } from '../identity/same-bytes.ts';

const leavesMax = membersMax * devicesPerUserMax;
const Leaf = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(0xffff_ffff));
/** A device's certificate (177 bytes, #protocol/certificate.ts) and its leaf index in the ratchet tree. */
const RosterDevice = v.strictObject({ leaf: Leaf, certificate: bytes(certificateBytes, certificateBytes) });
export type RosterDevice = v.InferOutput<typeof RosterDevice>;

const Devices = v.pipe(v.array(RosterDevice), v.maxLength(leavesMax), v.check((devices) => new Set(devices.map((device) => device.leaf)).size === devices.length, 'must name a leaf once'));
const RosterPart = v.variant('kind', [
  /** The whole roster of this epoch. */
  v.strictObject({ kind: v.literal('base'), devices: Devices }),
  /** Against the epoch before: first `removed`, then `added` (a leaf index may be used again in the same commit). */
  v.strictObject({ kind: v.literal('delta'), added: Devices, removed: v.pipe(v.array(Leaf), v.maxLength(leavesMax)) }),
]);
export type RosterPart = v.InferOutput<typeof RosterPart>;

const ArchiveItem = v.strictObject({ version: v.literal(1), contentKey: bytes(32, 32), roster: RosterPart });
export type ArchiveItem = Omit<v.InferOutput<typeof ArchiveItem>, 'version'>;

/** Sealing adds 29 bytes. */
const itemBytesMax = archiveItemBytesMax - 29;

/** Null when it is too large to be stored: a base of more than about 1,270 devices (keep a difference instead). Throws RangeError on a wrong field. */
export function encodeArchiveItem(item: ArchiveItem): Uint8Array<ArrayBuffer> | null {
  const parsed = v.safeParse(ArchiveItem, { version: 1, ...item });
  if (!parsed.success) throw new RangeError(`archive item: ${v.getDotPath(parsed.issues[0]) ?? 'form'}`);
  const encoded = encodeCbor(parsed.output);
  return encoded.length > itemBytesMax ? null : encoded;
}

/** Null when it is not one; never throws. */
export function decodeArchiveItem(encoded: Uint8Array): ArchiveItem | null {
  const decoded = decodeItem(encoded);
  if (decoded === null) return null;
  const parsed = v.safeParse(ArchiveItem, decoded.item);
  return parsed.success ? { contentKey: parsed.output.contentKey, roster: parsed.output.roster } : null;
}

/** Certificates by leaf index. */
export type Roster = ReadonlyMap<number, Uint8Array<ArrayBuffer>>;

/** The roster of an epoch from that of the epoch before; null when a difference removes a leaf that is not there or adds one that is. */
export function applyRoster(previous: Roster, part: RosterPart): Roster | null {
  if (part.kind === 'base') return new Map(part.devices.map((device) => [device.leaf, device.certificate]));
  const roster = new Map(previous);
  for (const leaf of part.removed) if (!roster.delete(leaf)) return null;
  for (const { leaf, certificate } of part.added) {
    if (roster.has(leaf)) return null;
    roster.set(leaf, certificate);
  }
  return roster;
}

/** The difference that applyRoster turns `previous` into `next` with. */
export function rosterDelta(previous: Roster, next: Roster): Extract<RosterPart, { kind: 'delta' }> {
  const same = (leaf: number) => {
    const before = previous.get(leaf);
    const after = next.get(leaf);
    return before !== undefined && after !== undefined && sameBytes(before, after);
  };
  return {
    kind: 'delta',
    removed: [...previous.keys()].filter((leaf) => !same(leaf)),
    added: [...next].filter(([leaf]) => !same(leaf)).map(([leaf, certificate]) => ({ leaf, certificate })),
  };
}
