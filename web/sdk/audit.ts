import type { Output } from '#protocol/commands/index.ts';
import { ActName } from '#protocol/audit.ts';
import { UserId } from '#protocol/ids.ts';
import * as v from 'valibot';
import { LanyingError } from '../engine/api.ts';
import { post } from '../engine/http.ts';
import type { Network } from '../engine/ports.ts';
import type { AuditEntry, AuditFilter, AuditReader } from './types.ts';

const Filter = v.object({
  actor: v.optional(UserId),
  act: v.optional(ActName),
  object: v.optional(v.string()),
  from: v.optional(v.number()),
  to: v.optional(v.number()),
});

function filterOf(filter: AuditFilter): v.InferOutput<typeof Filter> {
  const parsed = v.safeParse(Filter, filter);
  if (!parsed.success) throw new LanyingError('input.invalid', { field: v.getDotPath(parsed.issues[0]) ?? '' });
  return parsed.output;
}

const entryOf = ({ actor, ...entry }: Output<'audit.list'>['entries'][number]): AuditEntry => ({
  ...entry,
  actor: actor.kind === 'person' ? actor.userId : actor.kind === 'system' ? `system:${actor.name}` : actor.kind,
});

export class SdkAudit implements AuditReader {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  async *list(filter: AuditFilter = {}): AsyncGenerator<AuditEntry> {
    const input = filterOf(filter);
    for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null; ) {
      const page: Output<'audit.list'> = await post(this.#network, 'audit.list', { ...input, before });
      for (const entry of page.entries) yield entryOf(entry);
      before = page.next;
    }
  }

  async *export(format: 'jsonl' | 'csv', filter: AuditFilter = {}): AsyncGenerator<string> {
    const input = filterOf(filter);
    for (let after: number | null = 0; after !== null; ) {
      const page: Output<'audit.export'> = await post(this.#network, 'audit.export', { ...input, format, after });
      yield page.text;
      after = page.next;
    }
  }
}
