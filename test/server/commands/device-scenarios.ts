/** Scenarios of what people do with their devices. */
import { sign } from 'node:crypto';
import { encodeRevocationBody, joinRevocation, revocationSignedBytes } from '#protocol/revocation.ts';
import type { Scenario } from './audit-scenarios.ts';
import type { Peer } from './world.ts';

/** The word of a peer's identity on its device, or another one, of now or another time. */
export function revocation(
  peer: Peer,
  changes: { readonly deviceId?: Peer['deviceId']; readonly at?: number; readonly by?: Peer } = {},
): Uint8Array<ArrayBuffer> {
  const { deviceId = peer.deviceId, at = peer.world.runtime.now(), by = peer } = changes;
  const body = encodeRevocationBody({ userId: peer.userId, deviceId, revokedAt: at });
  return joinRevocation(body, sign(null, revocationSignedBytes(body), by.identity.secret));
}

export const deviceScenarios = {
  'account.startAnew': [
    async (world, owner) => {
      const anew = await world.stranger(owner.handle);
      const peer = anew.as(owner.userId);
      const told = { actor: owner, object: { kind: 'account', id: owner.userId } };
      return { input: peer.anewInput(), by: owner, told: [{ act: 'key.reset', ...told }] };
    },
  ],
  'device.remove': [
    async (world, owner) => {
      const second = await world.secondDevice(owner);
      const { deviceId } = second;
      const told = { actor: owner, object: { kind: 'device', id: deviceId } };
      return {
        input: { deviceId, revocation: revocation(second) },
        by: owner,
        told: [{ act: 'device.removed', ...told }],
      };
    },
  ],
} satisfies Record<string, readonly Scenario[]>;
