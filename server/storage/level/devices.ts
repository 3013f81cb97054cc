import type { Acts } from '../../ports/audit-store.ts';
import { type DeviceStore, StoreFailure, type StoredKeyPackage } from '../../ports/store.ts';
import type { DeviceId, UserId, WelcomeId } from '#protocol/ids.ts';
import type { Device, NewKeyPackage, Suite, Welcome } from '#protocol/model.ts';
import type { Access } from './access.ts';
import { claim, counts, packageOperations, publish } from './key-packages.ts';
import { acknowledge, mailbox } from './mailbox.ts';

export class LevelDevices implements DeviceStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
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
      if ((await this.byId(deviceId)) === null) throw new StoreFailure('key packages of a device that is not registered');
      await publish(this.#access, deviceId, keyPackages);
    });
  }

  counts(deviceId: DeviceId): Promise<ReadonlyMap<Suite, number>> {
    return counts(this.#access, deviceId);
  }

  claim(devices: readonly Device[], suite: Suite): Promise<readonly StoredKeyPackage[] | null> {
    return this.#access.mutex.run('packages', () => claim(this.#access, devices, suite));
  }

  welcomes(deviceId: DeviceId, limit: number): Promise<readonly Welcome[]> {
    return mailbox(this.#access, deviceId, limit);
  }

  acknowledge(deviceId: DeviceId, welcomeIds: readonly WelcomeId[]): Promise<void> {
    return this.#access.mutex.run('mail', () => acknowledge(this.#access, deviceId, welcomeIds));
  }
}
