/** Key packages and mail of a device that is not registered any more. Doing it again does no harm. */
import type { DeviceId } from '#protocol/ids.ts';
import type { Access } from './access.ts';
import { erasing, foundIn } from './erased-records.ts';
import { acknowledge, mailbox } from './mailbox.ts';
import { under } from './table.ts';

const stepRecords = 64;
const welcomesStep = 16;

export async function eraseLeftovers(access: Access, deviceId: DeviceId): Promise<void> {
  const { tables, mutex } = access;
  const device = access.keys.pseudonym('device', deviceId);
  for (const { sealed } of [tables.keyPackages, tables.lastResorts, tables.packagesSeen])
    await mutex.run('packages', async () => {
      for (let more = true; more;) {
        const found = await foundIn(sealed, under(device), stepRecords);
        more = found.length === stepRecords;
        if (found.length > 0) await access.writer.submit(erasing(access, sealed, found));
      }
    });
  await mutex.run('mail', async () => {
    for (let more = true; more;) {
      const welcomes = await mailbox(access, deviceId, welcomesStep);
      more = welcomes.length === welcomesStep;
      await acknowledge(
        access,
        deviceId,
        welcomes.map(({ welcomeId }) => welcomeId),
      );
    }
  });
}
