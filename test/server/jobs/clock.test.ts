/** A clock that jumps, under the jobs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClockWatch } from '../../../server/domain/clock-watch.ts';
import { waitingForClock, watchClock } from '../../../server/jobs/watch-clock.ts';
import { type Job, JobRunner } from '../../../server/jobs/scheduler.ts';
import { createOps } from '../../../server/ops/ops.ts';
import type { Store } from '../../../server/ports/store.ts';
import { openLevelBench } from '../../contract/level-bench.ts';
import { dayMs, startMs } from '../../contract/people.ts';
import type { Bench } from '../../contract/store-contract.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('a clock that jumps', () => {
  let bench: Bench;
  let lines: string[];
  beforeEach(async () => {
    bench = await openLevelBench();
    lines = [];
  });
  afterEach(() => bench.close());

  function living(store: Store, runtime: FakeRuntime) {
    const ops = createOps({ level: 'info', sink: { write: (line) => lines.push(line) } });
    const clock = new ClockWatch(store.leases, runtime);
    const erased: number[] = [];
    const harmless: number[] = [];
    const job = (name: string, cron: string, runs: number[]): Job => ({
      name,
      cron,
      run: async () => runs.push(runtime.now()),
    });
    const erasing = waitingForClock(job('purge', '30 3 * * *', erased), clock, ops.machine);
    const jobs = [watchClock(clock, ops.machine), erasing, job('export', '*/5 * * * *', harmless)];
    const runner = new JobRunner(jobs, { leases: store.leases, ops, runtime, zone: 'UTC' });
    const live = async (spanMs: number): Promise<void> => {
      for (let at = 0; at < spanMs; at += 5 * minuteMs) {
        await runner.tick();
        runtime.jump(5 * minuteMs);
      }
    };
    return { clock, erased, harmless, live, ops };
  }
  const metric = async (ops: ReturnType<typeof createOps>, name: string): Promise<string | undefined> =>
    (await ops.metrics()).split('\n').find((line) => line.startsWith(name));

  it('[T3] forward by a year erases nothing until a person says so, and says why', async () => {
    const runtime = new FakeRuntime('ahead', startMs);
    const { clock, erased, harmless, live, ops } = living(bench.store(), runtime);
    await clock.begin();
    await live(3 * dayMs);
    expect(erased).toHaveLength(3);
    runtime.jump(365 * dayMs);
    const exported = harmless.length;
    await live(2 * dayMs);
    expect(erased).toHaveLength(3);
    expect(harmless.length).toBeGreaterThan(exported + 500);
    expect(lines.join('\n')).toContain('the clock is far ahead of the latest time that is known');
    expect(await metric(ops, 'lanying_jobs_held_total{job="purge"}')).toMatch(/ [23]$/);
    expect(Number((await metric(ops, 'lanying_clock_jump_seconds '))?.split(' ')[1])).toBeGreaterThan(364 * 86_400);
    await clock.keep();
    await live(2 * dayMs);
    expect(erased).toHaveLength(5);
    const lastRun = Number((await metric(ops, 'lanying_job_last_run_timestamp_seconds{job="purge"}'))?.split(' ')[1]);
    expect(lastRun).toBe((erased.at(-1) ?? 0) / 1_000);
    expect(await metric(ops, 'lanying_clock_jump_seconds ')).toBe('lanying_clock_jump_seconds 0');
  });

  it('[T3] between two starts too, and a short time without the server holds nothing up', async () => {
    const runtime = new FakeRuntime('between', startMs);
    const first = living(bench.store(), runtime);
    await first.clock.begin();
    await first.live(dayMs);
    runtime.jump(4 * dayMs);
    const second = living(await bench.reopened(), runtime);
    await second.live(hourMs);
    expect(second.erased).toHaveLength(1);
    runtime.jump(30 * dayMs);
    const third = living(await bench.reopened(), runtime);
    await third.live(2 * dayMs);
    expect(third.erased).toEqual([]);
    await third.clock.keep();
    const fourth = living(await bench.reopened(), runtime);
    await fourth.live(dayMs);
    expect(fourth.erased).toHaveLength(1);
  });

  it('[T3] is held against the latest time, not the last: back and forth again is no jump ahead', async () => {
    const runtime = new FakeRuntime('forth', startMs);
    const { clock, erased, live, ops } = living(bench.store(), runtime);
    await clock.begin();
    await live(dayMs);
    runtime.jump(-300 * dayMs);
    await live(hourMs);
    expect(await metric(ops, 'lanying_clock_jump_seconds ')).toMatch(/ -2[56]\d+$/);
    runtime.jump(300 * dayMs);
    await live(dayMs);
    // Once at once, for what was missed as the clock tells it, and once at night.
    expect(erased).toHaveLength(3);
  });

  it('[T2] back by a day, and back from a year ahead: jobs go on at once', async () => {
    for (const backMs of [dayMs, 365 * dayMs]) {
      const runtime = new FakeRuntime('back', startMs + 2 * backMs);
      const { harmless, live } = living(bench.store(), runtime);
      await live(hourMs);
      runtime.jump(-backMs);
      const before = harmless.length;
      await live(hourMs);
      expect(harmless.length - before).toBeGreaterThanOrEqual(10);
    }
  });

  it('[T2] a lease of a run that crashed before the clock went back is over', async () => {
    const { leases } = bench.store();
    const ahead = startMs + 365 * dayMs;
    expect(await leases.acquire('crashed', ahead, ahead + 120_000)).not.toBeNull();
    expect(await leases.acquire('crashed', ahead + 60_000, ahead + 180_000)).toBeNull();
    const after = await leases.acquire('crashed', startMs, startMs + 120_000);
    expect(after?.token).toBe(2);
    expect(await leases.release('crashed', 1, ahead)).toBe(false);
    expect(await leases.lastRunAt('crashed')).toBeNull();
  });
});
