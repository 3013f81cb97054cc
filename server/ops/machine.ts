/** What the machine under the server does: its disk, its clock, the store on it, and when work was last done. */
import type { Logger } from 'pino';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { errorFields } from './error-fields.ts';

export interface MachineMeter {
  /** `failed` ends the process. */
  storeBecame(condition: 'open' | 'full' | 'failed' | 'closed', cause: unknown): void;
  /** A batch of writes was synced. */
  synced(elapsedMs: number): void;
  /** Bytes that are free on the disk of the data folder, and under which nothing is written. */
  diskHas(freeBytes: number, floorBytes: number): void;
  /** The last run of a job that ended well began then. */
  jobLast(job: string, at: number): void;
  /** [T3] A job that erases did not, because the clock is so far ahead of the latest time that is known. */
  jobHeld(job: string, aheadMs: number): void;
  /** The last backup that was made. */
  backupLast(takenAt: number, bytes: number): void;
  /** The clock against the latest time that is known. */
  clockWas(kind: 'steady' | 'ahead' | 'behind', byMs: number): void;
}

function gauges(registers: [Registry]) {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  return {
    open: gauge('lanying_store_open', '1 while the store takes writes.'),
    full: gauge('lanying_store_full', '1 while the disk is too full to write; reading goes on.'),
    backupAt: gauge('lanying_backup_last_timestamp_seconds', 'When the last backup was taken.'),
    backupBytes: gauge('lanying_backup_last_bytes', 'What the last backup wrote.'),
    free: gauge('lanying_disk_free_bytes', 'Bytes free on the disk of the data folder.'),
    floor: gauge('lanying_disk_floor_bytes', 'Free bytes below which nothing is written.'),
    clock: gauge(
      'lanying_clock_jump_seconds',
      'How far the clock is ahead of the latest time that is known (behind it: negative); 0 when steady.',
    ),
  };
}

export function machineMeter(registry: Registry, log: Logger): MachineMeter {
  const registers: [Registry] = [registry];
  const { open, full, free, floor, clock, backupAt, backupBytes } = gauges(registers);
  const sync = new Histogram({
    name: 'lanying_sync_seconds',
    help: 'Time of one synced batch of writes.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const last = new Gauge({
    name: 'lanying_job_last_run_timestamp_seconds',
    help: 'When the last run of a job that ended well began.',
    labelNames: ['job'],
    registers,
  });
  const held = new Counter({
    name: 'lanying_jobs_held_total',
    help: 'Runs of erasing jobs that waited because the clock is far ahead.',
    labelNames: ['job'],
    registers,
  });
  open.set(1);
  return {
    storeBecame(condition, cause) {
      open.set(condition === 'open' ? 1 : 0);
      full.set(condition === 'full' ? 1 : 0);
      if (condition === 'open') log.info('the store takes writes again');
      else if (condition === 'full')
        log.error(errorFields(cause), 'the disk is full: the store is read-only until there is room');
      else log.fatal(errorFields(cause), 'the store failed, stopping: see to the disk and start again');
    },
    synced: (elapsedMs) => sync.observe(elapsedMs / 1_000),
    diskHas(freeBytes, floorBytes) {
      free.set(freeBytes);
      floor.set(floorBytes);
    },
    jobLast: (job, at) => last.set({ job }, at / 1_000),
    jobHeld(job, aheadMs) {
      held.inc({ job });
      log.warn(
        { job, days: Math.floor(aheadMs / 86_400_000) },
        'nothing erased: the clock is far ahead of the latest time that is known; when it is right, run the purge once (retention.run, or lanying purge)',
      );
    },
    backupLast(takenAt, bytes) {
      backupAt.set(takenAt / 1_000);
      backupBytes.set(bytes);
    },
    clockWas(kind, byMs) {
      clock.set(kind === 'steady' ? 0 : (kind === 'ahead' ? byMs : -byMs) / 1_000);
      if (kind !== 'steady') log.warn({ kind, seconds: Math.round(byMs / 1_000) }, 'the clock jumped');
    },
  };
}
