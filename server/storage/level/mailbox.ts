/**
 * Welcomes that wait for devices. One welcome serves every device that a commit adds and can have a megabyte, so its
 * bytes are stored once and go when the last device has acknowledged.
 */
import { createHash } from 'node:crypto';
import { uint64 } from '#protocol/envelope.ts';
import type { DeviceId, WelcomeId } from '#protocol/ids.ts';
import type { Welcome } from '#protocol/model.ts';
import { CorruptionError, type RosterChange } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import type { Access } from './access.ts';
import type { Operation } from './group-writer.ts';
import { under } from './table.ts';
import type { Tables } from './tables.ts';

/** p(device) 16 · arrival 12 · p(welcome) 16. */
const arrivalAt = 16;
const welcomeAt = 28;

export function mailOperations(
  { tables, keys, arrivals }: Access,
  welcomes: RosterChange['welcomes'],
): readonly Operation[] {
  const operations: Operation[] = [];
  const hashes = new Map<Uint8Array, Uint8Array>();
  const stored = new Set<string>();
  for (const { deviceId, welcome } of welcomes) {
    const { bytes, ...rest } = welcome;
    const hash = hashes.get(bytes) ?? keys.pseudonym('welcome bytes', createHash('sha256').update(bytes).digest());
    hashes.set(bytes, hash);
    const blob = joinBytes(keys.pseudonym('conversation', welcome.conversationId), uint64(welcome.sequence), hash);
    const name = Buffer.from(blob).toString('hex');
    if (!stored.has(name)) operations.push(tables.mailBytes.put(blob, bytes));
    stored.add(name);
    const device = keys.pseudonym('device', deviceId);
    operations.push(
      tables.mail.put(joinBytes(device, arrivals.next(), keys.pseudonym('welcome', welcome.welcomeId)), {
        ...rest,
        blob,
      }),
      tables.mailWaiting.put(joinBytes(blob, device), null),
    );
  }
  return operations;
}

/** Time of the latest arrival that still waits, 0 when nothing does. Reads the keys of all mail: once, at opening. */
export async function latestArrival(mail: Tables['mail']): Promise<number> {
  const keys = await mail.keys(under(new Uint8Array(0)));
  return keys.reduce((latest, key) => Math.max(latest, readUint64(key, arrivalAt) ?? 0), 0);
}

/** In order of arrival. */
export async function mailbox(
  { tables, keys }: Access,
  deviceId: DeviceId,
  limit: number,
): Promise<readonly Welcome[]> {
  const mail = await tables.mail.list({ ...under(keys.pseudonym('device', deviceId)), limit });
  const welcomes: Welcome[] = [];
  for (const { key, value } of mail) {
    const { blob, ...rest } = value;
    const bytes = await tables.mailBytes.get(blob);
    if (bytes !== null) welcomes.push({ ...rest, bytes });
    // Acknowledged between the two reads, or damage.
    else if (await tables.mail.has(key)) throw new CorruptionError('mail-bytes', 'a welcome that waits has no bytes');
  }
  return welcomes;
}

/** One after the other (mutex `mail`): who acknowledges last takes the bytes away. */
export async function acknowledge(
  { tables, keys, writer }: Access,
  deviceId: DeviceId,
  welcomeIds: readonly WelcomeId[],
): Promise<void> {
  const device = keys.pseudonym('device', deviceId);
  const wanted = new Set(
    welcomeIds.map((welcomeId) => Buffer.from(keys.pseudonym('welcome', welcomeId)).toString('hex')),
  );
  const waiting = await tables.mail.keys(under(device));
  const operations: Operation[] = [];
  for (const key of waiting) {
    if (!wanted.has(Buffer.from(key.subarray(welcomeAt)).toString('hex'))) continue;
    const mail = await tables.mail.get(key);
    if (mail === null) continue;
    operations.push(tables.mail.del(key), tables.mailWaiting.del(joinBytes(mail.blob, device)));
    const others = await tables.mailWaiting.keys({ ...under(mail.blob), limit: 2 });
    if (others.length === 1) operations.push(tables.mailBytes.del(mail.blob));
  }
  if (operations.length > 0) await writer.submit(operations);
}
