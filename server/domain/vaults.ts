/** A person's sealed things ([V1]–[V3]): the server stores and serves them to that person, and opens none. */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { archiveItemsMax } from '#protocol/limits.ts';
import type { Vault } from '#protocol/model.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { VaultStore } from '../ports/store.ts';
import type { Scribe } from './audit/scribe.ts';
import { unlockersRefusal } from './accounts.ts';
import { pageOf } from './pages.ts';

const unlockerFacts = (unlockers: Vault['unlockers']) => ({
  passkeys: unlockers.filter(({ kind }) => kind === 'passkey').length,
  recoveryCodes: unlockers.filter(({ kind }) => kind === 'recovery-code').length,
});

export interface VaultParts {
  readonly store: VaultStore;
  readonly runtime: Runtime;
  readonly bus: EventBus;
  /** Current epoch of a conversation that the person is in, leaving or not; null otherwise. */
  readonly epochFor: (conversationId: ConversationId, userId: UserId) => Promise<number | null>;
}

export class Vaults {
  readonly #parts: VaultParts;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  async get(userId: UserId): Promise<Output<'vault.get'>> {
    const vault = await this.#parts.store.get(userId);
    if (vault === null) throw new Error('an account without a vault');
    return vault;
  }

  /** Refuses vault.conflict, vault.unlockers_missing. An unlocker that stays keeps its date. */
  async update(
    userId: UserId,
    { version, sealed, unlockers }: Input<'vault.update'>,
    audit: Scribe<'unlockers.changed'>,
  ): Promise<Result<Output<'vault.update'>>> {
    const refused = unlockersRefusal(unlockers);
    if (refused !== null) return refused;
    const { unlockers: before } = await this.get(userId);
    const now = this.#parts.runtime.now();
    const dated = unlockers.map((unlocker) => ({
      ...unlocker,
      createdAt: before.find((earlier) => earlier.unlockerId === unlocker.unlockerId)?.createdAt ?? now,
    }));
    const object = { kind: 'account', id: userId } as const;
    const changed = audit({ act: 'unlockers.changed', object, before: unlockerFacts(before), after: unlockerFacts(dated) });
    const outcome = await this.#parts.store.update(userId, version, sealed, dated, [changed]);
    if (outcome === 'conflict') return refuse('vault.conflict');
    this.#parts.bus.publish({ kind: 'vault', userId, version: version + 1 });
    return ok({ version: version + 1 });
  }

  /** Refuses conversation.unknown, and epochs that cannot have begun yet. */
  async archive(userId: UserId, { items }: Input<'archive.put'>): Promise<Result<Output<'archive.put'>>> {
    for (const [index, { conversationId, epoch }] of items.entries()) {
      const current = await this.#parts.epochFor(conversationId, userId);
      if (current === null) return refuse('conversation.unknown');
      if (epoch > current + 1) return refuse('input.invalid', { field: `items.${index}.epoch` });
    }
    await this.#parts.store.archive(userId, items);
    return ok({});
  }

  async reseal(userId: UserId, { items }: Input<'archive.reseal'>): Promise<Output<'archive.reseal'>> {
    await this.#parts.store.reseal(userId, items);
    return {};
  }

  async archived(userId: UserId, { conversationId, before, limit = archiveItemsMax }: Input<'archive.get'>): Promise<Output<'archive.get'>> {
    const found = await this.#parts.store.archived(userId, conversationId, before ?? null, limit + 1);
    const items = pageOf(found.slice(0, limit), ({ sealed }) => sealed.length);
    return { items, more: items.length < found.length };
  }

  async putItem(userId: UserId, { name, version, sealed }: Input<'vaultItem.put'>): Promise<Result<Output<'vaultItem.put'>>> {
    const outcome = await this.#parts.store.putItem(userId, name, version, sealed);
    return outcome === 'conflict' ? refuse('vault.conflict') : ok({ version: version + 1 });
  }

  async item(userId: UserId, name: string): Promise<Output<'vaultItem.get'>> {
    return (await this.#parts.store.item(userId, name)) ?? { version: 0, sealed: null };
  }
}
