/**
 * Puts entries into the same batch as the change that they tell of. Indices are given out in the same step in which the
 * batch takes the operations, so the order of entries is the order of writes; the tree moves on in memory and is read
 * again from disk after a failed write.
 */
import type { KeyObject } from 'node:crypto';
import { type CompactRange, emptyRange } from '#protocol/merkle.ts';
import type { Runtime } from '../../ports/runtime.ts';
import { erasing, type Found, foundOf } from './erased-records.ts';
import type { Act, Acts } from '../../ports/audit-store.ts';
import { type CipherOf, encodeLeaf } from '../audit-leaf.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import { aloneKey } from './access.ts';
import { auditTree } from './audit-tables.ts';
import type { GroupWriter, Operation } from './group-writer.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { Lru } from './lru.ts';
import { checkedTree, grownTree, storedTree } from './merkle-records.ts';
import type { Tables } from './tables.ts';

const keysCached = 1024;

export interface AuditWriterParts {
  readonly tables: Tables;
  readonly keys: KeyRing;
  readonly writer: GroupWriter;
  readonly runtime: Pick<Runtime, 'now' | 'random'>;
}

export class AuditWriter {
  readonly #parts: AuditWriterParts;
  readonly #mutex = new KeyedMutex();
  readonly #keys = new Lru<string, KeyObject>(keysCached);
  /** Made, or shredded (null), and not on disk yet. */
  readonly #fresh = new Map<string, KeyObject | null>();
  #tree: CompactRange | null = null;
  #shreddings = 0;

  constructor(parts: AuditWriterParts) {
    this.#parts = parts;
  }

  /** Stores the operations and the entries of the acts in one synced batch. Throws CorruptionError('audit') when the log is damaged. */
  async submit(operations: readonly Operation[], acts: Acts): Promise<void> {
    return this.#commit(operations, acts, null);
  }

  /** Shreds a subject's key in the batch that holds the acts, which tell nothing personal of that subject; null for strangers of a month that is over. */
  async shred(subject: string, acts: Acts | null): Promise<void> {
    return this.#commit([], acts ?? [], subject);
  }

  /** Opens what was sealed under the keys of these subjects. */
  async ciphers(subjects: Iterable<string>): Promise<CipherOf> {
    const found = new Map<string, KeyObject | null>();
    for (const subject of subjects) if (!found.has(subject)) found.set(subject, await this.#stored(subject));
    return this.#cipherOf(found);
  }

  /** The tree on disk; its peaks are checked against its size only. */
  async stored(): Promise<CompactRange> {
    return (await storedTree(auditTree(this.#parts.tables))) ?? emptyRange;
  }

  async #commit(operations: readonly Operation[], acts: readonly Act[], shredded: string | null): Promise<void> {
    const { written } = await this.#mutex.run('audit', async () => {
      const tree = (this.#tree ??= await checkedTree(auditTree(this.#parts.tables)));
      const subjects = new Set(acts.flatMap((act) => act.personal.map(({ subject }) => subject)));
      if (shredded !== null) subjects.delete(shredded);
      const keys = new Map<string, KeyObject | 'to make' | null>();
      for (const subject of subjects)
        keys.set(subject, (await this.#stored(subject)) ?? ((await this.#mayMake(subject)) ? 'to make' : null));
      const wrapped = shredded === null ? [] : await this.#wrapped(shredded);
      const made = new Map<string, Operation>();
      try {
        // From here on in one turn: what the batch takes, the tree has, and keys are made and submitted (data-keys.ts).
        const ready = new Map(
          [...keys].map(([subject, key]) => [subject, key === 'to make' ? this.#make(subject, made) : key]),
        );
        const entries = this.#entries(tree, acts, this.#cipherOf(ready));
        const shredding = shredded === null ? [] : this.#shredding(shredded, wrapped);
        const done = this.#parts.writer.submit([...operations, ...shredding, ...made.values(), ...entries.operations]);
        this.#tree = entries.tree;
        if (shredded !== null) this.#forget(shredded);
        return { written: this.#settle(done, shredded === null ? [...subjects] : [...subjects, shredded], shredded) };
      } catch (cause) {
        // Nothing was taken, so these keys are nowhere.
        for (const subject of made.keys()) this.#fresh.delete(subject);
        throw cause;
      }
    });
    return written;
  }

  async #settle(done: Promise<void>, subjects: readonly string[], shredded: string | null): Promise<void> {
    try {
      await done;
    } catch (cause) {
      this.#tree = null;
      for (const subject of subjects) this.#fresh.delete(subject);
      throw cause;
    }
    for (const subject of subjects) {
      const key = this.#fresh.get(subject);
      // A key that was made meets the shredding that follows it: that one settles by itself.
      if (key === undefined || (key === null && subject !== shredded)) continue;
      this.#fresh.delete(subject);
      if (key !== null) this.#keys.set(subject, key);
    }
  }

  #entries(
    tree: CompactRange,
    acts: readonly Act[],
    cipherOf: CipherOf,
  ): { readonly tree: CompactRange; readonly operations: readonly Operation[] } {
    const made = acts.map((act) => (index: number) => encodeLeaf(index, act, cipherOf));
    return grownTree(auditTree(this.#parts.tables), tree, made);
  }

  #keyOfSubject(subject: string): Uint8Array<ArrayBuffer> {
    return this.#parts.keys.pseudonym('audit subject', subject);
  }

  /** Null when there is none, or none any more. */
  async #stored(subject: string): Promise<KeyObject | null> {
    const fresh = this.#fresh.get(subject);
    const known = fresh === undefined ? this.#keys.get(subject) : fresh;
    if (known !== undefined) return known;
    const shreddings = this.#shreddings;
    const key = await this.#parts.tables.dataKeys.open(this.#keyOfSubject(subject));
    // Perhaps this very key was shredded while it was read: it must not come back by the cache.
    if (shreddings !== this.#shreddings) return this.#stored(subject);
    if (key !== null) this.#keys.set(subject, key);
    return key;
  }

  /** Not for a subject that was shredded: there is no second key for it. */
  async #mayMake(subject: string): Promise<boolean> {
    return (
      this.#fresh.get(subject) !== null && !(await this.#parts.tables.auditShredded.has(this.#keyOfSubject(subject)))
    );
  }

  #make(subject: string, made: Map<string, Operation>): KeyObject {
    const { key, operation } = this.#parts.tables.dataKeys.make(this.#keyOfSubject(subject));
    made.set(subject, operation);
    this.#fresh.set(subject, key);
    return key;
  }

  #wrapped(subject: string): Promise<readonly Found[]> {
    return foundOf(this.#parts.tables.dataKeys.sealed, [this.#keyOfSubject(subject)]);
  }

  #shredding(subject: string, wrapped: readonly Found[]): readonly Operation[] {
    const { tables, runtime } = this.#parts;
    const place = this.#keyOfSubject(subject);
    return [
      tables.dataKeys.remove(place),
      tables.auditShredded.put(place, null),
      tables.shredding.put(aloneKey, { since: runtime.now() }),
      ...erasing(this.#parts, tables.dataKeys.sealed, wrapped),
    ];
  }

  #forget(subject: string): void {
    this.#shreddings += 1;
    this.#fresh.set(subject, null);
    this.#keys.delete(subject);
  }

  #cipherOf(found: ReadonlyMap<string, KeyObject | null>): CipherOf {
    return (subject) => {
      const key = found.get(subject) ?? null;
      return key === null ? null : this.#parts.keys.data('audit-personal', key);
    };
  }
}
