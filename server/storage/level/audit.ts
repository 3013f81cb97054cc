import type { AuditEntry } from '#protocol/audit.ts';
import type { CompactRange } from '#protocol/merkle.ts';
import type { Acts, AuditStore } from '../../ports/audit-store.ts';
import type { TreeInspection, TreeLeaf } from '../../ports/tree-log.ts';
import { CorruptionError } from '../../ports/store.ts';
import { decodeLeaf, entryOf, trimsOf } from '../audit-leaf.ts';
import { readUint64 } from '../bytes.ts';
import { type Access, aloneKey } from './access.ts';
import { erasing, foundIn } from './erased-records.ts';
import type { Pause, Why } from '../../ports/retention-store.ts';
import { inspectedLeaves, leafKey, orNull, storedSubtree } from './merkle-records.ts';
import { under } from './table.ts';
import { auditTree } from './audit-tables.ts';
import { counted } from './unsettled.ts';

const seedBytes = 32;
const stepRecords = 64;
/** As far back as the keys of strangers' months are looked for. */
const monthsMax = 120;

export class LevelAudit implements AuditStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  append(acts: Acts): Promise<void> {
    return this.#access.audit.submit([], acts);
  }

  shred(subject: string, acts: Acts): Promise<void> {
    return this.#access.audit.shred(subject, acts);
  }

  tree(): Promise<CompactRange> {
    return this.#access.audit.stored();
  }

  async subtree(level: number, index: number): Promise<Uint8Array> {
    return storedSubtree(auditTree(this.#access.tables), level, index);
  }

  async leaf(index: number): Promise<TreeLeaf | null> {
    if (index < (await this.floor())) return null;
    const bytes = await this.#access.tables.audit.get(leafKey(index));
    return bytes === null ? null : { index, bytes };
  }

  async readFrom(from: number, limit: number): Promise<readonly AuditEntry[]> {
    const { lte } = under(new Uint8Array(0));
    const first = Math.max(from, await this.floor());
    return this.#entries({ gte: leafKey(first), lte, limit }, first, 1);
  }

  async readBefore(before: number, limit: number): Promise<readonly AuditEntry[]> {
    const { size } = await this.tree();
    const end = Math.min(before, size);
    const floor = await this.floor();
    if (end <= floor) return [];
    return this.#entries({ gte: leafKey(floor), lte: leafKey(end - 1), reverse: true, limit }, end - 1, -1);
  }

  async inspect(start: number, limit: number): Promise<TreeInspection> {
    const from = Math.max(start, await this.floor());
    return inspectedLeaves(auditTree(this.#access.tables), from, limit, (index) => this.#whole(index));
  }

  async floor(): Promise<number> {
    return (await this.#access.tables.auditFloor.get(aloneKey))?.floor ?? 0;
  }

  async olderThan(before: number, limit: number): Promise<number> {
    const { tables } = this.#access;
    const floor = await this.floor();
    let count = 0;
    for (let more = true; more && count < limit;) {
      const step = Math.min(stepRecords, limit - count);
      const gte = leafKey(floor + count);
      const found = await tables.audit.list({ gte, lte: under(new Uint8Array(0)).lte, limit: step });
      const young = found.findIndex(({ value }, at) => decodeLeaf(floor + count + at, value).time >= before);
      more = young === -1 && found.length === step;
      count += young === -1 ? found.length : young;
    }
    return count;
  }

  trim(floor: number, acts: Acts): Promise<void> {
    const { mutex } = this.#access;
    return mutex.run('audit floor', async () => {
      const { tables, audit } = this.#access;
      if (floor > (await this.floor())) await audit.submit([tables.auditFloor.put(aloneKey, { floor })], acts);
    });
  }

  async eraseTrimmed(why: Why, pause: Pause): Promise<void> {
    const floor = await this.floor();
    if (floor === 0) return;
    const range = { gte: new Uint8Array(0), lte: leafKey(floor - 1) };
    for (let more = true; more;) {
      const { tables, writer } = this.#access;
      const found = await foundIn(tables.audit.sealed, range, stepRecords);
      const bytes = found.reduce((sum, { value }) => sum + value.length, 0);
      const gone = { ...why, class: 'audit' as const, conversationId: null, count: found.length, bytes };
      if (found.length > 0)
        await writer.submit([...erasing(this.#access, tables.audit.sealed, found), await counted(this.#access, gone)]);
      more = found.length === stepRecords;
      await pause();
    }
    await this.#shredMonths(floor);
  }

  /** Of months that no entry is left of. Entries stand in the order of their writing, so the first one left tells. */
  async #shredMonths(floor: number): Promise<void> {
    const { tables, keys, audit } = this.#access;
    const [first] = await this.readFrom(floor, 1);
    if (first === undefined) return;
    const left = new Date(first.time);
    for (let ago = 1; ago <= monthsMax; ago += 1) {
      const month = new Date(Date.UTC(left.getUTCFullYear(), left.getUTCMonth() - ago, 1));
      const subject = `strangers-${month.toISOString().slice(0, 7)}`;
      const there = await tables.dataKeys.sealed.get(keys.pseudonym('audit subject', subject));
      if (there !== null) await audit.shred(subject, null);
    }
  }

  logName(name: string, keep: boolean): Promise<string> {
    return this.#access.mutex.run('audit name', async () => {
      const { tables, writer } = this.#access;
      const stored = await tables.auditName.get(aloneKey);
      if (stored !== null) return stored.name;
      if (keep) await writer.submit([tables.auditName.put(aloneKey, { name })]);
      return name;
    });
  }

  signingSeed(): Promise<Uint8Array<ArrayBuffer>> {
    const { tables, writer, mutex, runtime } = this.#access;
    return mutex.run('audit signing', async () => {
      const stored = await tables.auditSigning.get(aloneKey);
      if (stored !== null) return stored.seed;
      const seed = runtime.random(seedBytes);
      await writer.submit([tables.auditSigning.put(aloneKey, { seed })]);
      return seed;
    });
  }

  async #entries(
    range: Parameters<Access['tables']['audit']['list']>[0],
    first: number,
    step: 1 | -1,
  ): Promise<readonly AuditEntry[]> {
    const { tables, audit } = this.#access;
    const found = await tables.audit.list(range);
    const leaves = found.map(({ key, value }, at) => {
      const index = first + at * step;
      if (readUint64(key, 0) !== index) throw new CorruptionError('audit', 'an entry is missing');
      return decodeLeaf(index, value);
    });
    const cipherOf = await audit.ciphers(leaves.flatMap(({ personal }) => personal.map(({ subject }) => subject)));
    return leaves.map((leaf) => entryOf(leaf, cipherOf));
  }

  /** Null for a record that does not open, or holds another entry than its place says. */
  #whole(index: number): Promise<(TreeLeaf & { readonly trims?: number }) | null> {
    return orNull(async () => {
      const leaf = await this.leaf(index);
      return leaf === null ? null : { ...leaf, ...trimsOf(decodeLeaf(index, leaf.bytes)) };
    });
  }
}
