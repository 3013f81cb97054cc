import { describe, expect, it } from 'vitest';
import { createOps } from '../../../server/ops/ops.ts';
import { localMinute, Schedule } from '../../../server/jobs/due.ts';
import { type Job, JobRunner } from '../../../server/jobs/scheduler.ts';
import { openMemoryStore } from '../../../server/storage/memory/store.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { openLevelBench } from '../../contract/level-bench.ts';

const zone = 'Europe/Berlin';
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const utc = (text: string): number => Date.parse(`${text}Z`);

class Counted implements Job {
  runs: number[] = [];
  constructor(
    readonly name: string,
    readonly cron: string | readonly string[],
    readonly runtime: FakeRuntime,
    readonly work: () => Promise<void> = async () => undefined,
  ) {}
  async run(): Promise<number> {
    this.runs.push(this.runtime.now());
    await this.work();
    return 1;
  }
}

const lines: string[] = [];
const ops = createOps({ level: 'error', sink: { write: (line) => lines.push(line) } });

/** Looks every minute over a span, as node-cron makes it. */
async function live(runner: JobRunner, runtime: FakeRuntime, spanMs: number, stepMs = minuteMs): Promise<void> {
  for (let at = 0; at < spanMs; at += stepMs) {
    await runner.tick();
    runtime.jump(stepMs);
  }
}

