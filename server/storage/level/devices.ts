import type { Acts } from '../../ports/audit-store.ts';
import { type DeviceStore, type SessionRecord, StoreFailure, type StoredKeyPackage } from '../../ports/store.ts';
import { deviceLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { DeviceId, UserId, WelcomeId } from '#protocol/ids.ts';
import type { Device, NewKeyPackage, Suite, Welcome } from '#protocol/model.ts';
import { revocationsPerUserMax } from '#protocol/limits.ts';
import type { Access } from './access.ts';
import { eraseLeftovers } from './device-leftovers.ts';
import { directoryOperations } from './directory.ts';
import { claim, counts, packageOperations, publish } from './key-packages.ts';
import { acknowledge, mailbox } from './mailbox.ts';
import { sha256 } from './merkle-records.ts';
import type { LevelSessions } from './sessions.ts';

export class LevelDevices implements DeviceStore {
  readonly #access: Access;
  readonly #sessions: LevelSessions;

  constructor(access: Access, sessions: LevelSessions) {
    this.#access = access;
    this.#sessions = sessions;
  }

  register(
    device: Device,
    keyPackages: readonly NewKeyPackage[],
    limit: number,
    acts: Acts,
  ): Promise<'registered' | 'exists' | 'too_many' | 'unknown_account'> {
    const { tables, keys, mutex, audit } = this.#access;
    return mutex.run('directory', async () => {
      const user = keys.pseudonym('user', device.userId);
      const own = keys.pseudonym('device', device.deviceId);
      if (await tables.deviceOwners.has(own)) return 'exists';
      if (!(await tables.accounts.has(user))) return 'unknown_account';
      const devices = (await tables.devices.get(user)) ?? [];
      if (devices.length >= limit) return 'too_many';
      const operations = [
        tables.devices.put(user, [...devices, device]),
        tables.deviceOwners.put(own, { userId: device.userId }),
        ...packageOperations(this.#access, device.deviceId, keyPackages, new Set(), () => 0),
        ...(await directoryOperations(this.#access, [deviceLeaf(sha256, device.userId, device.certificate)])),
      ];
      await audit.submit(operations, acts);
      return 'registered';
    });
  }

  async byId(deviceId: DeviceId): Promise<Device | null> {
    const { tables, keys } = this.#access;
    const owner = await tables.deviceOwners.get(keys.pseudonym('device', deviceId));
    if (owner === null) return null;
    const devices = await tables.devices.get(keys.pseudonym('user', owner.userId));
    return devices?.find((device) => device.deviceId === deviceId) ?? null;
  }

  async ofUsers(userIds: readonly UserId[]): Promise<readonly Device[]> {
    const { tables, keys } = this.#access;
    const found = await tables.devices.getMany([...new Set(userIds)].map((userId) => keys.pseudonym('user', userId)));
    return found.flatMap((devices) => devices ?? []);
  }

  publish(deviceId: DeviceId, keyPackages: readonly NewKeyPackage[]): Promise<void> {
    return this.#access.mutex.run('packages', async () => {
      // Nor one whose person is gone.
      if ((await this.byId(deviceId)) === null)
        throw new StoreFailure('key packages of a device that is not registered');
      await publish(this.#access, deviceId, keyPackages);
    });
  }

  counts(deviceId: DeviceId): Promise<ReadonlyMap<Suite, number>> {
    return counts(this.#access, deviceId);
  }

  claim(devices: readonly Device[], suite: Suite): Promise<readonly StoredKeyPackage[] | null> {
    return this.#access.mutex.run('packages', () => claim(this.#access, devices, suite));
  }

  rename(userId: UserId, deviceId: DeviceId, label: string): Promise<boolean> {
    const { tables, keys, mutex, writer } = this.#access;
    return mutex.run('directory', async () => {
      const place = keys.pseudonym('user', userId);
      const devices = (await tables.devices.get(place)) ?? [];
      if (!devices.some((device) => device.deviceId === deviceId)) return false;
      await writer.submit([tables.devices.put(place, devices.map((device) => (device.deviceId === deviceId ? { ...device, label } : device)))]);
      return true;
    });
  }

  async remove(
    userId: UserId,
    deviceId: DeviceId,
    revocation: Uint8Array<ArrayBuffer>,
    acts: Acts,
  ): Promise<readonly SessionRecord[] | null> {
    const ended = await this.#access.mutex.run('directory', () => this.#remove(userId, deviceId, revocation, acts));
    if (ended === null) return null;
    // A sign-in that was being bound meanwhile, or one whose use or proof was being noted.
    const late = await this.#sessions.endOfDevice(userId, deviceId, ended);
    await eraseLeftovers(this.#access, deviceId);
    return [...new Map([...ended, ...late].map((session) => [session.sessionId, session])).values()];
  }

  /** Whose it was stays known, so that its id is never registered again ([D2]). */
  async #remove(userId: UserId, deviceId: DeviceId, bytes: Uint8Array<ArrayBuffer>, acts: Acts): Promise<readonly SessionRecord[] | null> {
    const { tables, keys, audit } = this.#access;
    const place = keys.pseudonym('user', userId);
    const devices = (await tables.devices.get(place)) ?? [];
    const left = devices.filter((device) => device.deviceId !== deviceId);
    if (left.length === devices.length) return null;
    const revocations = [...((await tables.revocations.get(place)) ?? []), { deviceId, bytes }].slice(-revocationsPerUserMax);
    const { sessions, removal } = await this.#sessions.ofDevice(deviceId);
    const operations = [
      tables.devices.put(place, left),
      tables.revocations.put(place, revocations),
      tables.deviceUse.del(keys.pseudonym('device', deviceId)),
      ...removal,
      ...(await directoryOperations(this.#access, [revokedLeaf(sha256, userId, deviceId)])),
    ];
    await audit.submit(operations, acts);
    return sessions;
  }

  async revocations(userIds: readonly UserId[]): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    const { tables, keys } = this.#access;
    const found = await tables.revocations.getMany([...new Set(userIds)].map((userId) => keys.pseudonym('user', userId)));
    return found.flatMap((revoked) => (revoked ?? []).map(({ bytes }) => bytes));
  }

  async lastUse(devices: readonly Device[]): Promise<readonly number[]> {
    const { tables, keys } = this.#access;
    const noted = await tables.deviceUse.getMany(devices.map(({ deviceId }) => keys.pseudonym('device', deviceId)));
    return devices.map(({ createdAt }, at) => Math.max(createdAt, noted[at]?.usedAt ?? 0));
  }

  used(deviceId: DeviceId, at: number): Promise<void> {
    const { tables, keys, mutex, writer } = this.#access;
    return mutex.run('directory', async () => {
      if ((await this.byId(deviceId)) !== null) await writer.submit([tables.deviceUse.put(keys.pseudonym('device', deviceId), { usedAt: at })]);
    });
  }

  welcomes(deviceId: DeviceId, limit: number): Promise<readonly Welcome[]> {
    return mailbox(this.#access, deviceId, limit);
  }

  acknowledge(deviceId: DeviceId, welcomeIds: readonly WelcomeId[]): Promise<void> {
    return this.#access.mutex.run('mail', () => acknowledge(this.#access, deviceId, welcomeIds));
  }
}
