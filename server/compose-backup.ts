/** Backups of a data folder, whether a server has it or not: for `lanying backup`, `restore` and the schedule. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import about from '../package.json' with { type: 'json' };
import type { Config } from './config/config.ts';
import { scribeOf } from './domain/audit/scribe.ts';
import { Backups } from './domain/backups.ts';
import { systemRuntime } from './ops/system-runtime.ts';
import { CorruptionError, StoreFailure } from './ports/store.ts';
import type { BackupTarget } from './storage/backup/folder-target.ts';
import { rotate } from './storage/backup/catalogue.ts';
import { noteBackup } from './storage/backup/last-backup.ts';
import { type Made, makeBackup, stream, type Taken } from './storage/backup/making.ts';
import { encrypterFor } from './storage/backup/sealing.ts';
import { FolderLockedError } from './storage/level/folder-lock.ts';
import { openLevelStore } from './storage/level/store.ts';
import { verifyStore } from './storage/level/verification.ts';

export { ArchiveError, newIdentity } from './storage/backup/sealing.ts';
export { FolderTarget } from './storage/backup/folder-target.ts';
export { lastBackup } from './storage/backup/last-backup.ts';

/** Where a server that has the folder listens for its operator. */
export const controlPath = (dataFolder: string): string => join(dataFolder, 'control.sock');

export interface BackupParts {
  readonly config: Pick<Config, 'dataFolder' | 'purgeRegister'>;
  readonly masterKey: Uint8Array<ArrayBuffer>;
  /** The key's file when it lies in the data folder: it goes along. */
  readonly masterKeyFile: string | null;
  readonly recipients: readonly string[];
  /** A place that keeps them, or where a single stream goes. */
  readonly to: { readonly target: BackupTarget; readonly keep: number | null } | { readonly write: (bytes: Uint8Array) => Promise<void> };
  readonly onProgress?: (bytes: number) => void;
}

export type BackupOutcome =
  | { readonly kind: 'made'; readonly made: Made; readonly rotated: number }
  /** A backup is being made already, or something has the folder that cannot be asked. */
  | { readonly kind: 'in_use'; readonly message: string }
  /** The store does not open, is damaged, or the disk is full: nothing was kept. */
  | { readonly kind: 'broken'; readonly message: string };

/** Rejects with ArchiveError. */
export async function backUp(parts: BackupParts): Promise<BackupOutcome> {
  // Before anything is asked of anybody.
  encrypterFor(parts.recipients);
  try {
    const lent = (await lentByServer(parts.config.dataFolder)) ?? (await lentByStore(parts));
    try {
      return await packed(lent, parts);
    } finally {
      await lent.release();
    }
  } catch (cause) {
    if (cause instanceof Refused) return { kind: cause.outcome, message: cause.message };
    if (cause instanceof FolderLockedError) return { kind: 'in_use', message: cause.message };
    if (cause instanceof CorruptionError || cause instanceof StoreFailure) return { kind: 'broken', message: cause.message };
    throw cause;
  }
}

class Refused extends Error {
  constructor(
    readonly outcome: 'in_use' | 'broken',
    message: string,
  ) {
    super(message);
  }
}

interface Lent {
  readonly taken: Taken;
  held(): boolean;
  made(made: Made): Promise<void>;
  release(): Promise<void>;
}

async function packed(lent: Lent, parts: BackupParts): Promise<BackupOutcome> {
  const { taken } = lent;
  // A backup of a damaged store would push the good ones out.
  const { faults } = await verifyStore({ folder: taken.folder, masterKey: parts.masterKey, runtime: systemRuntime, withFiles: false });
  const [fault] = faults;
  if (fault !== undefined) {
    if (!lent.held()) throw new Refused('in_use', 'something was erased while the backup was made: make it again');
    return { kind: 'broken', message: fault.what };
  }
  const making = { taken, recipients: parts.recipients, version: about.version, masterKeyFile: parts.masterKeyFile, stillHeld: () => lent.held(), ...(parts.onProgress === undefined ? {} : { onProgress: parts.onProgress }) };
  if ('write' in parts.to) {
    let bytes = 0;
    for await (const chunk of stream(making)) {
      bytes += chunk.length;
      await parts.to.write(chunk);
    }
    const made: Made = { name: null, takenAt: taken.takenAt, bytes, files: taken.files.length, newFiles: taken.files.length };
    await lent.made(made);
    return { kind: 'made', made, rotated: 0 };
  }
  const made = await makeBackup(parts.to.target, making);
  await lent.made(made);
  const rotated = parts.to.keep === null ? 0 : await rotate(parts.to.target, parts.to.keep);
  return { kind: 'made', made, rotated };
}

async function lentByStore({ config, masterKey }: BackupParts): Promise<Lent> {
  const store = await openLevelStore({ folder: config.dataFolder, masterKey, runtime: systemRuntime, purgeRegister: config.purgeRegister ?? null });
  const checkpoint = await store.checkpoints.take(() => undefined).catch(async (cause: unknown) => {
    await store.close();
    throw cause;
  });
  if (checkpoint === null) throw new Refused('in_use', 'a backup is being made');
  return {
    taken: checkpoint,
    held: () => true,
    made: async (made) => {
      const audit = scribeOf({ actor: { kind: 'operator' }, address: null, requestId: '-' }, systemRuntime);
      await new Backups(store.checkpoints, store.audit).made(made, audit);
      await noteBackup(config.dataFolder, made);
    },
    release: async () => {
      await checkpoint.release();
      await store.close();
    },
  };
}

const Answer = v.union([
  v.object({ checkpoint: v.object({ folder: v.string(), filesFolder: v.string(), files: v.array(v.string()), takenAt: v.number(), commits: v.number() }) }),
  v.object({ refused: v.picklist(['busy', 'full', 'failed']) }),
  v.object({ ended: v.literal('erasure') }),
  v.object({ noted: v.literal(true) }),
]);

const refusals = {
  busy: { outcome: 'in_use', words: 'a backup is being made already' },
  full: { outcome: 'broken', words: 'the disk is full' },
  failed: { outcome: 'broken', words: 'the server could not take a checkpoint; its log says why' },
} as const;

/** Null when no server listens. */
async function lentByServer(dataFolder: string): Promise<Lent | null> {
  const socket = connect(controlPath(dataFolder));
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  if (!connected) return null;
  let held = true;
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const heard = async (): Promise<v.InferOutput<typeof Answer>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Refused('broken', 'the server ended while the backup was made');
    return v.parse(Answer, JSON.parse(value));
  };
  const say = (line: object): void => void socket.write(`${JSON.stringify(line)}\n`);
  socket.on('error', () => (held = false));
  socket.on('close', () => (held = false));
  say({ ask: 'checkpoint' });
  const answer = await heard();
  if ('refused' in answer) {
    socket.destroy();
    const { outcome, words } = refusals[answer.refused];
    throw new Refused(outcome, words);
  }
  if (!('checkpoint' in answer)) throw new Refused('broken', 'the server answered something else');
  // What comes next is either of these two.
  const next = heard().then((said) => {
    if ('ended' in said) held = false;
    return said;
  });
  next.catch(() => (held = false));
  return {
    taken: answer.checkpoint,
    held: () => held,
    made: async ({ name, takenAt, bytes, files }) => {
      say({ made: { name, takenAt, bytes, files } });
      await next;
    },
    release: async () => void socket.destroy(),
  };
}

