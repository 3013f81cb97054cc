import { LanyingError } from '../engine/api.ts';
import type { DeviceView } from '../engine/api.ts';
import type { HeadlessEngine } from './engine.ts';
import type { Device, Devices } from './types.ts';

/** One's own devices for the SDK's users, with plain ids. */
export function devicesOf(engine: HeadlessEngine): Devices {
  const found = (id: string): DeviceView => {
    const device = engine.snapshot().devices.find(({ deviceId }) => deviceId === id);
    if (device === undefined) throw new LanyingError('device.unknown');
    return device;
  };
  return {
    async list(): Promise<readonly Device[]> {
      await engine.synced();
      return engine
        .snapshot()
        .devices.map(({ deviceId, label, createdAt, usedAt, here }) => ({
          id: deviceId,
          label,
          createdAt,
          usedAt,
          here,
        }));
    },
    rename: async (id, label) => engine.renameDevice(found(id).deviceId, label),
    remove: async (id) => engine.removeDevice(found(id).deviceId),
  };
}
