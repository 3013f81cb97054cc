/** What tests of erasure have in common: the first day of a log, a rule, and a purge from its plan to its proof. */
import type { Pause } from '../../server/ports/retention-store.ts';
import type { Store } from '../../server/ports/store.ts';
import { conversationOf, dayMs, startMs } from './people.ts';

export const firstDay = Math.floor(startMs / dayMs);
export const policy = { kind: 'policy' as const, conversationId: null, days: 30, setAt: startMs };
export const pause: Pause = () => Promise.resolve();

/** Purges the days of a log before `beforeDay`. Throws when there is nothing of them. */
export async function purge(store: Store, name: string, beforeDay: number, between: Pause = pause) {
  const plan = await store.erasure.plan(conversationOf(name), beforeDay);
  const floor = plan === null ? null : await store.erasure.begin(plan, policy, startMs + 40 * dayMs);
  if (plan === null || floor === null) throw new Error('nothing to purge');
  const ranges = await store.erasure.finish(between);
  return { plan, floor, ranges, proof: await store.erasure.prove(between) };
}
