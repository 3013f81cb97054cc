/** Reading the audit log: filtered, proven, exported ([U4]–[U8]). */
import type { AuditEntry } from '#protocol/audit.ts';
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { auditExportPageMax, auditPageMax, auditScanMax } from '#protocol/limits.ts';
import { consistencyProof, inclusionProof } from '#protocol/merkle.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import { sha256 } from '../digests.ts';
import { pageOf } from '../pages.ts';
import { csvHeader, csvLine, jsonLine } from './export-forms.ts';
import type { Scribe } from './scribe.ts';
import { TreeHeads } from './tree-heads.ts';

type Filter = Pick<Input<'audit.list'>, 'actor' | 'act' | 'object' | 'from' | 'to'>;

/** How many entries one step of a scan opens. */
const stepEntries = 200;

const matches = ({ actor, act, object, from, to }: Filter, entry: AuditEntry): boolean =>
  (act === undefined || entry.act === act) &&
  (actor === undefined || (entry.actor.kind === 'person' && entry.actor.userId === actor)) &&
  (object === undefined || entry.object?.id === object) &&
  (from === undefined || entry.time >= from) &&
  (to === undefined || entry.time < to);

export class AuditLog {
  readonly heads: TreeHeads;
  readonly #store: AuditStore;
  readonly #read = (level: number, index: number): Promise<Uint8Array> => this.#store.subtree(level, index);

  constructor(store: AuditStore, origin: string) {
    this.#store = store;
    this.heads = new TreeHeads(store, origin);
  }

  /** Newest first. Looks at auditScanMax entries at most: `next` is where to go on, null when there is nothing left. */
  async list({ before, limit = auditPageMax, ...filter }: Input<'audit.list'>): Promise<Output<'audit.list'>> {
    const found: AuditEntry[] = [];
    let at = Math.min(before ?? Number.MAX_SAFE_INTEGER, (await this.#store.tree()).size);
    const floor = await this.#store.floor();
    const lowest = Math.max(floor, at - auditScanMax);
    while (at > lowest && found.length < limit) {
      for (const entry of await this.#store.readBefore(at, Math.min(stepEntries, at - lowest))) {
        if (found.length === limit) break;
        if (matches(filter, entry)) found.push(entry);
        at = entry.index;
      }
    }
    const entries = pageOf(found, (entry) => JSON.stringify(entry).length);
    const shown = entries.length < found.length ? (entries.at(-1)?.index ?? at) : at;
    return { entries, next: shown > floor ? shown : null };
  }

  /** The signed head, and the proof that the tree of `since` entries is its beginning. Refuses audit.ahead. */
  async head({ since = 0 }: Input<'audit.head'>): Promise<Result<Output<'audit.head'>>> {
    const { size, checkpoint } = await this.heads.head();
    if (since > size) return refuse('audit.ahead');
    const consistency = await consistencyProof(sha256, this.#read, since, size);
    return ok({
      checkpoint,
      verifierKey: await this.heads.verifierKey(),
      consistency: consistency.map((hash) => new Uint8Array(hash)),
    });
  }

  /** A leaf as it is hashed, with the path to the root of the tree of `size` entries. Refuses audit.unknown, audit.ahead. */
  async proof({ index, size }: Input<'audit.proof'>): Promise<Result<Output<'audit.proof'>>> {
    const stored = (await this.#store.tree()).size;
    if (size > stored) return refuse('audit.ahead');
    const leaf = index < size ? await this.#store.leaf(index) : null;
    if (leaf === null) return index < size ? refuse('audit.unknown', { reason: 'trimmed' }) : refuse('audit.unknown');
    const path = await inclusionProof(sha256, this.#read, index, size);
    return ok({ leaf: leaf.bytes, inclusion: path.map((hash) => new Uint8Array(hash)) });
  }

  /** A page of lines, oldest first, from index `after`; the first page is an act itself ([U8]). */
  async export(input: Input<'audit.export'>, audit: Scribe<'audit.exported'>): Promise<Output<'audit.export'>> {
    const { format, after = 0, ...filter } = input;
    if (after === 0) {
      const facts = {
        format,
        ...(filter.act === undefined ? {} : { act: filter.act }),
        filtered: Object.keys(filter).length > 0,
      };
      await this.#store.append([audit({ act: 'audit.exported', object: { kind: 'log', id: 'audit' }, after: facts })]);
    }
    const found = await this.#store.readFrom(after, auditExportPageMax);
    const line = format === 'csv' ? csvLine : jsonLine;
    const entries = pageOf(found, (entry) => line(entry).length);
    const lines = entries.filter((entry) => matches(filter, entry)).map(line);
    const header = format === 'csv' && after === 0 ? [csvHeader] : [];
    const last = entries.at(-1);
    const whole = entries.length === found.length && found.length < auditExportPageMax;
    return { text: [...header, ...lines].join(''), next: last === undefined || whole ? null : last.index + 1 };
  }
}
