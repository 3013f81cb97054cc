import type { Acts } from '../../ports/audit-store.ts';
import { deviceLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { DeviceId, UserId, WelcomeId } from '#protocol/ids.ts';
import type { Device, NewKeyPackage, Suite, Welcome } from '#protocol/model.ts';
import { revocationsPerUserMax } from '#protocol/limits.ts';
import { type DeviceStore, type SessionRecord, StoreFailure, type StoredKeyPackage } from '../../ports/store.ts';
import { copy, copyOrNull, type Shelf } from './shelf.ts';
import { digest } from './tree.ts';

export class MemoryDevices implements DeviceStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async register(
    device: Device,
    keyPackages: readonly NewKeyPackage[],
    limit: number,
    acts: Acts,
  ): Promise<'registered' | 'exists' | 'too_many' | 'unknown_account'> {
    this.#shelf.writing();
    if (this.#shelf.devices.has(device.deviceId) || this.#shelf.takenDevices.has(device.deviceId)) return 'exists';
    if (!this.#shelf.accounts.has(device.userId)) return 'unknown_account';
    if (this.#of(device.userId).length >= limit) return 'too_many';
    this.#shelf.audit(acts);
    this.#shelf.record([deviceLeaf(digest, device.userId, device.certificate)]);
    this.#shelf.devices.set(device.deviceId, copy(device));
    this.#shelf.addPackages(device.deviceId, keyPackages);
    return 'registered';
  }

  async byId(deviceId: DeviceId): Promise<Device | null> {
    return copyOrNull(this.#shelf.devices.get(deviceId));
  }

  async ofUsers(userIds: readonly UserId[]): Promise<readonly Device[]> {
    return copy([...new Set(userIds)].flatMap((userId) => this.#of(userId)));
  }

  async publish(deviceId: DeviceId, keyPackages: readonly NewKeyPackage[]): Promise<void> {
    this.#shelf.writing();
    if (!this.#shelf.devices.has(deviceId)) throw new StoreFailure('key packages of a device that is not registered');
    this.#shelf.addPackages(deviceId, keyPackages);
  }

  async counts(deviceId: DeviceId): Promise<ReadonlyMap<Suite, number>> {
    const { oneTime, lastResort } = this.#shelf.packagesOf(deviceId);
    const found = new Map<Suite, number>();
    for (const suite of lastResort.keys()) found.set(suite, 0);
    for (const [suite, left] of oneTime) if (left.length > 0) found.set(suite, left.length);
    return found;
  }

  async claim(devices: readonly Device[], suite: Suite): Promise<readonly StoredKeyPackage[] | null> {
    this.#shelf.writing();
    const claimed: StoredKeyPackage[] = [];
    const taken = new Map<DeviceId, number>();
    for (const { userId, deviceId } of devices) {
      const { oneTime, lastResort } = this.#shelf.packagesOf(deviceId);
      const used = taken.get(deviceId) ?? 0;
      const oldest = oneTime.get(suite)?.[used];
      const bytes = oldest ?? lastResort.get(suite);
      if (bytes === undefined) return null;
      taken.set(deviceId, oldest === undefined ? used : used + 1);
      claimed.push({ userId, deviceId, bytes: copy(bytes), lastResort: oldest === undefined });
    }
    for (const [deviceId, used] of taken) this.#shelf.packagesOf(deviceId).oneTime.get(suite)?.splice(0, used);
    return claimed;
  }

  async rename(userId: UserId, deviceId: DeviceId, label: string): Promise<boolean> {
    this.#shelf.writing();
    const device = this.#shelf.devices.get(deviceId);
    if (device?.userId !== userId) return false;
    this.#shelf.devices.set(deviceId, { ...device, label });
    return true;
  }

  async remove(
    userId: UserId,
    deviceId: DeviceId,
    revocation: Uint8Array<ArrayBuffer>,
    acts: Acts,
  ): Promise<readonly SessionRecord[] | null> {
    this.#shelf.writing();
    if (this.#shelf.devices.get(deviceId)?.userId !== userId) return null;
    this.#shelf.audit(acts);
    this.#shelf.record([revokedLeaf(digest, userId, deviceId)]);
    this.#shelf.devices.delete(deviceId);
    this.#shelf.takenDevices.add(deviceId);
    const revoked = [...(this.#shelf.revocations.get(userId) ?? []), copy(revocation)];
    this.#shelf.revocations.set(userId, revoked.slice(-revocationsPerUserMax));
    this.#shelf.deviceUse.delete(deviceId);
    this.#shelf.mail.delete(deviceId);
    this.#shelf.dropPackages(deviceId);
    const sessions = [...this.#shelf.sessions.values()].filter((session) => session.deviceId === deviceId);
    for (const { sessionId } of sessions) this.#shelf.sessions.delete(sessionId);
    return copy(sessions);
  }

  async revocations(userIds: readonly UserId[]): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    return copy([...new Set(userIds)].flatMap((userId) => this.#shelf.revocations.get(userId) ?? []));
  }

  async lastUse(devices: readonly Device[]): Promise<readonly number[]> {
    return devices.map(({ deviceId, createdAt }) => Math.max(createdAt, this.#shelf.deviceUse.get(deviceId) ?? 0));
  }

  async used(deviceId: DeviceId, at: number): Promise<void> {
    this.#shelf.writing();
    if (this.#shelf.devices.has(deviceId)) this.#shelf.deviceUse.set(deviceId, at);
  }

  async welcomes(deviceId: DeviceId, limit: number): Promise<readonly Welcome[]> {
    return copy((this.#shelf.mail.get(deviceId) ?? []).slice(0, limit));
  }

  async acknowledge(deviceId: DeviceId, welcomeIds: readonly WelcomeId[]): Promise<void> {
    this.#shelf.writing();
    const waiting = this.#shelf.mail.get(deviceId) ?? [];
    this.#shelf.mail.set(
      deviceId,
      waiting.filter((welcome) => !welcomeIds.includes(welcome.welcomeId)),
    );
  }

  #of(userId: UserId): readonly Device[] {
    return [...this.#shelf.devices.values()].filter((device) => device.userId === userId);
  }
}
