/** The only place where adapters meet services. */
import { hkdfSync } from 'node:crypto';
import type { PersonAllowances } from '#protocol/limits.ts';
import about from '../package.json' with { type: 'json' };
import { HeadWebhook } from './bus/head-webhook.ts';
import { InProcessBus } from './bus/in-process.ts';
import { inputFromJson, outputToJson } from './commands/json.ts';
import { openApiDocument } from './commands/openapi.ts';
import { FileDesk } from './commands/files.ts';
import { createRouter, createServices, type Services } from './commands/router.ts';
import type { Config, Secrets } from './config/config.ts';
import { scribeOf, systemScribe } from './domain/audit/scribe.ts';
import { cookieValue } from './domain/sessions.ts';
import { jobsOf } from './jobs/jobs.ts';
import { startJobs } from './jobs/scheduler.ts';
import { connectionsMaxOf, descriptorsMax } from './ops/descriptors.ts';
import type { Ops } from './ops/ops.ts';
import type { EventBus } from './ports/event-bus.ts';
import type { HeadSink } from './ports/audit-store.ts';
import type { Runtime } from './ports/runtime.ts';
import { CorruptionError, type Store, type StoreCondition, StoreFailure, StoreFull } from './ports/store.ts';
import { HeadFile } from './storage/disk/head-file.ts';
import { FolderLockedError } from './storage/level/folder-lock.ts';
import { saysFailed } from './storage/level/space.ts';
import { openLevelStore } from './storage/level/store.ts';
import { controlPath, lastBackup } from './compose-backup.ts';
import { Backups } from './domain/backups.ts';
import { noteBackup } from './storage/backup/last-backup.ts';
import { isRestoring } from './storage/backup/restoring.ts';
import { runBackup } from './storage/backup/scheduled.ts';
import { type Control, type ControlDesk, openControl } from './transport/control.ts';
import { createDoor } from './transport/door.ts';

export interface ComposeParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly ops: Ops;
  readonly runtime: Runtime;
  /** Folder of the built web client; may be missing. */
  readonly webFolder: string;
  /** Program and arguments of the operator's commands, for backups on schedule; left out: none are made. */
  readonly cli?: readonly string[];
  /** [Z3] The store failed, whoever met it: the process must end. Called at most once, before any waiting call is answered. */
  readonly onBroken: (cause: unknown) => void;
}

export interface Server {
  /** TCP connections, sockets among them; those beyond it are closed at once. */
  readonly connectionsMax: number;
  /** Resolves to the port. Rejects with RelayError when it cannot be had; `stop` it then. */
  listen(): Promise<number>;
  setupNeeded(): Promise<boolean>;
  /** Drains, then closes the store. */
  stop(): Promise<void>;
}

/** One line that says what is wrong and what to do. `disk`: the disk failed, as under a running server ([Z3]). */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly disk: boolean;
  constructor(message: string, options: ErrorOptions & { readonly disk?: boolean }) {
    super(message, options);
    this.disk = options.disk === true;
  }
}

/** What a person who starts the server can do about it. */
function explained(cause: unknown, dataFolder: string): unknown {
  const say = (line: string, disk = false): BootError => new BootError(`${line}: ${dataFolder}`, { cause, disk });
  if (cause instanceof FolderLockedError) return new BootError(`${cause.message}. Stop that process, or set LANYING_DATA.`, { cause });
  if (cause instanceof StoreFull) return new BootError(`${cause.message}. Make room on that disk and start again; nothing was lost.`, { cause });
  const words = cause instanceof Error ? cause.message : '';
  if (saysFailed(cause)) return say(`The disk failed while the store was opened (${words}). Nothing was lost that was acknowledged; see to the disk and start again`, true);
  if (cause instanceof CorruptionError && cause.family === 'keys')
    return say(`${words}. Give the master key that this data folder was made with (LANYING_MASTER_KEY_FILE, or master.key in the folder)`);
  if (cause instanceof CorruptionError && cause.family === 'purged')
    return say(`${words}. Put the register back as it was (LANYING_PURGE_REGISTER); only if it is lost, take the file away: it is made anew from what the database itself remembers`);
  if (cause instanceof CorruptionError || cause instanceof StoreFailure)
    return say(`The store does not open (${words}). Nothing was changed; check the disk, or put a backup back`);
  return cause;
}

async function openStore({ config, secrets, ops, runtime, onBroken }: ComposeParts, bus: EventBus): Promise<Store> {
  // A failed write leaves what is stored in doubt: the process ends and the next start reads what is there (fail-stop).
  const onCondition = (condition: StoreCondition, cause: unknown): void => {
    ops.machine.storeBecame(condition, cause);
    if (condition === 'failed') onBroken(cause);
    if (condition === 'open' || condition === 'full') bus.publish({ kind: 'storage', full: condition === 'full' });
  };
  try {
    return await openLevelStore({ folder: config.dataFolder, masterKey: secrets.masterKey, runtime, onCondition, purgeRegister: config.purgeRegister ?? null, meter: ops.machine });
  } catch (cause) {
    throw explained(cause, config.dataFolder);
  }
}

const unreadyOf = (condition: StoreCondition): readonly string[] => (condition === 'open' ? [] : [`store ${condition}`]);

/** Before anything is made in the folder. Rejects with BootError. */
export async function assertNotRestoring(dataFolder: string): Promise<void> {
  if (!(await isRestoring(dataFolder))) return;
  throw new BootError(`A restore into this folder was not finished: run \`lanying restore\` again, or take the folder \`restoring\` in it away to begin with an empty server: ${dataFolder}`, {});
}

