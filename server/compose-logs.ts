/** Audit log and key directory of a data folder that no server has: for `lanying verify audit` and `lanying verify directory`. */
import { readFileSync } from 'node:fs';
import { type Checkpoint, parseCheckpoints, parseVerifierKey } from '#protocol/checkpoint.ts';
import { holdsStore } from './compose-folder.ts';
import type { Config } from './config/config.ts';
import { sha256 } from './domain/digests.ts';
import { TreeHeads } from './domain/audit/tree-heads.ts';
import { type Verdict, verifyLog } from './domain/audit/verify.ts';
import { systemRuntime } from './ops/system-runtime.ts';
import { verifyDirectory } from './domain/directory/verify.ts';
import type { Runtime } from './ports/runtime.ts';
import { CorruptionError, StoreFailure } from './ports/store.ts';
import { FolderLockedError } from './storage/level/folder-lock.ts';
import { openLevelStore } from './storage/level/store.ts';

export interface LogCheckParts {
  readonly log: 'audit' | 'directory';
  readonly config: Pick<Config, 'dataFolder' | 'origin'>;
  /** Asked for only when there is a store: it makes a key where there is none. Throws ConfigError. */
  readonly masterKey: (random: Runtime['random']) => Uint8Array<ArrayBuffer>;
  /** Signed tree heads, one after the other. */
  readonly headFile: string | null;
  /** Verifier key that was kept elsewhere; null: the store's own. */
  readonly verifierKey: string | null;
}

export type LogCheck =
  | { readonly kind: 'checked'; readonly verdict: Verdict; readonly heads: number; readonly verifierKey: string }
  | {
      readonly kind: 'unavailable';
      readonly reason: 'no_store' | 'head_file' | 'verifier_key' | 'store';
      readonly message: string;
    }
  | { readonly kind: 'in_use'; readonly message: string };

/** Changes nothing but the lock. */
export async function checkLog(parts: LogCheckParts): Promise<LogCheck> {
  const { dataFolder, origin } = parts.config;
  if (!(await holdsStore(dataFolder))) return { kind: 'unavailable', reason: 'no_store', message: dataFolder };
  const all = parts.headFile === null ? [] : readHeads(parts.headFile);
  if (all === null) return { kind: 'unavailable', reason: 'head_file', message: parts.headFile ?? '' };
  // One file holds the heads of both logs.
  const heads = all.filter(({ origin: name }) => !name.endsWith(`/lanying-${parts.log === 'audit' ? 'directory' : 'audit'}`));
  const given = parts.verifierKey === null ? null : parseVerifierKey(sha256, parts.verifierKey);
  if (given === null && parts.verifierKey !== null)
    return { kind: 'unavailable', reason: 'verifier_key', message: parts.verifierKey };
  try {
    const store = await openLevelStore({
      folder: dataFolder,
      masterKey: parts.masterKey(systemRuntime.random),
      runtime: systemRuntime,
    });
    try {
      const own = new TreeHeads(store[parts.log], origin, 'looks', parts.log);
      const key = given?.publicKey ?? (await own.publicKey());
      const verdict =
        parts.log === 'audit' ? await verifyLog(store.audit, heads, key) : await verifyDirectory(store, heads, key);
      return { kind: 'checked', verdict, heads: heads.length, verifierKey: await own.verifierKey() };
    } finally {
      await store.close();
    }
  } catch (cause) {
    if (cause instanceof FolderLockedError) return { kind: 'in_use', message: cause.message };
    if (cause instanceof CorruptionError || cause instanceof StoreFailure)
      return { kind: 'unavailable', reason: 'store', message: cause.message };
    throw cause;
  }
}

function readHeads(path: string): readonly Checkpoint[] | null {
  try {
    return parseCheckpoints(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) return null;
    throw cause;
  }
}
