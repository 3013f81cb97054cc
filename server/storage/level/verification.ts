/**
 * Every record of a closed store: that it opens at its place, that logs have no gap, and that the sums of all families
 * are what the ledger says, so that a record which is missing, foreign or older than it was is found too. Then what is
 * beside the database: the register of purges, and the content of files.
 */
import { join } from 'node:path';
import type { Runtime } from '../../ports/runtime.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import { joinBytes, readUint64 } from '../bytes.ts';
import { KeyRing } from '../sealed/key-ring.ts';
import type { RecordCipher } from '../sealed/record-cipher.ts';
import { checkFiles } from '../disk/file-verification.ts';
import { lockFolder } from './folder-lock.ts';
import { Counting, ledgerFamilies, scanStore, type Tallies } from './ledger.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { openDatabase, type Opened } from './opening.ts';
import { FilePurgeRegister } from './purge-register.ts';
import { checkPurges, type LogEnds } from './purge-verification.ts';
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
  /** Also those that are not whole. */
  readonly files: number;
  /** Of their content. */
  readonly fileBytes: number;
  /** Purges that the register knows and this store does not (an older copy): the next start does them again. */
  readonly purgesToRepeat: number;
  /** First fault of each family, the first one found first. */
  readonly faults: readonly { readonly family: string; readonly what: string }[];
}

export interface VerificationParts {
  readonly folder: string;
  readonly masterKey: Uint8Array;
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'monotonic'>;
  /** A missing witness is made anew when every record is whole. */
  readonly renewWitness?: boolean;
  /** File of the register of purges; `purged` in the folder when left out. */
  readonly purgeRegister?: string | null;
  /** False: the folder of files is elsewhere, and their content is not looked at. */
  readonly withFiles?: boolean;
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
  purgeRegister,
  withFiles = true,
}: VerificationParts): Promise<Verification> {
  const lock = await lockFolder(folder);
  try {
    const keys = await KeyRing.open(folder, masterKey, false, runtime);
    const witness = renewWitness === true ? 'absent' : 'kept';
    const opened = await openDatabase({ folder, keys, made: true, runtime, onFailure: () => undefined, witness });
    try {
      const register = new FilePurgeRegister(purgeRegister ?? join(folder, 'purged'), keys.system('purged'));
      const found = await look({ opened, keys, folder, register, runtime, withFiles });
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

interface Looking {
  readonly opened: Opened;
  readonly keys: KeyRing;
  readonly folder: string;
  readonly register: FilePurgeRegister;
  readonly runtime: VerificationParts['runtime'];
  readonly withFiles: boolean;
}
type Note = (family: string, what: string) => void;

async function look({ opened, keys, folder, register, runtime, withFiles }: Looking): Promise<Verification> {
  const faults = new Map<string, string>();
  const note: Note = (family, what) => {
    const named = what.startsWith(`${family}: `) ? what : `${family}: ${what}`;
    if (!faults.has(family)) faults.set(family, named);
  };
  const { ends, tallies, ...walked } = await walk(opened, keys, note);
  const access = { ...opened, keys, runtime, mutex: new KeyedMutex(), onReopened: nothing, failed: nothing };
  const beside = { files: 0, fileBytes: 0, purgesToRepeat: 0 };
  try {
    beside.purgesToRepeat = await checkPurges(opened.tables, register, ends, note);
    if (withFiles) ({ files: beside.files, bytes: beside.fileBytes } = await checkFiles(access, folder, note));
  } catch (cause) {
    // A record that was found damaged above.
    if (!(cause instanceof CorruptionError)) throw cause;
    note(cause.family, cause.message);
  }
  // Behind what says more.
  for (const family of differing(tallies, opened.ledger.tallies))
    note(family, 'records are missing, foreign or older than they were');
  return { ...walked, ...beside, faults: [...faults].map(([family, what]) => ({ family, what })) };
}

const nothing = (): void => undefined;

interface Walked extends Pick<Verification, 'records' | 'families' | 'commits'> {
  readonly ends: LogEnds;
  readonly tallies: Tallies;
}

async function walk({ database, tables, ledger }: Opened, keys: KeyRing, note: Note): Promise<Walked> {
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
  return {
    records,
    families: counting.tallies.size,
    commits: ledger.commits,
    ends: logs.ends,
    tallies: counting.tallies,
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
  readonly ends = new Map<string, { first: number; last: number }>();
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
    const first = this.ends.get(conversation)?.first ?? sequence;
    this.ends.set(conversation, { first, last: sequence });
    this.#cipher?.open(key, value);
    if (!follows) throw new CorruptionError('log', `an entry is missing before sequence ${sequence}`);
  }
}
