/** A backup put into an empty data folder, and all of it looked at before a server may start there: for `lanying restore`. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { parseMasterKey } from './config/master-key.ts';
import { scribeOf } from './domain/audit/scribe.ts';
import { Backups } from './domain/backups.ts';
import { systemRuntime } from './ops/system-runtime.ts';
import { CorruptionError, StoreFailure } from './ports/store.ts';
import type { BackupTarget } from './storage/backup/folder-target.ts';
import { assertRestorable, restoringFolder, settle, unpackFrom, unpackStream } from './storage/backup/restoring.ts';
import { ArchiveError, type Bytes } from './storage/backup/sealing.ts';
import { FolderLockedError, lockFolder } from './storage/level/folder-lock.ts';
import { FilePurgeRegister } from './storage/level/purge-register.ts';
import { openLevelStore } from './storage/level/store.ts';
import { type Verification, verifyStore } from './storage/level/verification.ts';
import { KeyRing } from './storage/sealed/key-ring.ts';

export interface RestoreParts {
  readonly config: Pick<Config, 'dataFolder' | 'purgeRegister'>;
  /** Content of LANYING_MASTER_KEY_FILE when it is set; null: that of the folder, or the one in the backup. */
  readonly masterKey: Uint8Array<ArrayBuffer> | null;
  /** Content of an age identity file. */
  readonly identities: string;
  readonly from: { readonly target: BackupTarget; readonly name: string | null } | { readonly archive: Bytes };
  readonly onProgress?: (bytes: number) => void;
}

export type RestoreOutcome =
  | { readonly kind: 'restored'; readonly takenAt: number; readonly verification: Verification }
  | { readonly kind: 'in_use'; readonly message: string }
  /** What came out of the archive is damaged or needs another key: the folder is as empty as it was. */
  | { readonly kind: 'broken'; readonly message: string };

/** Rejects with ArchiveError. */
export async function restore({ config, masterKey, identities, from, onProgress }: RestoreParts): Promise<RestoreOutcome> {
  const { dataFolder } = config;
  await assertRestorable(dataFolder);
  try {
    const lock = await lockFolder(dataFolder);
    try {
      const about =
        'archive' in from
          ? await unpackStream(from.archive, identities, dataFolder)
          : await unpackFrom(from.target, from.name, identities, { dataFolder, ...(onProgress === undefined ? {} : { onProgress }) });
      const key = masterKey ?? (await masterKeyOf(dataFolder));
      const verification = await lookThrough({ folder: restoringFolder(dataFolder), key, about, register: outsideRegister(config) });
      const [fault] = verification.faults;
      if (fault !== undefined) throw new CorruptionError(fault.family, fault.what);
      await settle(dataFolder);
      return { kind: 'restored', takenAt: about.takenAt, verification };
    } finally {
      await lock.release();
    }
  } catch (cause) {
    if (cause instanceof FolderLockedError) return { kind: 'in_use', message: cause.message };
    await rm(restoringFolder(dataFolder), { recursive: true, force: true });
    if (cause instanceof CorruptionError || cause instanceof StoreFailure) return { kind: 'broken', message: cause.message };
    throw cause;
  }
}

/** One that was kept when the data was lost knows of purges that the backup does not; null when there is none. */
function outsideRegister({ dataFolder, purgeRegister }: RestoreParts['config']): string | null {
  const kept = join(dataFolder, 'purged');
  return purgeRegister ?? (existsSync(kept) ? kept : null);
}

async function masterKeyOf(dataFolder: string): Promise<Uint8Array<ArrayBuffer>> {
  for (const path of [join(dataFolder, 'master.key'), join(restoringFolder(dataFolder), 'master.key')]) {
    if (!existsSync(path)) continue;
    const key = parseMasterKey(await readFile(path));
    if (key !== null) return key;
  }
  throw new ArchiveError('missing', 'the master key is not in the backup: name its file with LANYING_MASTER_KEY_FILE');
}

interface Unpacked {
  readonly folder: string;
  readonly key: Uint8Array<ArrayBuffer>;
  readonly about: { readonly takenAt: number; readonly commits: number };
  readonly register: string | null;
}

/** Uploads that were under way are ended, since their bytes may be of a later moment; then every record and file is opened. */
async function lookThrough({ folder, key, about, register }: Unpacked): Promise<Verification> {
  const store = await openLevelStore({ folder, masterKey: key, runtime: systemRuntime });
  try {
    while ((await store.blobs.sweep(Number.MAX_SAFE_INTEGER, 100)) > 0);
    const audit = scribeOf({ actor: { kind: 'operator' }, address: null, requestId: '-' }, systemRuntime);
    await new Backups(store.checkpoints, store.audit).restored(about, audit);
    if (register !== null) {
      const keys = await KeyRing.open(folder, key, false, systemRuntime);
      await new FilePurgeRegister(register, keys.system('purged')).add(await store.purged.read());
    }
  } finally {
    await store.close();
  }
  return verifyStore({ folder, masterKey: key, runtime: systemRuntime, purgeRegister: register });
}
