/**
 * Data keys as they are stored: wrapped under the key-encryption key, by place. While that key is changed, readers,
 * writers and shredders go on; what keeps them apart is here: a key that is removed meanwhile is not written again, and
 * one that was read before the end of a change is not opened behind it.
 */
import type { KeyObject } from 'node:crypto';
import { joinBytes } from '../bytes.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import type { GroupWriter, Operation } from './group-writer.ts';
import { type Database, Records, under } from './table.ts';

const rewrapStep = 128;
const nameOf = (place: Uint8Array): string => Buffer.from(place).toString('latin1');

export class DataKeys {
  /** As they are on disk: for erasures. */
  readonly sealed: Records;
  readonly #keys: KeyRing;
  /** Places whose keys were removed since a change of the key-encryption key began; null while there is none. */
  #removed: Set<string> | null = null;

  constructor(database: Database, keys: KeyRing) {
    this.sealed = new Records(database, 'data-keys');
    this.#keys = keys;
  }

  /** Null when there is none. Throws CorruptionError('data-keys') when it does not open. */
  async open(place: Uint8Array): Promise<KeyObject | null> {
    for (;;) {
      const { changesEnded } = this.#keys;
      const wrapped = await this.sealed.get(place);
      // Perhaps read as it was before, under a key-encryption key that is overwritten by now.
      if (changesEnded !== this.#keys.changesEnded) continue;
      return wrapped === null ? null : this.#keys.unwrapDataKey(place, wrapped);
    }
  }

  /** The operation must be submitted in the same turn: a change of keys waits for what was submitted before it, and for nothing else. */
  make(place: Uint8Array): { readonly key: KeyObject; readonly operation: Operation } {
    const { key, wrapped } = this.#keys.newDataKey(place);
    return { key, operation: this.sealed.write(place, wrapped) };
  }

  /** The operation must be submitted in the same turn, as above. */
  remove(place: Uint8Array): Operation {
    this.#removed?.add(nameOf(place));
    return this.sealed.remove(place);
  }

  /**
   * Wraps every key under a new key-encryption key and overwrites the old one; goes on with a change that a crash
   * interrupted. `barrier`: an operation of no consequence. False: keys were removed meanwhile, perhaps after they were
   * wrapped under the new one.
   */
  async change(writer: GroupWriter, barrier: () => Operation, pause: () => Promise<void>): Promise<boolean> {
    const removed = new Set<string>();
    this.#removed = removed;
    try {
      await this.#keys.beginChange();
      // Writes go in order: behind this one, everything that was wrapped under the old key can be read here.
      await writer.submit([barrier()]);
      await pause();
      await this.#wrapAnew(writer, pause);
      // What was missed would be lost for good, so it is looked for once more.
      await writer.submit([barrier()]);
      await this.#wrapAnew(writer, pause);
      await this.#keys.endChange();
    } finally {
      this.#removed = null;
    }
    await pause();
    return removed.size === 0;
  }

  async #wrapAnew(writer: GroupWriter, pause: () => Promise<void>): Promise<void> {
    const all = under(new Uint8Array(0));
    for (let { gte } = all, more = true; more;) {
      const found: { readonly place: Uint8Array; readonly wrapped: Uint8Array }[] = [];
      await this.sealed.scan({ gte, lte: all.lte, limit: rewrapStep }, (place, wrapped) => {
        found.push({ place, wrapped });
        return true;
      });
      // From the look at what was removed to the submission in one turn: a later removal is a later write.
      const operations = found.flatMap(({ place, wrapped }) => {
        if (this.#removed?.has(nameOf(place)) === true) return [];
        const anew = this.#keys.wrapAnew(place, wrapped);
        return anew === null ? [] : [this.sealed.write(place, anew)];
      });
      if (operations.length > 0) await writer.submit(operations);
      await pause();
      more = found.length === rewrapStep;
      gte = joinBytes(found.at(-1)?.place ?? gte, Uint8Array.of(0));
    }
  }
}
