/** The one place where jobs are registered. */
import type { ClockWatch } from '../domain/clock-watch.ts';
import type { OwnDevices } from '../domain/own-devices.ts';
import type { Retention } from '../domain/retention/retention.ts';
import type { Ops } from '../ops/ops.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Store } from '../ports/store.ts';
import type { Job } from './scheduler.ts';
import { type AuditHeadParts, exportAuditHead } from './export-audit-head.ts';
import { finishErasures } from './finish-erasures.ts';
import { purgeJob } from './purge.ts';
import { sweepExpiredSessions } from './sweep-expired.ts';
import { sweepUploads } from './sweep-uploads.ts';
import { tidyDevices } from './tidy-devices.ts';
import { waitingForClock, watchClock } from './watch-clock.ts';

export interface JobParts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly ops: Ops;
  readonly audit: AuditHeadParts;
  readonly retention: Retention;
  readonly clock: ClockWatch;
  readonly ownDevices: OwnDevices;
  /** Null: backups are made by hand, or not at all. */
  readonly backup: Omit<Job, 'name'> | null;
}

export function jobsOf({ store, runtime, ops, audit, retention, clock, ownDevices, backup }: JobParts): readonly Job[] {
  // [T3] What cannot be brought back.
  const erasing = [
    purgeJob(retention, runtime),
    finishErasures(retention, runtime),
    sweepExpiredSessions(store.sessions, runtime),
    sweepUploads(store.blobs, runtime),
    tidyDevices(ownDevices),
  ];
  return [
    watchClock(clock, ops.machine),
    exportAuditHead(audit),
    ...(backup === null ? [] : [{ name: 'backup', ...backup }]),
    ...erasing.map((job) => waitingForClock(job, clock, ops.machine)),
  ];
}
