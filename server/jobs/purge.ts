/** Erases each night what the rules of retention say. */
import type { Receipt } from '#protocol/retention.ts';
import { systemScribe } from '../domain/audit/scribe.ts';
import type { Retention } from '../domain/retention/retention.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Job } from './scheduler.ts';

export function purgeJob(retention: Pick<Retention, 'run'>, runtime: Runtime): Job {
  return {
    name: 'purge',
    cron: '30 3 * * *',
    run: async () => touchedBy(await retention.run(systemScribe('retention', runtime))),
  };
}

/** How many records a receipt tells of. */
export function touchedBy(receipt: Receipt | null): number {
  if (receipt === null) return 0;
  const entries = receipt.ranges.reduce((sum, { counts }) => sum + counts.entries, 0);
  return entries + receipt.others.reduce((sum, { count }) => sum + count, 0);
}
