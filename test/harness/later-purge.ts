/**
 * `lanying purge` on a data folder, so many days later than it is: what a process of its own does, for a test that ends
 * it in the middle. Arguments: folder, days. Says `begun`, and at the end the receipt's proof as JSON.
 */
import { loadMasterKey } from '../../server/config/master-key.ts';
import { purgeFolder } from '../../server/compose-purge.ts';
import { MovedClock } from './moved-clock.ts';

/** To be run; importing it does nothing. */
export const laterPurge = import.meta.filename;

if (process.argv[1] === laterPurge) {
  const [folder = '', days = '0'] = process.argv.slice(2);
  const clock = new MovedClock();
  clock.shiftMs = Number(days) * 86_400_000;
  process.stdout.write('begun\n');
  const outcome = await purgeFolder({
    config: { dataFolder: folder, purgeRegister: null },
    masterKey: (random) => loadMasterKey(folder, null, random).key,
    dryRun: false,
    runtime: clock.runtime,
  });
  if (outcome.kind !== 'purged') throw new Error(JSON.stringify(outcome));
  process.stdout.write(`${JSON.stringify(outcome.receipt?.proof ?? null)}\n`);
}
