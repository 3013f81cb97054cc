/**
 * Group commit: one synced batch is in flight, what is submitted meanwhile waits and goes into the next one. A synced
 * LevelDB write costs about a millisecond whether it carries one operation or a hundred.
 */
import { StoreFailure, type StoreFull } from '../../ports/store.ts';

export type Operation =
  | {
      readonly type: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      /** Nothing was ever stored at this place: saves the ledger a read. */
      readonly fresh?: true;
    }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** A batch ends behind the submission that reaches this many operations or bytes; a submission is never split. */
const operationsPerBatch = 128;
const bytesPerBatch = 4 * 1024 * 1024;
/** What may wait; beyond it submissions are refused, so that a stalled disk does not fill the memory. */
const operationsWaitingMax = 262_144;
const bytesWaitingMax = 256 * 1024 * 1024;

interface Submission {
  readonly operations: readonly Operation[];
  readonly bytes: number;
  resolve(): void;
  reject(failure: StoreFailure): void;
  /** Carries nothing: runs while no batch is in flight. */
  readonly between?: () => Promise<void>;
}

export class GroupWriter {
  readonly #write: (operations: readonly Operation[]) => Promise<void>;
  #waiting: Submission[] = [];
  #operationsWaiting = 0;
  #bytesWaiting = 0;
  #running: Promise<void> | null = null;
  #stopped: StoreFailure | null = null;
  #paused: StoreFull | null = null;
  #failed = false;
  readonly #onFailure: (failure: StoreFailure) => void;
  #batches = 0;
  #submissions = 0;

  /**
   * `write` resolves when all operations are on disk, whole or not at all. `onFailure` hears of the first write that
   * failed, before those who wait for it.
   */
  constructor(
    write: (operations: readonly Operation[]) => Promise<void>,
    onFailure: (failure: StoreFailure) => void = () => undefined,
  ) {
    this.#write = write;
    this.#onFailure = onFailure;
  }

  /** Why nothing is written any more, or null. */
  get stopped(): StoreFailure | null {
    return this.#stopped;
  }
  /** A write failed: what is on disk behind the last acknowledged batch is not known. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Until `resume` only submissions that delete are taken: they make room. */
  pause(reason: StoreFull): void {
    this.#paused = reason;
  }
  resume(): void {
    this.#paused = null;
  }

  get counts(): { readonly batches: number; readonly submissions: number } {
    return { batches: this.#batches, submissions: this.#submissions };
  }

  /**
   * Takes the operations at once, in order of calls, and resolves when they are on disk. Throws StoreFailure at once,
   * taking nothing, when writing has stopped or too much waits.
   */
  submit(operations: readonly Operation[]): Promise<void> {
    if (this.#stopped !== null) throw this.#stopped;
    if (this.#paused !== null && operations.some(({ type }) => type === 'put')) throw this.#paused;
    const bytes = operations.reduce(
      (sum, each) => sum + each.key.length + (each.type === 'put' ? each.value.length : 0),
      0,
    );
    const full =
      this.#operationsWaiting + operations.length > operationsWaitingMax ||
      this.#bytesWaiting + bytes > bytesWaitingMax;
    if (full && this.#waiting.length > 0) throw new StoreFailure('too much waits to be written');
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ operations, bytes, resolve, reject }));
    this.#operationsWaiting += operations.length;
    this.#bytesWaiting += bytes;
    this.#submissions += 1;
    this.#running ??= this.#run();
    return done;
  }

  /**
   * Runs `work` when everything submitted so far is on disk and nothing later is: what the folder holds then is one state.
   * Rejects as `work` does, or with StoreFailure when writing stopped before its turn.
   */
  between<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopped !== null) throw this.#stopped;
    const done = new Promise<T>((resolve, reject) => {
      const between = (): Promise<void> => work().then(resolve, reject);
      this.#waiting.push({ operations: [], bytes: 0, resolve: () => undefined, reject, between });
    });
    this.#running ??= this.#run();
    return done;
  }

  /** Refuses what comes later and resolves when nothing is under way. */
  async stop(reason: StoreFailure): Promise<void> {
    this.#stopped ??= reason;
    await this.#running;
  }

  async #run(): Promise<void> {
    // A turn first, so that everything submitted in this one shares the batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      if (this.#waiting[0]?.between !== undefined) {
        await this.#waiting.shift()?.between?.();
        continue;
      }
      const batch = this.#nextBatch();
      this.#batches += 1;
      try {
        await this.#write(batch.flatMap((submission) => submission.operations));
      } catch (cause) {
        // What LevelDB says about later writes cannot be trusted after a failed one (misaligned log): stop for good.
        this.#fail(cause instanceof StoreFailure ? cause : new StoreFailure('a write failed', { cause }), batch);
        break;
      }
      for (const submission of batch) submission.resolve();
    }
    this.#running = null;
  }

  #nextBatch(): readonly Submission[] {
    let operations = 0;
    let bytes = 0;
    let count = 0;
    for (const submission of this.#waiting) {
      const fits = operations + submission.operations.length <= operationsPerBatch && bytes + submission.bytes <= bytesPerBatch;
      if (submission.between !== undefined || (count > 0 && !fits)) break;
      operations += submission.operations.length;
      bytes += submission.bytes;
      count += 1;
    }
    this.#operationsWaiting -= operations;
    this.#bytesWaiting -= bytes;
    return this.#waiting.splice(0, count);
  }

  #fail(failure: StoreFailure, batch: readonly Submission[]): void {
    this.#stopped ??= failure;
    this.#failed = true;
    this.#onFailure(failure);
    for (const submission of [...batch, ...this.#waiting]) submission.reject(failure);
    this.#waiting = [];
    this.#operationsWaiting = 0;
    this.#bytesWaiting = 0;
  }
}