/** Opens the store and joins everything. Rejects with BootError, RelayError or StaticFilesError; then nothing stays open. */
export async function compose(parts: ComposeParts): Promise<Server> {
  const bus = new InProcessBus((cause) => parts.ops.hintLost('bus', cause));
  const store = await openStore(parts, bus);
  try {
    return await join(parts, store, bus);
  } catch (cause) {
    await store.close();
    throw explained(cause, parts.config.dataFolder);
  }
}

/** Keys the hashes of cookies; of its own, so that nothing else that the master key protects depends on it (RFC 5869). */
export const sessionKey = (masterKey: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(0), 'lanying session key 1', 32));

const scheduled = ({ backup }: Config, cli: readonly string[] | undefined) =>
  backup === null || backup === undefined || cli === undefined ? null : { cron: backup.schedule, run: () => runBackup(cli, backup) };

const sendsAllowance = (aSecond: number): Partial<PersonAllowances> => ({ sends: { burst: 10 * aSecond, refillMs: 1_000 / aSecond } });

function headSinks({ auditHeads }: Config, runtime: Runtime): readonly HeadSink[] {
  const { file, webhook } = auditHeads ?? { file: null, webhook: null };
  return [...(file === null ? [] : [new HeadFile(file)]), ...(webhook === null ? [] : [new HeadWebhook(webhook, runtime)])];
}

/** What `lanying backup` beside this server asks for. */
function controlDesk(backups: Backups, { config, ops, runtime }: ComposeParts): ControlDesk {
  const audit = scribeOf({ actor: { kind: 'operator' }, address: null, requestId: '-' }, runtime);
  return {
    checkpoint: async (onEnded) => {
      try {
        const checkpoint = await backups.take(onEnded);
        if (checkpoint === null) return 'busy';
        const { release, ...told } = checkpoint;
        return { told, release };
      } catch (cause) {
        if (!(cause instanceof StoreFailure)) throw cause;
        ops.controlFailed(cause);
        return cause instanceof StoreFull ? 'full' : 'failed';
      }
    },
    made: async (made) => {
      await backups.made(made, audit);
      await noteBackup(config.dataFolder, made);
      ops.machine.backupLast(made.takenAt, made.bytes);
    },
    failed: (cause) => ops.controlFailed(cause),
  };
}

/** A server without it serves all the same: backups then need it stopped. */
async function control(desk: ControlDesk, { config, ops }: ComposeParts): Promise<Control | null> {
  try {
    return await openControl(controlPath(config.dataFolder), desk);
  } catch (cause) {
    ops.controlFailed(cause);
    return null;
  }
}

async function beforeServing({ directory, unfinished, enforcement, clock }: Services, runtime: Runtime): Promise<void> {
  await directory.begin();
  await unfinished.finish(systemScribe('unfinished', runtime));
  await enforcement.run();
  await clock.begin();
}

async function join(parts: ComposeParts, store: Store, bus: EventBus): Promise<Server> {
  const { config, secrets, ops, runtime, webFolder, cli } = parts;
  const { origin } = config;
  const services = createServices({
    store,
    bus,
    runtime,
    config: {
      serverName: about.name,
      version: about.version,
      origin,
      setupToken: secrets.setupToken,
      sessionKey: sessionKey(secrets.masterKey),
      files: config.files,
      personAllowances: sendsAllowance(config.sendsPersonMax),
    },
  });
  const { conversations, sessions } = services;
  // [R6] Before anything is served.
  const purgedAgain = await services.retention.reapply(systemScribe('retention', runtime));
  if (purgedAgain > 0) ops.purgedAgain(purgedAgain);
  const connectionsMax = connectionsMaxOf(descriptorsMax());
  const door = await createDoor({
    origin,
    bind: config.bind,
    port: config.port,
    webFolder,
    openApi: JSON.stringify(openApiDocument({ version: about.version, origin })),
    router: createRouter(services),
    bus,
    sessions,
    desk: new FileDesk(services),
    views: {
      conversation: (conversationId, userIds) => conversations.views(conversationId, userIds),
      contacts: (userId, among) => conversations.contacts(userId, among),
    },
    json: { input: inputFromJson, output: outputToJson },
    cookieValue,
    ops,
    runtime,
    connectionsMax,
    // [Z1]
    unready: () => unreadyOf(store.condition()),
    full: () => store.condition() === 'full',
  });
  if (store.condition() === 'open') await beforeServing(services, runtime);
  const { heads } = services.audit;
  ops.auditKey(await heads.verifierKey());
  const work = jobsOf({ store, runtime, ops, audit: { heads, directory: services.directory.heads, accounts: store.accounts, bus, sinks: headSinks(config, runtime) }, retention: services.retention, clock: services.clock, ownDevices: services.ownDevices, backup: scheduled(config, cli) });
  const operator = await control(controlDesk(new Backups(store.checkpoints, store.audit), parts), parts);
  const last = await lastBackup(config.dataFolder);
  if (last !== null) ops.machine.backupLast(last.takenAt, last.bytes);
  const jobs = startJobs(work, { leases: store.leases, ops, runtime, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  return {
    connectionsMax,
    listen: () => door.listen(),
    setupNeeded: async () => (await store.accounts.count()) === 0,
    async stop() {
      services.retention.stop();
      await door.drain();
      // A backup under way ends with it.
      await operator?.close();
      await jobs.stop();
      await store.close();
    },
  };
}
