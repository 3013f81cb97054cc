/** Remembers how late it is, and keeps jobs that erase from running while the clock is far ahead of that ([T3]). */
import type { ClockWatch } from '../domain/clock-watch.ts';
import type { Ops } from '../ops/ops.ts';
import type { Job } from './scheduler.ts';

export function watchClock(clock: Pick<ClockWatch, 'look' | 'keep'>, ops: Pick<Ops['machine'], 'clockWas'>): Job {
  return {
    name: 'watch-clock',
    cron: '*/10 * * * *',
    async run() {
      const look = await clock.look();
      ops.clockWas(look.kind, look.kind === 'steady' ? 0 : look.byMs);
      if (look.kind === 'steady') await clock.keep();
      return 0;
    },
  };
}

/** The same job; while the clock is far ahead it ends without having touched anything. */
export function waitingForClock(job: Job, clock: Pick<ClockWatch, 'look'>, ops: Pick<Ops['machine'], 'jobHeld'>): Job {
  return {
    name: job.name,
    cron: job.cron,
    async run() {
      const look = await clock.look();
      if (look.kind !== 'ahead') return job.run();
      ops.jobHeld(job.name, look.byMs);
      return 0;
    },
  };
}
