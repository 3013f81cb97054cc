/** A process to be killed: opens the store in the folder that it is given and, if told so, appends to logs, saying what is acknowledged. */
import { fileURLToPath } from 'node:url';
import { FolderLockedError } from '../../../server/storage/level/folder-lock.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, LogWriter, roster, startMs } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

export const appenderPath = fileURLToPath(import.meta.url);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function run(folder: string, task: string): Promise<void> {
  try {
    const store = await openLevelStore({
      folder,
      masterKey,
      runtime: new FakeRuntime(`appender ${process.pid}`, startMs),
    });
    say('open');
    // Stays until it is killed.
    setInterval(() => undefined, 60_000);
    if (task === 'append') await Promise.all(['one', 'two', 'three', 'four'].map((name) => append(store, name)));
  } catch (cause) {
    if (!(cause instanceof FolderLockedError)) throw cause;
    say(`locked ${cause.processId ?? 'unseen'}`);
  }
}

async function append(store: LevelStore, name: string): Promise<never> {
  const log = new LogWriter(name);
  const first = log.next('created');
  await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
  for (;;) {
    // A few under way at a time, as pipelining senders do.
    const entries = log.many(8);
    await Promise.all(
      entries.map(async (entry) => {
        await store.conversations.append(log.conversationId, entry.sequence - 1, [entry], null);
        say(`${name} ${entry.sequence}`);
      }),
    );
  }
}

const [started, folder, task] = process.argv.slice(1);
if (started === appenderPath && folder !== undefined && task !== undefined) await run(folder, task);
