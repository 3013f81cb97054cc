/** Takes the signed tree heads of the audit log and of the key directory off this machine, and tells administrators' clients of the first ([U7], [U10]). */
import { administrators } from '../domain/audit/administrators.ts';
import type { TreeHeads } from '../domain/audit/tree-heads.ts';
import type { HeadSink } from '../ports/audit-store.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { AccountStore } from '../ports/store.ts';
import type { Job } from './scheduler.ts';

export interface AuditHeadParts {
  readonly heads: Pick<TreeHeads, 'head'>;
  /** Of the key directory; its heads go to the same places, but for clients, who ask for them by themselves. */
  readonly directory?: Pick<TreeHeads, 'head'>;
  readonly accounts: Pick<AccountStore, 'list'>;
  readonly bus: EventBus;
  readonly sinks: readonly HeadSink[];
}

/** Each place gets a head once, and again until it took it. A place that fails keeps none of the others waiting. */
export function exportAuditHead({ heads, directory, accounts, bus, sinks }: AuditHeadParts): Job {
  const delivered = new Map<string, string>();
  const telling = async (checkpoint: string): Promise<void> => {
    bus.publish({ kind: 'auditHead', checkpoint, admins: await administrators(accounts) });
  };
  const audited: readonly HeadSink[] = [...sinks, { name: 'clients', deliver: telling }];
  const to = async (places: readonly HeadSink[], log: string, checkpoint: string): Promise<number> => {
    const due = places.filter(({ name }) => delivered.get(`${log} ${name}`) !== checkpoint);
    const outcomes = await Promise.allSettled(
      due.map(async (place) => {
        await place.deliver(checkpoint);
        delivered.set(`${log} ${place.name}`, checkpoint);
      }),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    if (failed.length > 0) throw new AggregateError(failed.map(({ reason }) => reason), `the tree head was not taken by ${failed.length} of ${due.length} places`);
    return due.length;
  };
  return {
    name: 'export-audit-head',
    cron: '*/5 * * * *',
    async run() {
      // One after the other: both may go to one file.
      const steps = [() => heads.head().then(({ checkpoint }) => to(audited, 'audit', checkpoint))];
      if (directory !== undefined) steps.push(() => directory.head().then(({ checkpoint }) => to(sinks, 'directory', checkpoint)));
      const failed: unknown[] = [];
      let taken = 0;
      for (const step of steps) {
        try {
          taken += await step();
        } catch (cause) {
          failed.push(cause);
        }
      }
      if (failed.length > 0) throw failed[0];
      return taken;
    },
  };
}
