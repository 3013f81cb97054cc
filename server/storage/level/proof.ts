/**
 * Proof of erasures, by the recipe that left nothing in every trial: rotate the log, delete (again), compact the deleted
 * ranges, then look for fingerprints of the deleted ciphertext in every file, since a compaction never tells whether it
 * worked. Then the surviving data keys are wrapped under a new key-encryption key and the old one is overwritten in
 * place: what the file system's free blocks still hold opens no more.
 */
import type { ErasureProof } from '#protocol/retention.ts';
import type { Pause } from '../../ports/retention-store.ts';
import { StoreFailure } from '../../ports/store.ts';
import { type Access, aloneKey } from './access.ts';
import { splitFingerprints } from './erased-records.ts';
import { scanFolder } from './fingerprint-scan.ts';
import { saysFailed } from './space.ts';
import type { Operation } from './group-writer.ts';
import { encodings, under } from './table.ts';
import type { ErasedRecords } from './retention-tables.ts';

const roundsMax = 5;
const stepRecords = 64;
/** Ranges compacted one by one; above that many of a family its whole span is. */
const rangesMax = 64;

interface Erased {
  readonly key: Uint8Array;
  readonly value: ErasedRecords;
}
interface Span {
  readonly from: Uint8Array;
  to: Uint8Array;
}

export class Prover {
  readonly #access: Access;
  /** LevelDB's. */
  readonly #folder: string;
  readonly #erasing: () => Promise<void>;

  /** `erasing`: whoever pins what is erased lets go of it. */
  constructor(access: Access, folder: string, erasing: () => Promise<void>) {
    this.#access = access;
    this.#folder = folder;
    this.#erasing = erasing;
  }

  async prove(pause: Pause): Promise<ErasureProof | null> {
    const { tables, writer, keys } = this.#access;
    const erased = await tables.erased.list(under(new Uint8Array(0)));
    const shredding = (await tables.shredding.get(aloneKey)) !== null || keys.changing;
    if (erased.length === 0 && !shredding) return null;
    await this.#erasing();
    const proof = await this.#erase(erased, pause);
    const whole = !shredding || (await this.#shred(pause));
    // What is still there stays on the list, and is deleted again by the next proof.
    if (proof.found > 0) return { ...proof, shredded: true };
    for (let at = 0; at < erased.length; at += stepRecords) {
      await writer.submit(erased.slice(at, at + stepRecords).map(({ key }) => tables.erased.del(key)));
      await pause();
    }
    // A key that went while the others were wrapped anew may have been wrapped anew itself: the next proof changes again.
    if (shredding && whole) await writer.submit([tables.shredding.del(aloneKey)]);
    return { ...proof, shredded: true };
  }

  async #erase(erased: readonly Erased[], pause: Pause): Promise<Omit<ErasureProof, 'shredded'>> {
    const fingerprints = erased.flatMap(({ value }) => splitFingerprints(value.fingerprints));
    let found = 0;
    let files = 0;
    let bytes = 0;
    for (let round = 0; round < roundsMax; round += 1) {
      await this.#rotate();
      await this.#deleteAgain(erased, pause);
      await this.#compact(erased, pause);
      const scan = await scanFolder(this.#folder, fingerprints, pause);
      ({ files, bytes } = scan);
      found = scan.found.size;
      if (found === 0) break;
      // A short read that was under way may have held an old table.
      await pause();
    }
    return { fingerprints: fingerprints.length, files, bytes, found };
  }

  /** A compaction above all keys writes the memory out and drops the log. */
  async #rotate(): Promise<void> {
    const above = new Uint8Array(32).fill(0xff);
    await this.#access.database.compactRange(above, above, encodings);
  }

  async #deleteAgain(erased: readonly Erased[], pause: Pause): Promise<void> {
    for (const { value } of erased) {
      if (value.keys.length === 0) continue;
      const operations = value.keys.map((key): Operation => ({ type: 'del', key }));
      await this.#access.writer.submit(operations);
      await pause();
    }
  }

  async #compact(erased: readonly Erased[], pause: Pause): Promise<void> {
    for (const { from, to } of spansOf(erased)) {
      await this.#access.database.compactRange(from, to, encodings);
      await pause();
    }
  }

  async #shred(pause: Pause): Promise<boolean> {
    const { tables, writer, runtime } = this.#access;
    try {
      return await tables.dataKeys.change(writer, () => tables.shredding.put(aloneKey, { since: runtime.now() }), pause);
    } catch (cause) {
      // [Z3] Which of two keys the file holds is not known any more.
      if (saysFailed(cause)) this.#access.failed(new StoreFailure('the key file could not be written', { cause }));
      throw cause;
    }
  }
}

/** What to compact: neighbours of one conversation together, at most `rangesMax` of a family. */
function spansOf(erased: readonly Erased[]): readonly Span[] {
  const byFamily = new Map<string, Uint8Array[]>();
  for (const { value } of erased) {
    for (const key of [...value.keys, ...(value.reused ?? [])]) {
      const family = familyOf(key);
      const list = byFamily.get(family) ?? [];
      byFamily.set(family, list);
      list.push(key);
    }
  }
  return [...byFamily.values()].flatMap((found) => {
    const spans = spansOfFamily(found.toSorted(Buffer.compare));
    const [first] = spans;
    const last = spans.at(-1);
    return spans.length <= rangesMax || first === undefined || last === undefined
      ? spans
      : [{ from: first.from, to: last.to }];
  });
}

/** Everything of one place (the 16 bytes behind the family's name) is one span. */
function spansOfFamily(sorted: readonly Uint8Array[]): readonly Span[] {
  const spans: Span[] = [];
  let place = '';
  for (const key of sorted) {
    const own = placeOf(key);
    const last = spans.at(-1);
    if (last !== undefined && own === place) last.to = key;
    else spans.push({ from: key, to: key });
    place = own;
  }
  return spans;
}

const bang = 0x21;
const nameEnd = (key: Uint8Array): number => key.indexOf(bang, 1) + 1;
const familyOf = (key: Uint8Array): string => Buffer.from(key.subarray(0, nameEnd(key))).toString('latin1');
const placeOf = (key: Uint8Array): string => {
  const from = nameEnd(key);
  return Buffer.from(key.subarray(from, from + 16)).toString('latin1');
};
