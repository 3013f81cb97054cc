/** A process of its own that purges while the sync of a file fails (argument: data folder); says how the store then is. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, dayMs, LogWriter, roster, startMs } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

export const purgerPath = fileURLToPath(import.meta.url);

async function purge(folder: string, trigger: string): Promise<void> {
  const runtime = new FakeRuntime('purger', startMs);
  const store = await openLevelStore({ folder, masterKey, runtime });
  const log = new LogWriter('team');
  const first = log.next('created');
  await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
  log.sentAt += dayMs;
  await store.conversations.append(log.conversationId, 1, log.many(3), null);
  const plan = await store.erasure.plan(log.conversationId, Math.floor(startMs / dayMs) + 1);
  if (plan === null) throw new Error('nothing to purge');
  await store.erasure.begin(plan, { kind: 'policy', conversationId: null, days: 1, setAt: startMs }, startMs);
  await store.erasure.finish(() => Promise.resolve());
  writeFileSync(trigger, '');
  const outcome = await store.erasure
    .prove(() => Promise.resolve())
    .then(
      () => 'proven',
      () => 'rejected',
    );
  const write = await store.conversations.append(log.conversationId, 4, [log.next()], null).then(
    () => 'written',
    () => 'refused',
  );
  process.stdout.write(`${outcome} ${store.condition()} ${write}\n`);
}

const [, script, folder, trigger] = process.argv;
if (script === purgerPath && folder !== undefined && trigger !== undefined) await purge(folder, trigger);
