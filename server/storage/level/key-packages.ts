/** Key packages of devices: each one-time package is handed out once. */
import { createHash } from 'node:crypto';
import { uint64 } from '#protocol/envelope.ts';
import type { DeviceId } from '#protocol/ids.ts';
import { type Device, type NewKeyPackage, Suite } from '#protocol/model.ts';
import { CorruptionError, type StoredKeyPackage } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import type { Access } from './access.ts';
import type { Operation } from './group-writer.ts';
import { under } from './table.ts';

const suites: readonly Suite[] = Suite.options;
const suiteBytes = (suite: Suite): Uint8Array => Uint8Array.of(suite >> 8, suite & 0xff);
const ordinalAt = 18;

const seenKey = ({ keys }: Access, deviceId: DeviceId, each: NewKeyPackage): Uint8Array =>
  joinBytes(
    keys.pseudonym('device', deviceId),
    keys.pseudonym('key package', createHash('sha256').update(each.bytes).digest()),
  );

/**
 * Operations that add packages. `seen`: hexadecimal keys of the packages that were published before and are skipped;
 * `nextOrdinal`: where the one-time packages of a suite go on.
 */
export function packageOperations(
  access: Access,
  deviceId: DeviceId,
  keyPackages: readonly NewKeyPackage[],
  seen: Set<string>,
  nextOrdinal: (suite: Suite) => number,
): readonly Operation[] {
  const { tables, keys } = access;
  const device = keys.pseudonym('device', deviceId);
  const ordinals = new Map<Suite, number>();
  const operations: Operation[] = [];
  for (const each of keyPackages) {
    const place = joinBytes(device, suiteBytes(each.suite));
    if (each.lastResort) {
      operations.push(tables.lastResorts.put(place, each.bytes));
      continue;
    }
    const mark = seenKey(access, deviceId, each);
    const name = Buffer.from(mark).toString('hex');
    if (seen.has(name)) continue;
    seen.add(name);
    const ordinal = ordinals.get(each.suite) ?? nextOrdinal(each.suite);
    ordinals.set(each.suite, ordinal + 1);
    operations.push(
      tables.keyPackages.put(joinBytes(place, uint64(ordinal)), each.bytes),
      tables.packagesSeen.put(mark, null),
    );
  }
  return operations;
}

/** One after the other with claims (mutex `packages`). */
export async function publish(
  access: Access,
  deviceId: DeviceId,
  keyPackages: readonly NewKeyPackage[],
): Promise<void> {
  const { tables, keys, writer } = access;
  const marks = keyPackages.filter((each) => !each.lastResort).map((each) => seenKey(access, deviceId, each));
  const known = await tables.packagesSeen.hasMany(marks);
  const seen = new Set(marks.filter((_, at) => known[at] === true).map((mark) => Buffer.from(mark).toString('hex')));
  const next = new Map<Suite, number>();
  for (const suite of suites) {
    const range = under(joinBytes(keys.pseudonym('device', deviceId), suiteBytes(suite)));
    const [last] = await tables.keyPackages.keys({ ...range, reverse: true, limit: 1 });
    next.set(suite, last === undefined ? 0 : ordinalOf(last) + 1);
  }
  const operations = packageOperations(access, deviceId, keyPackages, seen, (suite) => next.get(suite) ?? 0);
  if (operations.length > 0) await writer.submit(operations);
}

function ordinalOf(key: Uint8Array): number {
  const ordinal = readUint64(key, ordinalAt);
  if (ordinal === null) throw new CorruptionError('key-packages', 'a record key is cut off');
  return ordinal;
}

export async function counts({ tables, keys }: Access, deviceId: DeviceId): Promise<ReadonlyMap<Suite, number>> {
  const device = keys.pseudonym('device', deviceId);
  const found = new Map<Suite, number>();
  for (const suite of suites) {
    const place = joinBytes(device, suiteBytes(suite));
    const left = (await tables.keyPackages.keys(under(place))).length;
    if (left > 0 || (await tables.lastResorts.has(place))) found.set(suite, left);
  }
  return found;
}

/** Null, using up nothing, when one device has no package. One after the other with publications (mutex `packages`). */
export async function claim(
  access: Access,
  devices: readonly Device[],
  suite: Suite,
): Promise<readonly StoredKeyPackage[] | null> {
  const { tables, keys, writer } = access;
  const removals: Operation[] = [];
  const claimed: StoredKeyPackage[] = [];
  const taken = new Map<DeviceId, number>();
  for (const { userId, deviceId } of devices) {
    const place = joinBytes(keys.pseudonym('device', deviceId), suiteBytes(suite));
    const earlier = taken.get(deviceId) ?? 0;
    const oldest = (await tables.keyPackages.list({ ...under(place), limit: earlier + 1 }))[earlier];
    taken.set(deviceId, earlier + 1);
    const found = oldest === undefined ? await tables.lastResorts.get(place) : oldest.value;
    if (found === null) return null;
    if (oldest !== undefined) removals.push(tables.keyPackages.del(oldest.key));
    claimed.push({ userId, deviceId, bytes: found, lastResort: oldest === undefined });
  }
  if (removals.length > 0) await writer.submit(removals);
  return claimed;
}
