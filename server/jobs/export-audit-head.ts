/** Takes the signed tree head of the audit log off this machine, and tells administrators' clients of it ([U7], [U10]). */
import { administrators } from '../domain/audit/administrators.ts';
import type { TreeHeads } from '../domain/audit/tree-heads.ts';
import type { HeadSink } from '../ports/audit-store.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { AccountStore } from '../ports/store.ts';
import type { Job } from './scheduler.ts';

export interface AuditHeadParts {
  readonly heads: Pick<TreeHeads, 'head'>;
  readonly accounts: Pick<AccountStore, 'list'>;
  readonly bus: EventBus;
  readonly sinks: readonly HeadSink[];
}

/** Each place gets a head once, and again until it took it. A place that fails keeps none of the others waiting. */
export function exportAuditHead({ heads, accounts, bus, sinks }: AuditHeadParts): Job {
  const delivered = new Map<string, string>();
  const telling = async (checkpoint: string): Promise<void> => {
    bus.publish({ kind: 'auditHead', checkpoint, admins: await administrators(accounts) });
  };
  const places: readonly HeadSink[] = [...sinks, { name: 'clients', deliver: telling }];
  return {
    name: 'export-audit-head',
    cron: '*/5 * * * *',
    async run() {
      const { checkpoint } = await heads.head();
      const due = places.filter(({ name }) => delivered.get(name) !== checkpoint);
      const outcomes = await Promise.allSettled(
        due.map(async (place) => {
          await place.deliver(checkpoint);
          delivered.set(place.name, checkpoint);
        }),
      );
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
      if (failed.length > 0) throw new AggregateError(failed.map(({ reason }) => reason), `the tree head was not taken by ${failed.length} of ${due.length} places`);
      return due.length;
    },
  };
}
