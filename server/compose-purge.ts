/** Erasure on a data folder that no server has: for `lanying purge`. */
import { InProcessBus } from './bus/in-process.ts';
import { holdsStore } from './compose-folder.ts';
import type { Config } from './config/config.ts';
import { scribeOf } from './domain/audit/scribe.ts';
import { ClockWatch } from './domain/clock-watch.ts';
import { Conversations } from './domain/conversations.ts';
import { Retention, retentionPartsOf } from './domain/retention/retention.ts';
import { ServerKey } from './domain/retention/server-key.ts';
import { systemRuntime } from './ops/system-runtime.ts';
import type { Runtime } from './ports/runtime.ts';
import { CorruptionError, StoreFailure } from './ports/store.ts';
import { FolderLockedError } from './storage/level/folder-lock.ts';
import { openLevelStore } from './storage/level/store.ts';

export interface PurgeParts {
  readonly config: Pick<Config, 'dataFolder' | 'purgeRegister'>;
  /** Asked for only when there is a store. Throws ConfigError. */
  readonly masterKey: (random: Runtime['random']) => Uint8Array<ArrayBuffer>;
  /** Only says what would go. */
  readonly dryRun: boolean;
  /** Tests bring another clock. */
  readonly runtime?: Runtime;
}

export type PurgeOutcome =
  | { readonly kind: 'previewed'; readonly preview: Awaited<ReturnType<Retention['preview']>> }
  | { readonly kind: 'purged'; readonly receipt: Awaited<ReturnType<Retention['run']>> }
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'in_use'; readonly message: string };

export async function purgeFolder({
  config,
  masterKey,
  dryRun,
  runtime = systemRuntime,
}: PurgeParts): Promise<PurgeOutcome> {
  const { dataFolder, purgeRegister = null } = config;
  if (!(await holdsStore(dataFolder))) return { kind: 'unavailable', message: dataFolder };
  try {
    const store = await openLevelStore({
      folder: dataFolder,
      masterKey: masterKey(systemRuntime.random),
      runtime,
      purgeRegister,
    });
    try {
      const key = new ServerKey(store.audit);
      const bus = new InProcessBus((cause) => {
        throw cause;
      });
      const conversations = new Conversations(store.conversations, bus, (record) => key.floor(record));
      const retention = new Retention({ ...retentionPartsOf(store), conversations, bus, key, runtime });
      if (dryRun) return { kind: 'previewed', preview: await retention.preview() };
      const audit = scribeOf({ actor: { kind: 'operator' }, address: null, requestId: '-' }, runtime);
      await retention.reapply(audit);
      // [T3]
      await new ClockWatch(store.leases, runtime).keep();
      return { kind: 'purged', receipt: await retention.run(audit) };
    } finally {
      await store.close();
    }
  } catch (cause) {
    if (cause instanceof FolderLockedError) return { kind: 'in_use', message: cause.message };
    if (cause instanceof CorruptionError || cause instanceof StoreFailure)
      return { kind: 'unavailable', message: cause.message };
    throw cause;
  }
}
