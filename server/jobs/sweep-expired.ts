/** Removes sessions that ran out. They are refused from the moment they expire; this only frees their space. */
import type { Runtime } from '../ports/runtime.ts';
import type { SessionStore } from '../ports/store.ts';
import type { Job } from './scheduler.ts';

const sweepBatchMax = 200;
const sweepBatchesMax = 20;

export function sweepExpiredSessions(sessions: Pick<SessionStore, 'sweep'>, runtime: Runtime): Job {
  return {
    name: 'sweep-expired-sessions',
    cron: '*/10 * * * *',
    async run() {
      let swept = 0;
      for (let batch = 0; batch < sweepBatchesMax; batch += 1) {
        const count = await sessions.sweep(runtime.now(), sweepBatchMax);
        swept += count;
        if (count < sweepBatchMax) break;
      }
      return swept;
    },
  };
}
