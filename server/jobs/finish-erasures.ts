/** Ends erasures that a crash or a stop cut off ([R4]); the rules themselves are for the nightly purge. */
import { systemScribe } from '../domain/audit/scribe.ts';
import type { Retention } from '../domain/retention/retention.ts';
import type { Runtime } from '../ports/runtime.ts';
import { touchedBy } from './purge.ts';
import type { Job } from './scheduler.ts';

export function finishErasures(retention: Pick<Retention, 'finish'>, runtime: Runtime): Job {
  return {
    name: 'finish-erasures',
    cron: '*/10 * * * *',
    run: async () => touchedBy(await retention.finish(systemScribe('retention', runtime))),
  };
}
