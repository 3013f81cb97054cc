/** The local store without a disk: for tests and for bots that keep nothing. */
import { LanyingError } from '../../engine/api.ts';
import type { DeviceKeys, LocalStore, StoreWrite } from '../../engine/ports.ts';
import { deviceKeysOf, generateDeviceKeys } from '../device-keys.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What would be the disk: survives closing and opening again. */
export class MemoryProfile {
  readonly records = new Map<string, Bytes>();
  fence = 0;
  device: Promise<DeviceKeys> | null = null;
}

class MemoryStore implements LocalStore {
  readonly #profile: MemoryProfile;
  readonly #fence: number;
  #closed = false;

  constructor(profile: MemoryProfile) {
    this.#profile = profile;
    profile.fence += 1;
    this.#fence = profile.fence;
  }

  async get(key: string): Promise<Bytes | null> {
    this.#checkOpen();
    return this.#profile.records.get(key)?.slice() ?? null;
  }

  async range(from: string, to: string, { limit, reverse }: { readonly limit: number; readonly reverse: boolean }) {
    this.#checkOpen();
    const keys = [...this.#profile.records.keys()].filter((key) => key >= from && key < to).sort();
    if (reverse) keys.reverse();
    return keys.slice(0, Math.max(0, limit)).map((key) => [key, this.#profile.records.get(key)?.slice() ?? new Uint8Array()] as const);
  }

  async batch(writes: readonly StoreWrite[]): Promise<void> {
    this.#checkWritable();
    const { records } = this.#profile;
    for (const write of writes) {
      if ('put' in write) records.set(write.put[0], write.put[1].slice());
      else if ('delete' in write) records.delete(write.delete);
      else for (const key of records.keys()) if (key.startsWith(write.deletePrefix)) records.delete(key);
    }
  }

  async deviceKeys(): Promise<DeviceKeys> {
    this.#checkOpen();
    if (this.#profile.device === null) {
      this.#checkWritable();
      this.#profile.device = generateDeviceKeys(false).then(deviceKeysOf);
    }
    return this.#profile.device;
  }

  async erase(): Promise<void> {
    this.#checkWritable();
    this.#profile.records.clear();
    this.#profile.device = null;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new LanyingError('engine.closed');
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (this.#profile.fence !== this.#fence) throw new LanyingError('engine.busy_elsewhere');
  }
}

/** Opens the profile and fences off whoever opened it before. */
export const openMemoryStore = (profile = new MemoryProfile()): LocalStore => new MemoryStore(profile);
