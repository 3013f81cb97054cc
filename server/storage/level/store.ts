/**
 * The store on disk. In the data folder:
 *   lock/           who has the folder (folder-lock.ts)
 *   keys/kek        key-encryption key (sealed/kek-file.ts)
 *   store/          LevelDB
 *   purged          register of purges (purge-register.ts), unless it is kept elsewhere
 *   store-made      beside it: the store was made once, so an empty one is damage and not a first start
 *   store-witness   how far it was (witness.ts)
 *   checkpoint/     what a backup copies, while one runs (checkpoints.ts)
 *   store-reserve   room for opening it when the disk is full (space.ts)
 */
import { join } from 'node:path';
import type { Runtime } from '../../ports/runtime.ts';
import { type Store, type StoreCondition, StoreFull } from '../../ports/store.ts';
import { DiskBlobs } from '../disk/blobs.ts';
import { KeyRing } from '../sealed/key-ring.ts';
import { type Access, LiveAccess } from './access.ts';
import { LevelAccounts } from './accounts.ts';
import { LevelAudit } from './audit.ts';
import { LevelCeremonies } from './ceremonies.ts';
import { dropCheckpoint, LevelCheckpoints } from './checkpoints.ts';
import { LevelConversations } from './conversations.ts';
import { LevelDirectory } from './directory.ts';
import { LevelDevices } from './devices.ts';
import { LevelErasure } from './erasure.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { LevelInvites } from './invites.ts';
import { Keeper, type StoreMeter } from './keeper.ts';
import { isMade, writeMarker } from './opening.ts';
import { LevelSignInPolicy } from './policies.ts';
import { LevelPeople } from './people.ts';
import { Prover } from './proof.ts';
import { FilePurgeRegister } from './purge-register.ts';
import { LevelLeases, LevelRetention } from './retention.ts';
import { LevelSessions } from './sessions.ts';
import { releaseReserve, saysFull } from './space.ts';
import { LevelVaults } from './vaults.ts';

export interface LevelStoreOptions {
  /** The data folder; made when it is not there. */
  readonly folder: string;
  /** 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'every' | 'monotonic'>;
  /** File of the register of purges; `purged` in the folder when left out. */
  readonly purgeRegister?: string | null;
  /** Hears of every change after opening. */
  readonly onCondition?: (condition: StoreCondition, cause: unknown) => void;
  readonly meter?: StoreMeter;
}

export interface LevelStore extends Store {
  /** Since opening: synced batches, and the calls whose operations they carried. */
  writes(): { readonly batches: number; readonly submissions: number };
  /** Looks at the disk now and not only every few seconds. */
  look(): Promise<void>;
}

/**
 * Throws FolderLockedError when somebody has the folder; CorruptionError('keys') for another master key or a damaged key
 * file, CorruptionError('store') when a store that was made is gone, empty or damaged, CorruptionError('ledger') when it
 * went back, StoreFull when there is no room even to open it, StoreFailure when LevelDB does not open.
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<LevelStore> {
  try {
    return await openLocked(options);
  } catch (cause) {
    if (!saysFull(cause)) throw cause;
    // What the reserve is for: with it the store opens, and shows what it has.
    if (await releaseReserve(options.folder)) return openLocked(options);
    throw new StoreFull(`the disk of the data folder is full: ${options.folder}`, { cause });
  }
}

async function openLocked(options: LevelStoreOptions): Promise<LevelStore> {
  const { folder, masterKey, runtime, onCondition, meter = null } = options;
  const lock = await lockFolder(folder);
  try {
    await dropCheckpoint(folder);
    const made = await isMade(folder);
    const keys = await KeyRing.open(folder, masterKey, !made, runtime);
    const keeper = new Keeper({ folder, keys, runtime, onCondition: onCondition ?? (() => undefined), meter });
    await keeper.open(made);
    if (!made) await writeMarker(folder);
    const beside = options.purgeRegister ?? join(folder, 'purged');
    const register = new FilePurgeRegister(beside, keys.system('purged'), (failure) => keeper.failed(failure));
    const access = new LiveAccess(keeper, keys, runtime);
    return compose(access, keeper, { folder, register, lock, checkpoints: new LevelCheckpoints(access, keeper, folder, beside) });
  } catch (cause) {
    await lock.release();
    throw cause;
  }
}

interface Beside {
  readonly folder: string;
  readonly register: FilePurgeRegister;
  readonly lock: FolderLock;
  readonly checkpoints: LevelCheckpoints;
}

function compose(access: Access, keeper: Keeper, { folder, register, lock, checkpoints }: Beside): LevelStore {
  const erasing = (): Promise<void> => checkpoints.yield();
  const blobs = new DiskBlobs(access, folder, erasing);
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await blobs.close();
    await keeper.close();
    await lock.release();
  };
  const conversations = new LevelConversations(access);
  const accounts = new LevelAccounts(access);
  const sessions = new LevelSessions(access);
  return {
    accounts,
    sessions,
    people: new LevelPeople(access, accounts, sessions),
    invites: new LevelInvites(access),
    devices: new LevelDevices(access, sessions),
    vaults: new LevelVaults(access),
    conversations,
    ceremonies: new LevelCeremonies(access),
    erasure: new LevelErasure(access, conversations, new Prover(access, join(folder, 'store'), erasing)),
    retention: new LevelRetention(access),
    purged: register,
    leases: new LevelLeases(access),
    blobs,
    audit: new LevelAudit(access),
    signInPolicy: new LevelSignInPolicy(access),
    directory: new LevelDirectory(access),
    checkpoints,
    isOpen: () => keeper.condition === 'open' || keeper.condition === 'full',
    condition: () => keeper.condition,
    writes: () => access.writer.counts,
    look: () => keeper.look(),
    close: () => (closing ??= close()),
  };
}
