/** A process to be killed: stores invites with their audit entries, and says which are acknowledged. */
import { fileURLToPath } from 'node:url';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { invite, inviteOf, startMs } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

export const auditorPath = fileURLToPath(import.meta.url);

const [started, folder] = process.argv.slice(1);
if (started === auditorPath && folder !== undefined) {
  const { invites } = await openLevelStore({ folder, masterKey, runtime: new FakeRuntime(`auditor ${process.pid}`, startMs) });
  process.stdout.write('open\n');
  const lane = async (name: string): Promise<never> => {
    for (let at = 0; ; at += 1) {
      const id = `${name} ${at}`;
      await invites.create(invite(id), acts('invite.created', { object: { kind: 'invite', id: inviteOf(id) } }));
      process.stdout.write(`${inviteOf(id)}\n`);
    }
  };
  await Promise.all(['one', 'two', 'three', 'four', 'five', 'six'].map(lane));
}
