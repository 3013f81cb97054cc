/**
 * Checkpoints: what the store has on disk at one moment, for a backup to copy while the store goes on. A checkpoint pins
 * what it shows, so an erasure that comes meanwhile ends it: a backup can be made again, an erasure must not wait.
 */
export interface Checkpoint {
  /** Folder that holds the state, apart from `files`; nobody writes there. */
  readonly folder: string;
  /** Folder and names of the files (blobs): whole ones never change; those of uploads under way may grow or vanish. */
  readonly filesFolder: string;
  readonly files: readonly string[];
  /** Milliseconds since 1970-01-01 UTC. */
  readonly takenAt: number;
  /** Batches that the store had written. */
  readonly commits: number;
  /** Lets go and takes the folder away. Repeated calls are one. */
  release(): Promise<void>;
}

export interface CheckpointStore {
  /**
   * `onEnded` hears once when an erasure ended it; the folder is gone then. Null: there is one already, or this store has
   * no folder. Throws StoreFull when the disk is full, StoreFailure when the files kept changing or could not be copied.
   */
  take(onEnded: () => void): Promise<Checkpoint | null>;
}
