/** Backups of the data folder: whoever makes one takes a checkpoint here and says here what came of it. */
import type { Checkpoint, CheckpointStore } from '../ports/checkpoint-store.ts';
import type { AuditStore } from '../ports/audit-store.ts';
import type { Scribe } from './audit/scribe.ts';

/** What the audit log says of one. */
export interface BackupFacts {
  /** Name in its place; null for a stream. */
  readonly name: string | null;
  readonly takenAt: number;
  readonly bytes: number;
  readonly files: number;
}

export class Backups {
  readonly #checkpoints: CheckpointStore;
  readonly #audit: Pick<AuditStore, 'append'>;

  constructor(checkpoints: CheckpointStore, audit: Pick<AuditStore, 'append'>) {
    this.#checkpoints = checkpoints;
    this.#audit = audit;
  }

  /** As CheckpointStore.take. */
  take(onEnded: () => void): Promise<Checkpoint | null> {
    return this.#checkpoints.take(onEnded);
  }

  made({ name, takenAt, bytes, files }: BackupFacts, audit: Scribe<'backup.made'>): Promise<void> {
    return this.#audit.append([
      audit({ act: 'backup.made', object: { kind: 'server', id: 'backup' }, after: { name, takenAt, bytes, files } }),
    ]);
  }

  restored({ takenAt, commits }: { readonly takenAt: number; readonly commits: number }, audit: Scribe<'backup.restored'>): Promise<void> {
    return this.#audit.append([
      audit({ act: 'backup.restored', object: { kind: 'server', id: 'backup' }, after: { takenAt, commits } }),
    ]);
  }
}
