import { expect, test } from 'vitest';
import { createOps } from '../../../server/ops/ops.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { runJob } from '../../../server/jobs/scheduler.ts';
import { sweepExpiredSessions } from '../../../server/jobs/sweep-expired.ts';

/** Sessions by the time they expire. */
class Sessions {
  constructor(public expiries: number[]) {}
  async sweep(now: number, limit: number): Promise<number> {
    const gone = this.expiries.filter((expiry) => expiry < now).slice(0, limit);
    this.expiries = this.expiries.filter((expiry) => !gone.includes(expiry));
    return gone.length;
  }
}
const at = (now: number) => ({ ...systemRuntime, now: () => now });

test('removes what expired, in batches, and nothing else', async () => {
  const sessions = new Sessions(Array.from({ length: 1_000 }, (_none, index) => index));
  expect(await sweepExpiredSessions(sessions, at(700)).run()).toBe(700);
  expect(sessions.expiries).toHaveLength(300);
  expect(await sweepExpiredSessions(sessions, at(700)).run()).toBe(0);
});

test('one run is bounded; the next goes on', async () => {
  const sessions = new Sessions(Array.from({ length: 5_000 }, (_none, index) => index));
  const job = sweepExpiredSessions(sessions, at(5_000));
  expect(await job.run()).toBe(4_000);
  expect(await job.run()).toBe(1_000);
});

test('a failing run is told and does not reject', async () => {
  const lines: string[] = [];
  const ops = createOps({ level: 'error', sink: { write: (line) => lines.push(line) } });
  const job = { name: 'broken', cron: '* * * * *', run: () => Promise.reject(new Error('no disk')) };
  await runJob(job, ops, systemRuntime);
  expect(lines.join('')).toContain('no disk');
  expect(await ops.metrics()).toContain('lanying_job_failures_total{job="broken"} 1');
});
