/**
 * Every record of a closed store: that it opens at its place, that logs have no gap, and that the sums of all families
 * are what the ledger says, so that a record which is missing, foreign or older than it was is found too.
 */
import type { Runtime } from '../../ports/runtime.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import { KeyRing } from '../sealed/key-ring.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import { lockFolder } from './folder-lock.ts';
import { Counting, ledgerFamilies, scanStore, type Tallies } from './ledger.ts';
import { openDatabase, type Opened } from './opening.ts';
import { writeWitness } from './witness.ts';

/** p(conversation) 16 · day 4 */
const dayKeyBytes = 20;
/** Sealed under keys of their own (`log`: the day's; `file-tails`: the file's); the ledger alone speaks for the latter. */
const ownKeys = new Set(['data-keys', 'log', 'file-tails']);

export interface Verification {
  readonly records: number;
  readonly families: number;
  /** Batches ever written. */
  readonly commits: number;
  /** First fault of each family, the first one found first. */
  readonly faults: readonly { readonly family: string; readonly what: string }[];
}

export interface VerificationParts {
  readonly folder: string;
  readonly masterKey: Uint8Array;
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'monotonic'>;
  /** A missing witness is made anew when every record is whole. */
  readonly renewWitness?: boolean;
}

/**
 * The folder must hold a store that was made. Throws as openLevelStore does for one that cannot be opened at all.
 * Writes nothing but what LevelDB does when it opens after a crash.
 */
export async function verifyStore({
  folder,
  masterKey,
  runtime,
  renewWitness,
}: VerificationParts): Promise<Verification> {
  const lock = await lockFolder(folder);
  try {
    const keys = await KeyRing.open(folder, masterKey, false, runtime);
    const witness = renewWitness === true ? 'absent' : 'kept';
    const opened = await openDatabase({ folder, keys, made: true, runtime, onFailure: () => undefined, witness });
    try {
      const found = await walk(opened, keys);
      if (renewWitness === true && found.faults.length === 0)
        await writeWitness(folder, keys, { commits: found.commits, clean: false });
      return found;
    } finally {
      await opened.writer.stop(new StoreFailure('the store is closed'));
      await opened.database.close();
    }
  } finally {
    await lock.release();
  }
}

async function walk({ database, tables, ledger }: Opened, keys: KeyRing): Promise<Verification> {
  const faults = new Map<string, string>();
  const note = (family: string, what: string): void => void (faults.has(family) || faults.set(family, what));
  const counting = new Counting(keys);
  const ciphers = new Map<string, RecordCipher>();
  const logs = new LogWalk(keys, (dayKey) => tables.dataKeys.sealed.get(dayKey));
  let records = 0;
  try {
    await scanStore(database, async (family, key, value) => {
      records += 1;
      counting.add(family, key, value);
      try {
        if (family === 'data-keys') keys.unwrapDataKey(key, value);
        else if (family === 'log') await logs.open(key, value);
        else if (!ownKeys.has(family)) {
          const cipher = ciphers.get(family) ?? keys.system(family);
          ciphers.set(family, cipher);
          cipher.open(key, value);
        }
      } catch (cause) {
        if (!(cause instanceof CorruptionError)) throw cause;
        note(cause.family, cause.message);
      }
    });
  } catch (cause) {
    // An iterator that LevelDB breaks off.
    if (!(cause instanceof CorruptionError) && !(cause instanceof Error && 'code' in cause)) throw cause;
    note(cause instanceof CorruptionError ? cause.family : 'store', cause.message);
  }
  for (const family of differing(counting.tallies, ledger.tallies))
    note(family, `${family}: records are missing, foreign or older than they were`);
  return {
    records,
    families: counting.tallies.size,
    commits: ledger.commits,
    faults: [...faults].map(([family, what]) => ({ family, what })),
  };
}

function differing(found: Tallies, written: Tallies): readonly string[] {
  return [...new Set([...found.keys(), ...written.keys()])].filter((family) => {
    if (ledgerFamilies.has(family)) return false;
    const [one, other] = [found.get(family), written.get(family)];
    if (one === undefined || other === undefined) return (one ?? other)?.count !== 0;
    return !one.equals(other);
  });
}

/** Entries come in order of conversation, day and sequence. */
class LogWalk {
  readonly #keys: KeyRing;
  readonly #wrapped: (dayKey: Uint8Array) => Promise<Uint8Array | null>;
  #day = '';
  #cipher: RecordCipher | null = null;
  #conversation = '';
  #sequence = 0;

  constructor(keys: KeyRing, wrapped: (dayKey: Uint8Array) => Promise<Uint8Array | null>) {
    this.#keys = keys;
    this.#wrapped = wrapped;
  }

  async open(key: Uint8Array, value: Uint8Array): Promise<void> {
    const dayKey = key.slice(0, dayKeyBytes);
    const day = Buffer.from(dayKey).toString('hex');
    if (day !== this.#day) {
      this.#day = day;
      const wrapped = await this.#wrapped(joinBytes(dayKey));
      // A purge that was begun takes the key first and the entries after it.
      this.#cipher = wrapped === null ? null : this.#keys.data('log', this.#keys.unwrapDataKey(dayKey, wrapped));
    }
    const sequence = readUint64(key, dayKeyBytes) ?? 0;
    const conversation = day.slice(0, 32);
    const follows = conversation === this.#conversation ? sequence === this.#sequence + 1 : true;
    this.#conversation = conversation;
    this.#sequence = sequence;
    this.#cipher?.open(key, value);
    if (!follows) throw new CorruptionError('log', `an entry is missing before sequence ${sequence}`);
  }
}