describe('schedules', () => {
  it('[R13] runs a daily job once on the day whose hour is skipped, and once on the day whose hour comes twice', async () => {
    const times = ['15 2 * * *', '30 2 * * *', '0 3 * * *'];
    for (const cron of times) {
      for (const start of ['2026-03-27T12:00', '2026-10-23T12:00']) {
        const runtime = new FakeRuntime('dst', utc(start));
        const job = new Counted('nightly', cron, runtime);
        const runner = new JobRunner([job], { leases: openMemoryStore().leases, ops, runtime, zone });
        await live(runner, runtime, 4 * 24 * hourMs, 15 * minuteMs);
        const days = job.runs.map((at) => Math.floor(localMinute(zone, at) / (24 * 60)));
        const first = Math.floor(localMinute(zone, utc(start)) / (24 * 60));
        expect([cron, start, days]).toEqual([cron, start, [1, 2, 3, 4].map((day) => first + day)]);
      }
    }
    // The skipped half past two is made up for at three.
    expect(new Schedule(['30 2 * * *'], zone).isDue(utc('2026-03-29T00:59'), utc('2026-03-29T00:59'))).toBe(false);
    expect(new Schedule(['30 2 * * *'], zone).isDue(utc('2026-03-29T00:59'), utc('2026-03-29T01:00'))).toBe(true);
  });

  it('[R13] the same in zones that move by an hour at two, by half an hour, and not at all, in the spring and in the autumn of each', async () => {
    const changes: readonly (readonly [string, string, string])[] = [
      ['America/New_York', '2026-03-08', '2026-11-01'],
      ['Australia/Lord_Howe', '2026-10-04', '2026-04-05'],
      ['Africa/Casablanca', '2026-03-22', '2026-02-15'],
      ['Asia/Shanghai', '2026-03-29', '2026-10-25'],
    ];
    for (const [place, ...days] of changes)
      for (const day of days)
        for (const cron of ['0 2 * * *', '15 2 * * *', '45 1 * * *', '30 3 * * *']) {
          const runtime = new FakeRuntime('zones', utc(`${day}T00:00`) - 40 * hourMs);
          const job = new Counted('nightly', cron, runtime);
          const runner = new JobRunner([job], { leases: openMemoryStore().leases, ops, runtime, zone: place });
          await live(runner, runtime, 96 * hourMs, 15 * minuteMs);
          const dayIn = (at: number): number => Math.floor(localMinute(place, at) / (24 * 60));
          const runs = job.runs.map(dayIn);
          // Each day of the four (the window may end on a fifth) once, and the day of the change among them.
          const from = runs[0] ?? 0;
          expect([place, day, cron, runs]).toEqual([place, day, cron, runs.map((_, at) => from + at)]);
          expect([place, day, cron, runs.length >= 3 && runs.length <= 5]).toEqual([place, day, cron, true]);
          expect(runs).toContain(Date.parse(`${day}T00:00Z`) / (24 * hourMs));
        }
  });

  it('[R13] runs once after downtime, however many schedules and days were missed', async () => {
    const runtime = new FakeRuntime('down', utc('2026-05-01T12:00'));
    const { leases } = openMemoryStore();
    const jobs = [
      new Counted('twice', ['0 3 * * *', '30 15 * * *'], runtime),
      new Counted('often', '*/10 * * * *', runtime),
      new Counted('monthly', '0 4 1 * *', runtime),
    ];
    const start = (): JobRunner => new JobRunner(jobs, { leases, ops, runtime, zone });
    await start().tick();
    // The first look only begins to count.
    expect(jobs.map(({ runs }) => runs.length)).toEqual([0, 0, 0]);
    for (const days of [1, 9, 45]) {
      for (const job of jobs) job.runs = [];
      runtime.jump(days * 24 * hourMs);
      const runner = start();
      await Promise.all([runner.tick(), runner.tick()]);
      await runner.tick();
      await start().tick();
      expect([days, ...jobs.map(({ runs }) => runs.length)]).toEqual([days, 1, 1, days === 1 || days === 9 ? 0 : 1]);
    }
  });

  it('[R13] a clock that goes back neither repeats a run nor stops the schedule', async () => {
    const runtime = new FakeRuntime('back', utc('2026-05-01T12:00'));
    const job = new Counted('hourly', '0 * * * *', runtime);
    const runner = new JobRunner([job], { leases: openMemoryStore().leases, ops, runtime, zone });
    await live(runner, runtime, 2 * hourMs + minuteMs);
    expect(job.runs).toHaveLength(2);
    runtime.jump(-30 * minuteMs);
    await runner.tick();
    expect(job.runs).toHaveLength(2);
    await live(runner, runtime, 2 * hourMs);
    expect(job.runs.length).toBeGreaterThanOrEqual(3);
    expect(job.runs.length).toBeLessThanOrEqual(4);
  });

  it('[R7] [R13] two that look at the same time run it once; what a crash interrupted runs again when its lease is over', async () => {
    const bench = await openLevelBench();
    const runtime = new FakeRuntime('lease', utc('2026-05-01T00:00'));
    let finish = (): void => undefined;
    const hanging = new Counted(
      'purge',
      '30 3 * * *',
      runtime,
      () => new Promise<void>((resolve) => (finish = resolve)),
    );
    const start = (job: Job): JobRunner => new JobRunner([job], { leases: bench.store().leases, ops, runtime, zone });
    await start(hanging).tick();
    runtime.jump(2 * hourMs);
    const crashed = start(hanging).tick();
    for (let turns = 0; turns < 10_000 && hanging.runs.length === 0; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    const next = new Counted('purge', '30 3 * * *', runtime);
    const second = start(next);
    await second.tick();
    expect(next.runs).toEqual([]);
    // Its process is gone: nobody renews. The wall clock goes on.
    runtime.jump(3 * minuteMs);
    await second.tick();
    expect(next.runs).toHaveLength(1);
    // Should it not be gone after all, it cannot say that it ended.
    finish();
    await crashed;
    expect(lines.join('')).toContain('lease was lost');
    await second.tick();
    expect(next.runs).toHaveLength(1);
    await bench.close();
  });

  it('[R13] a run that failed is tried again at the next look', async () => {
    const runtime = new FakeRuntime('fail', utc('2026-05-01T00:00'));
    let fails = 2;
    const job = new Counted('purge', '30 3 * * *', runtime, async () => {
      if (fails-- > 0) throw new Error('no disk');
    });
    const runner = new JobRunner([job], { leases: openMemoryStore().leases, ops, runtime, zone });
    await runner.tick();
    runtime.jump(3 * hourMs);
    for (let at = 0; at < 5; at += 1) await runner.tick();
    expect(job.runs).toHaveLength(3);
  });
});
