/** The one place where jobs are registered. */
import type { Retention } from '../domain/retention/retention.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Store } from '../ports/store.ts';
import type { Job } from './scheduler.ts';
import { type AuditHeadParts, exportAuditHead } from './export-audit-head.ts';
import { purgeJob } from './purge.ts';
import { sweepExpiredSessions } from './sweep-expired.ts';
import { sweepUploads } from './sweep-uploads.ts';

export const jobsOf = (store: Store, runtime: Runtime, audit: AuditHeadParts, retention: Retention): readonly Job[] => [
  exportAuditHead(audit),
  purgeJob(retention, runtime),
  sweepExpiredSessions(store.sessions, runtime),
  sweepUploads(store.blobs, runtime),
];
