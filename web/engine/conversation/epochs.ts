/**
 * Content keys and rosters by epoch: on this device, and sealed in the person's archive, from where a new device reads
 * what was before it ([E11]).
 */
import { parseCertificate } from '#protocol/certificate.ts';
import { bytesOfId, type ConversationId, type DeviceId, type UserId } from '#protocol/ids.ts';
import { archiveItemsMax } from '#protocol/limits.ts';
import { exportSecret, type GroupState, members } from '../mls/index.ts';
import type { StoreWrite } from '../ports.ts';
import { epochs, type EpochState, padded } from '../store/records.ts';
import { type ArchiveItem, applyRoster, decodeArchiveItem, encodeArchiveItem, type Roster, rosterDelta } from '../vault/archive-item.ts';
import type { Parts } from './parts.ts';

/** A whole roster this often, differences between: a reader needs at most this many items to find one. */
const baseEvery = 16;

const nameOf = (conversationId: ConversationId, epoch: number): string => `${conversationId}/${padded(epoch)}`;
const rosterOf = (state: EpochState): Roster => new Map(state.roster.map(({ leaf, certificate }) => [leaf, certificate]));

/** What a group's present epoch is to content: exporter("lanying content 1", conversation id, 32), and who is in it. */
export async function epochOf(conversationId: ConversationId, group: GroupState): Promise<EpochState> {
  const contentKey = await exportSecret(group, 'lanying content 1', bytesOfId(conversationId), 32);
  return {
    contentKey: new Uint8Array(contentKey),
    roster: members(group).map(({ leaf, credential }) => ({ leaf, certificate: new Uint8Array(credential) })),
  };
}

/** Ed25519 key of a device that was in the group in that epoch; null when it was not, or as another person's. */
export function deviceKeyIn(state: EpochState, user: UserId, device: DeviceId): Uint8Array<ArrayBuffer> | null {
  for (const { certificate } of state.roster) {
    const parsed = parseCertificate(certificate);
    if (parsed?.deviceId === device && parsed.userId === user) return parsed.deviceKey;
  }
  return null;
}

export class EpochKeys {
  readonly #recent = new Map<string, EpochState>();

  constructor(
    readonly parts: Parts,
    readonly conversationId: ConversationId,
  ) {}

  /** The record to write in the same transaction as the group state. */
  keep(epoch: number, state: EpochState): Promise<StoreWrite> {
    this.#remember(epoch, state);
    return this.parts.store.put(epochs, nameOf(this.conversationId, epoch), state);
  }

  async local(epoch: number): Promise<EpochState | null> {
    const name = nameOf(this.conversationId, epoch);
    const known = this.#recent.get(name) ?? (await this.parts.store.get(epochs, name));
    if (known !== null) this.#remember(epoch, known);
    return known;
  }

  /** Local, else from the archive; null when no device of the person ever archived it. */
  async find(epoch: number): Promise<EpochState | null> {
    return (await this.local(epoch)) ?? this.#fetch(epoch);
  }

  #remember(epoch: number, state: EpochState): void {
    this.#recent.set(nameOf(this.conversationId, epoch), state);
    if (this.#recent.size > 32) this.#recent.delete(this.#recent.keys().next().value ?? '');
  }

  /** Seals and stores what is not in the archive yet; returns the first epoch that remains. */
  async archive(from: number, current: number): Promise<number> {
    const { vault, connection } = this.parts;
    let next = from;
    while (next <= current) {
      const items = [];
      for (; next <= current && items.length < archiveItemsMax / 2; next += 1) {
        const state = await this.local(next);
        if (state === null) continue;
        const encoded = encodeArchiveItem(await this.#itemOf(next, state, items.length === 0 && next === from));
        if (encoded !== null) items.push({ conversationId: this.conversationId, epoch: next, sealed: await vault.sealArchive(this.conversationId, next, encoded) });
      }
      if (items.length > 0) await connection.call('archive.put', { items });
    }
    return next;
  }

  async #itemOf(epoch: number, state: EpochState, first: boolean): Promise<ArchiveItem> {
    const before = epoch % baseEvery === 0 || first ? null : await this.local(epoch - 1);
    const roster = before === null ? { kind: 'base' as const, devices: state.roster } : rosterDelta(rosterOf(before), rosterOf(state));
    return { contentKey: state.contentKey, roster };
  }

  /** Reads backwards to a whole roster, then applies the differences forward. */
  async #fetch(epoch: number): Promise<EpochState | null> {
    const chain: { readonly epoch: number; readonly item: ArchiveItem }[] = [];
    for (let before = epoch + 1, more = true; more && chain.at(-1)?.item.roster.kind !== 'base'; ) {
      const page = await this.parts.connection.call('archive.get', { conversationId: this.conversationId, before, limit: archiveItemsMax });
      for (const { epoch: at, sealed } of page.items) {
        const opened = await this.parts.vault.openArchive(this.conversationId, at, sealed);
        const item = opened === null ? null : decodeArchiveItem(opened);
        if (item === null || (chain.length === 0 && at !== epoch)) return null;
        chain.push({ epoch: at, item });
        if (item.roster.kind === 'base') break;
      }
      before = chain.at(-1)?.epoch ?? 0;
      more = page.more && page.items.length > 0;
    }
    return this.#replay(chain.toReversed(), epoch);
  }

  async #replay(chain: readonly { readonly epoch: number; readonly item: ArchiveItem }[], wanted: number): Promise<EpochState | null> {
    let roster: Roster = new Map();
    let found: EpochState | null = null;
    const writes: StoreWrite[] = [];
    for (const { epoch, item } of chain) {
      const applied = applyRoster(roster, item.roster);
      if (applied === null) return null;
      roster = applied;
      const state = { contentKey: item.contentKey, roster: [...roster].map(([leaf, certificate]) => ({ leaf, certificate })) };
      writes.push(await this.keep(epoch, state));
      if (epoch === wanted) found = state;
    }
    await this.parts.store.write(writes);
    return found;
  }

}
