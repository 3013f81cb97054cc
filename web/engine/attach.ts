import type { Output } from '#protocol/commands/index.ts';
import { bytesOfId } from '#protocol/ids.ts';
import type { Connection } from './connection.ts';
import type { DeviceKeys } from './ports.ts';
import type { AccountState } from './store/records.ts';

/** Takes this session over for the device that lives here already, by a signature over a one-time challenge ([S4]). */
export async function attach(
  connection: Connection,
  keys: DeviceKeys,
  session: Output<'session.get'>,
  state: AccountState,
): Promise<void> {
  if (session.deviceId === state.deviceId) return;
  const { challenge } = await connection.call('device.challenge', {});
  const signed = new TextEncoder().encode('lanying attach 1');
  const parts = [signed, bytesOfId(session.sessionId), bytesOfId(state.deviceId), challenge];
  const signature = await keys.sign(Uint8Array.from(parts.flatMap((part) => [...part])));
  await connection.call('device.attach', { deviceId: state.deviceId, challenge, signature });
}
