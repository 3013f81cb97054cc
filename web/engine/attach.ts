import { parseCertificate } from '#protocol/certificate.ts';
import type { Output } from '#protocol/commands/index.ts';
import { bytesOfId } from '#protocol/ids.ts';
import { LanyingError } from './api.ts';
import type { Connection } from './connection.ts';
import { verifyRevocation } from './identity/revocation.ts';
import type { DeviceKeys } from './ports.ts';
import type { AccountState } from './store/records.ts';

/**
 * Takes this session over for the device that lives here already, by a signature over a one-time challenge ([S4]). False
 * when its person removed it, by the word of their identity; rejects with `device.unknown` when only the server says so.
 */
export async function attach(
  connection: Connection,
  keys: DeviceKeys,
  session: Output<'session.get'>,
  state: AccountState,
): Promise<boolean> {
  if (session.deviceId === state.deviceId) return true;
  const { challenge } = await connection.call('device.challenge', {});
  const signed = new TextEncoder().encode('lanying attach 1');
  const parts = [signed, bytesOfId(session.sessionId), bytesOfId(state.deviceId), challenge];
  const signature = await keys.sign(Uint8Array.from(parts.flatMap((part) => [...part])));
  try {
    await connection.call('device.attach', { deviceId: state.deviceId, challenge, signature });
    return true;
  } catch (cause) {
    if (!(cause instanceof LanyingError) || cause.code !== 'device.unknown' || !(await isRevoked(connection, state))) throw cause;
    return false;
  }
}

async function isRevoked(connection: Connection, { userId, deviceId, certificate }: AccountState): Promise<boolean> {
  const identityKey = parseCertificate(certificate)?.identityKey;
  if (identityKey === undefined) return false;
  const { revocations } = await connection.call('device.list', { userIds: [userId] });
  const revoked = await Promise.all(revocations.map((bytes) => verifyRevocation(bytes, userId, identityKey)));
  return revoked.some((revocation) => revocation?.deviceId === deviceId);
}
