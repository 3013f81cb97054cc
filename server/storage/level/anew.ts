/** Another identity in the place of one that nobody can use any more. */
import { deviceLeaf, identityLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { UserId } from '#protocol/ids.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Anew, SessionRecord } from '../../ports/store.ts';
import type { Access } from './access.ts';
import { eraseLeftovers } from './device-leftovers.ts';
import { directoryOperations } from './directory.ts';
import { erasing, foundIn, foundOf } from './erased-records.ts';
import type { Operation } from './group-writer.ts';
import { packageOperations } from './key-packages.ts';
import { sha256 } from './merkle-records.ts';
import { sessionOperations, sessionRemoval } from './sessions.ts';
import { type Records, under } from './table.ts';

const stepRecords = 256;

/** Within the mutexes `directory`, of the session that asks and of the account. */
export async function startAnew(
  access: Access,
  userId: UserId,
  { identityKey, device, keyPackages, vault, sessionId }: Anew,
  acts: Acts,
): Promise<{ readonly ended: readonly SessionRecord[] } | null> {
  const { tables, keys, audit, mutex } = access;
  const user = keys.pseudonym('user', userId);
  const [account, session] = await Promise.all([
    tables.accounts.get(user),
    tables.sessions.get(keys.pseudonym('session', sessionId)),
  ]);
  const owned = await tables.deviceOwners.has(keys.pseudonym('device', device.deviceId));
  if (account === null || session === null || owned) return null;
  const before = (await tables.devices.get(user)) ?? [];
  const all = await tables.sessions.list(under(new Uint8Array(0)));
  const others = all.map(({ value }) => value).filter((each) => each.userId === userId && each.sessionId !== sessionId);
  await mutex.run(`vault ${userId}`, async () => {
    const { version } = (await tables.vaults.get(user)) ?? { version: 0 };
    const gone = async (records: Records, places: readonly Uint8Array[]): Promise<readonly Operation[]> =>
      erasing(access, records, await foundOf(records, places), 'taken again');
    const leaves = [
      ...before.map(({ deviceId }) => revokedLeaf(sha256, userId, deviceId)),
      identityLeaf(sha256, userId, identityKey),
      deviceLeaf(sha256, userId, device.certificate),
    ];
    const removals = await Promise.all(others.map((each) => sessionRemoval(access, each)));
    await audit.submit(
      [
        tables.accounts.put(user, { ...account, identityKey, leaving: true }),
        tables.devices.put(user, [device]),
        tables.deviceOwners.put(keys.pseudonym('device', device.deviceId), { userId }),
        ...(await gone(tables.revocations.sealed, [user])),
        ...(await gone(tables.vaultItems.sealed, await tables.vaultItems.keys(under(user)))),
        tables.vaults.put(user, { ...vault, version: version + 1 }),
        ...packageOperations(access, device.deviceId, keyPackages, new Set(), () => 0),
        ...sessionOperations(access, { ...session, deviceId: device.deviceId }),
        ...removals.flat(),
        ...(await directoryOperations(access, leaves)),
      ],
      acts,
    );
    for (let more = true; more;) {
      const found = await foundIn(tables.archive.sealed, under(user), stepRecords);
      more = found.length === stepRecords;
      if (found.length > 0) await access.writer.submit(erasing(access, tables.archive.sealed, found, 'taken again'));
    }
  });
  // Those whose use, proof or device was being noted meanwhile were written again.
  for (const other of others)
    await mutex.run(`session ${other.sessionId}`, async () => {
      if (await tables.sessions.has(keys.pseudonym('session', other.sessionId)))
        await access.writer.submit(await sessionRemoval(access, other));
    });
  for (const { deviceId } of before) await eraseLeftovers(access, deviceId);
  return { ended: others };
}
