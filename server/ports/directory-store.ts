/**
 * The key directory (#protocol/directory.ts). The stores of accounts, devices and people append its leaves in the batch
 * of what they record: identity and first device with an account, a device with its registration, a revocation with each
 * device that is taken away ([X1]). The promises of store.ts hold here too.
 */
import type { TreeLog } from './tree-log.ts';

export interface DirectoryStore extends TreeLog {
  /** A store that was made before there was a directory gets the leaves of everybody who is there, in one batch. Gives how many. */
  begin(): Promise<number>;
  /** At most `limit` leaves in ascending order from index `from`, 66 bytes each. */
  leaves(from: number, limit: number): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** Indices of leaves by their leaf hashes; null for one that is not there. */
  places(hashes: readonly Uint8Array[]): Promise<readonly (number | null)[]>;
}
