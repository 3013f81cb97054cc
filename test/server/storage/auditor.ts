/** A process to be killed: stores invites with their audit entries, or devices with their leaves, and says which are acknowledged. */
import { fileURLToPath } from 'node:url';
import { revocationBytes } from '#protocol/revocation.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { device, deviceOf, invite, inviteOf, newAccount, startMs, userOf } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

export const auditorPath = fileURLToPath(import.meta.url);

const [started, folder, task] = process.argv.slice(1);
if (started === auditorPath && folder !== undefined) {
  const store = await openLevelStore({ folder, masterKey, runtime: new FakeRuntime(`auditor ${process.pid}`, startMs) });
  const { accounts, devices, invites } = store;
  if (task === 'devices') await accounts.create(newAccount('ann', null), acts('setup.completed'));
  process.stdout.write('open\n');
  const inviting = async (id: string): Promise<string> => {
    await invites.create(invite(id), acts('invite.created', { object: { kind: 'invite', id: inviteOf(id) } }));
    return inviteOf(id);
  };
  /** Every third one is taken away again. */
  const registering = async (id: string, at: number): Promise<string> => {
    await devices.register(device('ann', id), [], 100_000, acts('device.registered'));
    if (at % 3 === 2) await devices.remove(userOf('ann'), deviceOf(id), new Uint8Array(revocationBytes), acts('device.removed'));
    return deviceOf(id);
  };
  const lane = async (name: string): Promise<never> => {
    for (let at = 0; ; at += 1) {
      const id = `${name} ${at}`;
      process.stdout.write(`${await (task === 'devices' ? registering(id, at) : inviting(id))}\n`);
    }
  };
  await Promise.all(['one', 'two', 'three', 'four', 'five', 'six'].map(lane));
}
