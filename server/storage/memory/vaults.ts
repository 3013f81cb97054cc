import type { CeremonyId, ConversationId, UserId } from '#protocol/ids.ts';
import type { Unlocker, Vault } from '#protocol/model.ts';
import type { Acts } from '../../ports/audit-store.ts';
import { sameBytes, sha256 } from '../bytes.ts';
import type { CeremonyStore, Resealed, VaultStore } from '../../ports/store.ts';
import { type ArchiveItem, copy, copyOrNull, type Shelf } from './shelf.ts';

interface Item {
  readonly version: number;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

export class MemoryVaults implements VaultStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async get(userId: UserId): Promise<Vault | null> {
    return copyOrNull(this.#shelf.vaults.get(userId));
  }

  async update(
    userId: UserId,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
    unlockers: readonly Unlocker[],
    acts: Acts,
  ): Promise<'updated' | 'conflict'> {
    this.#shelf.writing();
    if (this.#shelf.vaults.get(userId)?.version !== expectedVersion) return 'conflict';
    this.#shelf.audit(acts);
    this.#shelf.vaults.set(userId, copy({ version: expectedVersion + 1, sealed, unlockers: [...unlockers] }));
    return 'updated';
  }

  async archive(userId: UserId, items: Parameters<VaultStore['archive']>[1]): Promise<void> {
    this.#shelf.writing();
    if (this.#shelf.gone.has(userId)) return;
    for (const { conversationId, epoch, sealed } of items) {
      const name = `${userId} ${conversationId}`;
      const epochs = this.#shelf.archive.get(name) ?? new Map<number, ArchiveItem>();
      this.#shelf.archive.set(name, epochs);
      if (!epochs.has(epoch)) epochs.set(epoch, copy({ epoch, sealed }));
    }
  }

  async reseal(userId: UserId, items: readonly Resealed[]): Promise<void> {
    this.#shelf.writing();
    for (const { conversationId, epoch, was, sealed } of items) {
      const epochs = this.#shelf.archive.get(`${userId} ${conversationId}`);
      const stored = epochs?.get(epoch);
      if (stored !== undefined && sameBytes(sha256(stored.sealed), was)) epochs?.set(epoch, copy({ epoch, sealed }));
    }
  }

  async archived(
    userId: UserId,
    conversationId: ConversationId,
    before: number | null,
    limit: number,
  ): Promise<readonly { readonly epoch: number; readonly sealed: Uint8Array<ArrayBuffer> }[]> {
    const all = [...(this.#shelf.archive.get(`${userId} ${conversationId}`)?.values() ?? [])];
    const below = all.filter((item) => before === null || item.epoch < before);
    return copy(below.toSorted((one, other) => other.epoch - one.epoch).slice(0, limit));
  }

  async item(userId: UserId, name: string): Promise<Item | null> {
    return copyOrNull(this.#shelf.items.get(`${userId} ${name}`));
  }

  async putItem(
    userId: UserId,
    name: string,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<'stored' | 'conflict'> {
    this.#shelf.writing();
    const key = `${userId} ${name}`;
    if (this.#shelf.gone.has(userId)) return 'conflict';
    if ((this.#shelf.items.get(key)?.version ?? 0) !== expectedVersion) return 'conflict';
    this.#shelf.items.set(key, copy({ version: expectedVersion + 1, sealed }));
    return 'stored';
  }
}

export class MemoryCeremonies implements CeremonyStore {
  readonly #shelf: Shelf;
  readonly #waiting = new Map<CeremonyId, { readonly value: Uint8Array<ArrayBuffer>; readonly expiresAt: number }>();

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async put(ceremonyId: CeremonyId, value: Uint8Array<ArrayBuffer>, expiresAt: number, acts?: Acts): Promise<void> {
    this.#shelf.writing();
    if (acts !== undefined) this.#shelf.audit(acts);
    this.#waiting.set(ceremonyId, copy({ value, expiresAt }));
  }

  async take(ceremonyId: CeremonyId, now: number): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#shelf.writing();
    const found = this.#waiting.get(ceremonyId);
    this.#waiting.delete(ceremonyId);
    return found !== undefined && now < found.expiresAt ? found.value : null;
  }
}
