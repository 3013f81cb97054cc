/** The nightly purge on a real folder: downtime over several schedules, two runners, a crash in the middle. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import { Receipt } from '#protocol/retention.ts';
import { JobRunner } from '../../../server/jobs/scheduler.ts';
import { finishErasures } from '../../../server/jobs/finish-erasures.ts';
import { purgeJob } from '../../../server/jobs/purge.ts';
import { createOps } from '../../../server/ops/ops.ts';
import { type LevelStore, openLevelStore } from '../../../server/storage/level/store.ts';
import { acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, dayMs, LogWriter, newAccount, roster, startMs, userOf } from '../../contract/people.ts';
import { CrashCopies, retentionOver, SteppingRuntime } from '../../harness/crash-copies.ts';
import { temporaryFolder, type TemporaryFolder } from '../../harness/folder.ts';
import { testScribe } from '../../harness/scribe.ts';

const minuteMs = 60_000;
const log = new LogWriter('team');
let folder: TemporaryFolder;
let runtime: SteppingRuntime;
let lines: string[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
  runtime = new SteppingRuntime('resumed', startMs);
  lines = [];
});
afterEach(() => folder.remove());

const open = (path = folder.path): Promise<LevelStore> => openLevelStore({ folder: path, masterKey, runtime });
const ops = createOps({ level: 'debug', sink: { write: (line) => lines.push(line) } });

/** As a process has it: one retention, the jobs of it, and a scheduler. */
function runnerOver(store: LevelStore): JobRunner {
  const retention = retentionOver(store, runtime);
  const jobs = [purgeJob(retention, runtime), finishErasures(retention, runtime)];
  return new JobRunner(jobs, { leases: store.leases, ops, runtime, zone: 'Europe/Berlin' });
}
const purges = (): number => lines.filter((line) => line.includes('"job":"purge"')).length;

async function receiptsOf(store: LevelStore): Promise<readonly Receipt[]> {
  const found = await store.erasure.receipts(null, 100);
  return found.map(({ statement }) => v.parse(Receipt, JSON.parse(statement)));
}

/** Two hundred entries in four days, and a rule of a day. The runner has looked once. */
async function lived(store: LevelStore): Promise<void> {
  const first = log.next('created');
  await store.accounts.create(newAccount('ann', null), acts('setup.completed'));
  await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
  for (let day = 0; day < 4; day += 1) {
    await store.conversations.append(log.conversationId, log.sequence, log.many(50), null);
    log.sentAt += dayMs;
  }
  const rule = { class: 'messages' as const, conversationId: null, days: 1 };
  await retentionOver(store, runtime).set(userOf('ann'), rule, testScribe(runtime));
  await runnerOver(store).tick();
}

it('[R13] [R7] [R4] after days of downtime two runners purge once; a crash in the middle is made up for once, when the lease is over', async () => {
  const copies = new CrashCopies(folder.path, 1);
  const store = await open();
  await lived(store);
  expect(purges()).toBe(0);
  // Nine nights were missed.
  runtime.jump(9 * dayMs + 3 * minuteMs);
  const watching = copies.watching(store, runtime);
  await Promise.all([runnerOver(watching).tick(), runnerOver(watching).tick(), runnerOver(watching).tick()]);
  await runnerOver(store).tick();
  runtime.onPause = () => Promise.resolve();
  expect(purges()).toBe(1);
  expect((await receiptsOf(store)).map(({ ranges }) => ranges[0]?.counts.entries)).toEqual([201]);
  await store.close();

  // Some of the moments at which it may have been killed.
  const moments = copies.copies.filter((_, at) => at % 2 === 0);
  expect(moments.length).toBeGreaterThan(3);
  let unended = 0;
  for (const { path } of moments) {
    lines = [];
    const again = await open(path);
    const ended = ((await again.leases.lastRunAt('purge')) ?? 0) > startMs + dayMs;
    unended += ended ? 0 : 1;
    const runner = runnerOver(again);
    // At once after the start the dead process still has the lease, unless it had ended.
    await runner.tick();
    runtime.jump(3 * minuteMs);
    await runner.tick();
    const ran = purges();
    await Promise.all([runner.tick(), runnerOver(again).tick()]);
    const receipts = await receiptsOf(again);
    expect(receipts.map(({ ranges }) => ranges[0]?.counts.entries)).toEqual([201]);
    expect([ran, purges()]).toEqual(ended ? [0, 0] : [1, 1]);
    expect(await again.conversations.readAfter(log.conversationId, 0, 1_000, 1e6)).toEqual([]);
    await again.close();
  }
  expect(unended).toBeGreaterThan(2);
  await copies.remove();
}, 60_000);
