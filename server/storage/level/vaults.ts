import { uint64 } from '#protocol/envelope.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { Unlocker, Vault } from '#protocol/model.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Resealed, VaultStore } from '../../ports/store.ts';
import { joinBytes, sameBytes, sha256 } from '../bytes.ts';
import type { Access } from './access.ts';
import type { Operation } from './group-writer.ts';
import { under } from './table.ts';

export class LevelVaults implements VaultStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  get(userId: UserId): Promise<Vault | null> {
    return this.#access.tables.vaults.get(this.#access.keys.pseudonym('user', userId));
  }

  update(
    userId: UserId,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
    unlockers: readonly Unlocker[],
    acts: Acts,
  ): Promise<'updated' | 'conflict'> {
    return this.#alone(userId, async () => {
      const vault = await this.get(userId);
      if (vault?.version !== expectedVersion) return 'conflict';
      const next = { version: expectedVersion + 1, sealed, unlockers: [...unlockers] };
      const stored = this.#access.tables.vaults.put(this.#access.keys.pseudonym('user', userId), next);
      await this.#access.audit.submit([stored], acts);
      return 'updated';
    });
  }

  archive(userId: UserId, items: Parameters<VaultStore['archive']>[1]): Promise<void> {
    const { tables, writer } = this.#access;
    return this.#alone(userId, async () => {
      if (await this.#isGone(userId)) return;
      const keys = items.map((item) => joinBytes(this.#archiveOf(userId, item.conversationId), uint64(item.epoch)));
      const there = await tables.archive.hasMany(keys);
      const stored = new Set<string>();
      const operations: Operation[] = [];
      for (const [at, { conversationId, epoch, sealed }] of items.entries()) {
        const key = keys[at];
        const name = `${conversationId} ${epoch}`;
        if (key === undefined || there[at] === true || stored.has(name)) continue;
        stored.add(name);
        operations.push(tables.archive.put(key, { epoch, sealed }));
      }
      if (operations.length > 0) await writer.submit(operations);
    });
  }

  reseal(userId: UserId, items: readonly Resealed[]): Promise<void> {
    const { tables, writer } = this.#access;
    return this.#alone(userId, async () => {
      if (await this.#isGone(userId)) return;
      const operations: Operation[] = [];
      for (const { conversationId, epoch, was, sealed } of items) {
        const key = joinBytes(this.#archiveOf(userId, conversationId), uint64(epoch));
        const stored = await tables.archive.get(key);
        if (stored !== null && sameBytes(sha256(stored.sealed), was)) operations.push(tables.archive.put(key, { epoch, sealed }));
      }
      if (operations.length > 0) await writer.submit(operations);
    });
  }

  async archived(
    userId: UserId,
    conversationId: ConversationId,
    before: number | null,
    limit: number,
  ): Promise<readonly { readonly epoch: number; readonly sealed: Uint8Array<ArrayBuffer> }[]> {
    if (before !== null && before <= 0) return [];
    const prefix = this.#archiveOf(userId, conversationId);
    const lte = before === null ? under(prefix).lte : joinBytes(prefix, uint64(before - 1));
    const found = await this.#access.tables.archive.list({ gte: prefix, lte, reverse: true, limit });
    return found.map(({ value }) => value);
  }

  item(
    userId: UserId,
    name: string,
  ): Promise<{ readonly version: number; readonly sealed: Uint8Array<ArrayBuffer> } | null> {
    return this.#access.tables.vaultItems.get(this.#itemKey(userId, name));
  }

  putItem(
    userId: UserId,
    name: string,
    expectedVersion: number,
    sealed: Uint8Array<ArrayBuffer>,
  ): Promise<'stored' | 'conflict'> {
    return this.#alone(userId, async () => {
      if (await this.#isGone(userId)) return 'conflict';
      const stored = await this.item(userId, name);
      if ((stored?.version ?? 0) !== expectedVersion) return 'conflict';
      const next = { version: expectedVersion + 1, sealed };
      await this.#access.writer.submit([this.#access.tables.vaultItems.put(this.#itemKey(userId, name), next)]);
      return 'stored';
    });
  }

  /** Of whoever was taken away nothing is written any more; a call that was under way then comes too late. */
  async #isGone(userId: UserId): Promise<boolean> {
    const { tables, keys } = this.#access;
    return (await tables.gone.get(keys.pseudonym('user', userId))) !== null;
  }

  #archiveOf(userId: UserId, conversationId: ConversationId): Uint8Array {
    const { keys } = this.#access;
    return joinBytes(keys.pseudonym('user', userId), keys.pseudonym('conversation', conversationId));
  }

  #itemKey(userId: UserId, name: string): Uint8Array {
    return joinBytes(this.#access.keys.pseudonym('user', userId), this.#access.keys.pseudonym('vault item', name));
  }

  #alone<T>(userId: UserId, work: () => Promise<T>): Promise<T> {
    return this.#access.mutex.run(`vault ${userId}`, work);
  }
}
