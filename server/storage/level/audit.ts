import type { AuditEntry } from '#protocol/audit.ts';
import type { CompactRange } from '#protocol/merkle.ts';
import type { Acts, AuditInspection, AuditLeaf, AuditStore } from '../../ports/audit-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { decodeLeaf, entryOf } from '../audit-leaf.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import { type Access, aloneKey } from './access.ts';
import { leafKey, nodeKey } from './audit-writer.ts';
import { under } from './table.ts';

const seedBytes = 32;
const indexBytes = 8;

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
    const hash = await this.#access.tables.auditNodes.get(nodeKey(level, index));
    if (hash === null) throw new CorruptionError('audit-nodes', 'a subtree is missing');
    return hash;
  }

  async leaf(index: number): Promise<AuditLeaf | null> {
    const bytes = await this.#access.tables.audit.get(leafKey(index));
    return bytes === null ? null : { index, bytes };
  }

  async readFrom(from: number, limit: number): Promise<readonly AuditEntry[]> {
    const { lte } = under(new Uint8Array(0));
    return this.#entries({ gte: leafKey(from), lte, limit }, from, 1);
  }

  async readBefore(before: number, limit: number): Promise<readonly AuditEntry[]> {
    const { size } = await this.tree();
    const end = Math.min(before, size);
    if (end <= 0) return [];
    return this.#entries({ gte: new Uint8Array(0), lte: leafKey(end - 1), reverse: true, limit }, end - 1, -1);
  }

  async inspect(from: number, limit: number): Promise<AuditInspection> {
    const { auditRecords } = this.#access.tables;
    // Whatever lies between the last leaf that was looked at and the next one is looked at too.
    const gte = from === 0 ? new Uint8Array(0) : joinBytes(leafKey(from - 1), new Uint8Array(1));
    const found: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
    await auditRecords.scan({ gte, lte: under(new Uint8Array(0)).lte, limit }, (key, value) => {
      found.push({ key, value });
      return true;
    });
    const leaves: (AuditLeaf & { readonly hash: Uint8Array | null })[] = [];
    for (const { key } of found) {
      const index = from + leaves.length;
      const place = key.length === indexBytes ? readUint64(key, 0) : null;
      if (place !== index) return { leaves, bad: place === null ? 'foreign' : 'missing', end: false };
      const leaf = await this.#whole(index);
      if (leaf === null) return { leaves, bad: 'damaged', end: false };
      leaves.push({ ...leaf, hash: await this.#nodeOrNull(index) });
    }
    return { leaves, bad: null, end: found.length < limit };
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
  async #whole(index: number): Promise<AuditLeaf | null> {
    try {
      const leaf = await this.leaf(index);
      if (leaf !== null) decodeLeaf(index, leaf.bytes);
      return leaf;
    } catch (cause) {
      if (cause instanceof CorruptionError) return null;
      throw cause;
    }
  }

  async #nodeOrNull(index: number): Promise<Uint8Array | null> {
    try {
      return await this.#access.tables.auditNodes.get(nodeKey(0, index));
    } catch (cause) {
      if (cause instanceof CorruptionError) return null;
      throw cause;
    }
  }
}
