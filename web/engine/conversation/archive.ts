/** Epoch keys and rosters in the person's sealed archive: put there by whoever was in the epoch, read by a new device ([E11]). */
import { archiveBaseEvery, archiveItemsMax } from '#protocol/limits.ts';
import type { StoreWrite } from '../ports.ts';
import type { EpochState } from '../store/records.ts';
import { type ArchiveItem, applyRoster, decodeArchiveItem, encodeArchiveItem, type Roster, rosterDelta } from '../vault/archive-item.ts';
import type { EpochKeys } from './epochs.ts';

/** A whole roster this often, differences between: a reader needs at most this many items to find one. */
const baseEvery = archiveBaseEvery;

const rosterOf = (state: EpochState): Roster => new Map(state.roster.map(({ leaf, certificate }) => [leaf, certificate]));

/** Seals and stores what is not in the archive yet; returns the first epoch that remains. */
export async function archiveEpochs(epochs: EpochKeys, from: number, current: number): Promise<number> {
  const { vault, connection } = epochs.parts;
  let next = from;
  while (next <= current) {
    const items = [];
    for (; next <= current && items.length < archiveItemsMax / 2; next += 1) {
      const state = await epochs.local(next);
      if (state === null) continue;
      const encoded = encodeArchiveItem(await itemOf(epochs, next, state, items.length === 0 && next === from));
      if (encoded !== null) items.push({ conversationId: epochs.conversationId, epoch: next, sealed: await vault.sealArchive(epochs.conversationId, next, encoded) });
    }
    if (items.length > 0) await connection.call('archive.put', { items });
  }
  return next;
}

async function itemOf(epochs: EpochKeys, epoch: number, state: EpochState, first: boolean): Promise<ArchiveItem> {
  const before = epoch % baseEvery === 0 || first ? null : await epochs.local(epoch - 1);
  const roster = before === null ? { kind: 'base' as const, devices: state.roster } : rosterDelta(rosterOf(before), rosterOf(state));
  return { contentKey: state.contentKey, roster };
}

/** Reads backwards to a whole roster, then applies the differences forward. */
export async function fetchEpoch(epochs: EpochKeys, epoch: number): Promise<EpochState | null> {
  const chain: { readonly epoch: number; readonly item: ArchiveItem }[] = [];
  for (let before = epoch + 1, more = true; more && chain.at(-1)?.item.roster.kind !== 'base'; ) {
    const page = await epochs.parts.connection.call('archive.get', { conversationId: epochs.conversationId, before, limit: archiveItemsMax });
    for (const { epoch: at, sealed } of page.items) {
      const opened = await epochs.parts.vault.openArchive(epochs.conversationId, at, sealed);
      const item = opened === null ? null : decodeArchiveItem(opened);
      if (item === null || (chain.length === 0 && at !== epoch)) return null;
      chain.push({ epoch: at, item });
      if (item.roster.kind === 'base') break;
    }
    before = chain.at(-1)?.epoch ?? 0;
    more = page.more && page.items.length > 0;
  }
  return replay(epochs, chain.toReversed(), epoch);
}

async function replay(epochs: EpochKeys, chain: readonly { readonly epoch: number; readonly item: ArchiveItem }[], wanted: number): Promise<EpochState | null> {
  let roster: Roster = new Map();
  let found: EpochState | null = null;
  const writes: StoreWrite[] = [];
  for (const { epoch, item } of chain) {
    const applied = applyRoster(roster, item.roster);
    if (applied === null) return null;
    roster = applied;
    const state = { contentKey: item.contentKey, roster: [...roster].map(([leaf, certificate]) => ({ leaf, certificate })) };
    writes.push(await epochs.keep(epoch, state));
    if (epoch === wanted) found = state;
  }
  await epochs.parts.store.write(writes);
  return found;
}
