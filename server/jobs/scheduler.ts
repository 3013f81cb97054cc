/**
 * Scheduled work. node-cron wakes it every minute; whether a job is due is decided by its schedule and by when it last
 * ran, which is stored, so that after any downtime each job runs once ([R13]). A lease keeps two from running one job
 * ([R7]); whoever crashes lets go of it when it expires, and the job, still due, runs again.
 */
import { schedule } from 'node-cron';
import type { Ops } from '../ops/ops.ts';
import type { LeaseStore } from '../ports/retention-store.ts';
import type { Runtime } from '../ports/runtime.ts';
import { Schedule } from './due.ts';

export interface Job {
  readonly name: string;
  /** Cron expressions in local time of the scheduler's zone; due when one of them came up. */
  readonly cron: string | readonly string[];
  /** Does a bounded piece of work; resolves to how many records it touched. What a crash interrupts it takes up again. */
  run(): Promise<number>;
}

export interface Scheduler {
  /** No further run begins; resolves when the runs under way ended. */
  stop(): Promise<void>;
}

export interface SchedulerParts {
  readonly leases: LeaseStore;
  readonly ops: Ops;
  readonly runtime: Runtime;
  /** IANA time zone, for example `Europe/Berlin`. */
  readonly zone: string;
}

const leaseMs = 120_000;
const renewEveryMs = 30_000;

/** One run, told to ops; never rejects. True: it ended well. */
export async function runJob(job: Job, ops: Ops, runtime: Runtime): Promise<boolean> {
  const startedAt = runtime.monotonic();
  try {
    const touched = await job.run();
    ops.jobRan(job.name, touched, runtime.monotonic() - startedAt);
    return true;
  } catch (cause) {
    ops.jobFailed(job.name, cause);
    return false;
  }
}

export class JobRunner {
  readonly #parts: SchedulerParts;
  readonly #jobs: readonly { readonly job: Job; readonly schedule: Schedule }[];
  readonly #running = new Map<string, Promise<void>>();

  constructor(jobs: readonly Job[], parts: SchedulerParts) {
    this.#parts = parts;
    this.#jobs = jobs.map((job) => ({ job, schedule: new Schedule([job.cron].flat(), parts.zone) }));
  }

  /** Starts every job that is due and not under way; resolves when these ended. Never rejects. */
  async tick(): Promise<void> {
    const begun: Promise<void>[] = [];
    for (const { job, schedule: when } of this.#jobs) {
      if (this.#running.has(job.name)) continue;
      const run = this.#look(job, when).finally(() => this.#running.delete(job.name));
      this.#running.set(job.name, run);
      begun.push(run);
    }
    await Promise.all(begun);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #look(job: Job, when: Schedule): Promise<void> {
    const { leases, ops, runtime } = this.#parts;
    try {
      const last = await this.#lastRunAt(job.name);
      if (last !== null) ops.machine.jobLast(job.name, last);
      if (last !== null && !when.isDue(last, runtime.now())) return;
      const startedAt = runtime.now();
      const lease = await leases.acquire(job.name, startedAt, startedAt + leaseMs);
      if (lease === null) return;
      // Never ran here: it is due from now on. And somebody else may have run it while this one looked.
      const due = lease.lastRunAt !== null && when.isDue(lease.lastRunAt, startedAt);
      const done = due ? await this.#run(job, lease.token) : true;
      const lastRunAt = lease.lastRunAt === null || due ? startedAt : lease.lastRunAt;
      const mine = await leases.release(job.name, lease.token, done ? lastRunAt : null);
      if (mine && done && lastRunAt !== null) ops.machine.jobLast(job.name, lastRunAt);
      if (!mine) ops.jobFailed(job.name, new Error('the lease was lost while the job ran'));
    } catch (cause) {
      ops.jobFailed(job.name, cause);
    }
  }

  /** [T2] A run in the future was before the clock went back: it counts as now, and is stored so, else the job would rest until then. */
  async #lastRunAt(name: string): Promise<number | null> {
    const { leases, runtime } = this.#parts;
    const now = runtime.now();
    const last = await leases.lastRunAt(name);
    if (last === null || last <= now) return last;
    const lease = await leases.acquire(name, now, now + leaseMs);
    if (lease !== null) await leases.release(name, lease.token, now);
    return now;
  }

  async #run(job: Job, token: number): Promise<boolean> {
    const { leases, ops, runtime } = this.#parts;
    const renewing = runtime.every(renewEveryMs, () => {
      leases.renew(job.name, token, runtime.now() + leaseMs).catch((cause: unknown) => ops.jobFailed(job.name, cause));
    });
    try {
      return await runJob(job, ops, runtime);
    } finally {
      renewing.cancel();
    }
  }
}

/** Looks at once, for what came due while the process was down, and then every minute. */
export function startJobs(jobs: readonly Job[], parts: SchedulerParts): Scheduler {
  const { ops } = parts;
  const runner = new JobRunner(jobs, parts);
  const silent = {
    info: () => undefined,
    warn: () => undefined,
    debug: () => undefined,
    error: (cause: unknown) => ops.jobFailed('scheduler', cause),
  };
  const task = schedule('* * * * *', () => runner.tick(), {
    name: 'jobs',
    timezone: 'UTC',
    logger: silent,
    suppressMissedWarning: true,
  });
  void runner.tick();
  return {
    async stop() {
      await task.destroy();
      await runner.idle();
    },
  };
}
