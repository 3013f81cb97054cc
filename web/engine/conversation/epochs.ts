/**
 * Content keys and rosters by epoch: on this device, and sealed in the person's archive, from where a new device reads
 * what was before it ([E11]).
 */
import { parseCertificate } from '#protocol/certificate.ts';
import { bytesOfId, type ConversationId, type DeviceId, type UserId } from '#protocol/ids.ts';
import { type GroupState, members } from '../mls/reading.ts';
import type { StoreWrite } from '../ports.ts';
import { after, epochs, type EpochState, padded } from '../store/records.ts';
import { late } from '../late.ts';
import type { Parts } from './parts.ts';

const nameOf = (conversationId: ConversationId, epoch: number): string => `${conversationId}/${padded(epoch)}`;

const mls = late(() => import('../mls/index.ts'));

/** What a group's present epoch is to content: exporter("lanying content 1", conversation id, 32), and who is in it. */
export async function epochOf(conversationId: ConversationId, group: GroupState): Promise<EpochState> {
  const { exportSecret } = await mls();
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

const archives = late(() => import('./archive.ts'));

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

  /** The highest epoch on this device, 0 when there is none. */
  async latest(): Promise<number> {
    const [row] = await this.parts.store.range(epochs, `${this.conversationId}/`, after(`${this.conversationId}/`), 1, true);
    return row === undefined ? 0 : Number.parseInt(row.name.slice(row.name.indexOf('/') + 1), 16);
  }

  /** What was purged is not opened any more by anybody. */
  async eraseBelow(epoch: number): Promise<void> {
    const prefix = `${this.conversationId}/`;
    const rows = await this.parts.store.range(epochs, prefix, `${prefix}${padded(epoch)}`, 10_000);
    for (const { name } of rows) this.#recent.delete(name);
    if (rows.length > 0) await this.parts.store.write(rows.map(({ name }) => this.parts.store.remove(epochs, name)));
  }

  /** Local, else from the archive; null when no device of the person ever archived it. */
  async find(epoch: number): Promise<EpochState | null> {
    return (await this.local(epoch)) ?? (await archives()).fetchEpoch(this, epoch);
  }

  #remember(epoch: number, state: EpochState): void {
    this.#recent.set(nameOf(this.conversationId, epoch), state);
    if (this.#recent.size > 32) this.#recent.delete(this.#recent.keys().next().value ?? '');
  }

  /** Seals and stores what is not in the archive yet; returns the first epoch that remains. */
  async archive(from: number, current: number): Promise<number> {
    return (await archives()).archiveEpochs(this, from, current);
  }
}
