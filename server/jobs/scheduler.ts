/** Scheduled work by node-cron: one run of a job at a time, each run bounded by the job itself. */
import { schedule } from 'node-cron';
import type { Ops } from '../ops/ops.ts';
import type { Runtime } from '../ports/runtime.ts';

export interface Job {
  readonly name: string;
  /** A cron expression in UTC. */
  readonly cron: string;
  /** Does a bounded piece of work; resolves to how many records it touched. */
  run(): Promise<number>;
}

export interface Scheduler {
  /** No further run begins; resolves when the runs under way ended. */
  stop(): Promise<void>;
}

/** One run, told to ops; never rejects. */
export async function runJob(job: Job, ops: Ops, runtime: Runtime): Promise<void> {
  const startedAt = runtime.monotonic();
  try {
    const touched = await job.run();
    ops.jobRan(job.name, touched, runtime.monotonic() - startedAt);
  } catch (cause) {
    ops.jobFailed(job.name, cause);
  }
}

export function startJobs(jobs: readonly Job[], ops: Ops, runtime: Runtime): Scheduler {
  const running = new Map<string, Promise<void>>();
  const silent = { info: () => undefined, warn: () => undefined, debug: () => undefined, error: (cause: unknown) => ops.jobFailed('scheduler', cause) };
  const tasks = jobs.map((job) =>
    schedule(
      job.cron,
      () => {
        if (running.has(job.name)) return;
        running.set(job.name, runJob(job, ops, runtime).finally(() => running.delete(job.name)));
      },
      { name: job.name, timezone: 'UTC', logger: silent, suppressMissedWarning: true },
    ),
  );
  return {
    async stop() {
      for (const task of tasks) await task.destroy();
      await Promise.all(running.values());
    },
  };
}
