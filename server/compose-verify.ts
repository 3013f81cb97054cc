/** Every record of a data folder that no server has: for `lanying verify` and `lanying doctor`. */
import { holdsStore } from './compose-folder.ts';
import { systemRuntime } from './ops/system-runtime.ts';
import { CorruptionError, StoreFailure } from './ports/store.ts';
import { FolderLockedError } from './storage/level/folder-lock.ts';
import { type Room, roomOf } from './storage/level/space.ts';
import { type Verification, verifyStore } from './storage/level/verification.ts';
import { KeyRing } from './storage/sealed/key-ring.ts';
import { loadRelay, RelayError } from './transport/native.ts';

export type StoreCheck =
  | { readonly kind: 'checked'; readonly verification: Verification }
  | { readonly kind: 'no_store' }
  | { readonly kind: 'in_use'; readonly message: string }
  /** Not even openable. */
  | { readonly kind: 'broken'; readonly message: string };

/** `masterKey` is asked for only when there is a store: it makes a key where there is none. Throws ConfigError. */
export async function checkStore(
  dataFolder: string,
  masterKey: () => Uint8Array,
  {
    renewWitness = false,
    purgeRegister = null,
  }: { readonly renewWitness?: boolean; readonly purgeRegister?: string | null } = {},
): Promise<StoreCheck> {
  if (!(await holdsStore(dataFolder))) return { kind: 'no_store' };
  try {
    const verification = await verifyStore({
      folder: dataFolder,
      masterKey: masterKey(),
      runtime: systemRuntime,
      renewWitness,
      purgeRegister,
    });
    return { kind: 'checked', verification };
  } catch (cause) {
    if (cause instanceof FolderLockedError) return { kind: 'in_use', message: cause.message };
    if (cause instanceof CorruptionError || cause instanceof StoreFailure)
      return { kind: 'broken', message: cause.message };
    throw cause;
  }
}

export { clockAheadMsMax } from './domain/clock-watch.ts';
export const roomIn = (folder: string): Promise<Room> => roomOf(folder);
export const nowMs = (): number => systemRuntime.now();

/** Null when the native relay can be loaded. */
export async function relayFault(): Promise<string | null> {
  try {
    await loadRelay();
    return null;
  } catch (cause) {
    if (cause instanceof RelayError) return cause.message;
    throw cause;
  }
}

/** Null when the key opens this folder's key file, or there is no store yet. Touches nothing. */
export async function keyFault(folder: string, masterKey: Uint8Array): Promise<string | null> {
  if (!(await holdsStore(folder))) return null;
  try {
    await KeyRing.open(folder, masterKey, false, systemRuntime);
    return null;
  } catch (cause) {
    if (cause instanceof CorruptionError) return cause.message;
    throw cause;
  }
}
