/**
 * How a device gives the vault key to another one of its person: in a tweetnacl box for that device's point, signed by the
 * device that gives it. A point: X25519 key 32 · Ed25519 signature 64 by its device. A handover, 200 bytes: version 1 ·
 * giver's device id 16 · ephemeral key 32 · nonce 24 · box of (context, vault key 32) · signature 64.
 */
import nacl from 'tweetnacl';
import { bytesOfId, type DeviceId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { verifySignature } from '../identity/signature.ts';
import type { DeviceKeys, Runtime } from '../ports.ts';
import { context, vaultKeyBytes } from './context.ts';

const version = 1;
const idBytes = 16;
const keyBytes = nacl.box.publicKeyLength;
const nonceBytes = nacl.box.nonceLength;
const signatureBytes = 64;
const label = context('lanying handover 1');
const boxBytes = nacl.box.overheadLength + label.length + vaultKeyBytes;
const bodyBytes = 1 + idBytes + keyBytes + nonceBytes + boxBytes;

export interface Holder {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

const pointPlace = ({ userId, deviceId }: Holder, point: Uint8Array): Uint8Array<ArrayBuffer> =>
  context('lanying device point 1', bytesOfId(userId), bytesOfId(deviceId), point);
const handoverPlace = ({ userId, deviceId }: Holder, body: Uint8Array): Uint8Array<ArrayBuffer> =>
  context('lanying vault handover 1', bytesOfId(userId), bytesOfId(deviceId), body);

export async function publishPoint(
  holder: Holder,
  keys: Pick<DeviceKeys, 'sign'>,
  secret: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const point = nacl.box.keyPair.fromSecretKey(secret).publicKey;
  return Uint8Array.of(...point, ...(await keys.sign(pointPlace(holder, point))));
}

/** Null unless that device signed it. `deviceKey`: of its verified certificate. */
export async function readPoint(
  holder: Holder,
  deviceKey: Uint8Array<ArrayBuffer>,
  published: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (published.length !== keyBytes + signatureBytes) return null;
  const point = new Uint8Array(published.subarray(0, keyBytes));
  return (await verifySignature(deviceKey, new Uint8Array(published.subarray(keyBytes)), pointPlace(holder, point)))
    ? point
    : null;
}

/** `to`: whose point it is. */
export async function handOver(
  runtime: Pick<Runtime, 'random'>,
  giver: { readonly deviceId: DeviceId; readonly keys: Pick<DeviceKeys, 'sign'> },
  to: Holder & { readonly point: Uint8Array },
  vaultKey: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const ephemeral = nacl.box.keyPair.fromSecretKey(runtime.random(keyBytes));
  const nonce = runtime.random(nonceBytes);
  const box = nacl.box(context('lanying handover 1', vaultKey), nonce, to.point, ephemeral.secretKey);
  const body = Uint8Array.of(version, ...bytesOfId(giver.deviceId), ...ephemeral.publicKey, ...nonce, ...box);
  return Uint8Array.of(...body, ...(await giver.keys.sign(handoverPlace(to, body))));
}

/** Who says that they gave it; not yet verified. */
export function giverOf(handover: Uint8Array): DeviceId | null {
  return handover.length === bodyBytes + signatureBytes && handover[0] === version
    ? idFromBytes<DeviceId>(handover.subarray(1, 1 + idBytes))
    : null;
}

/** The vault key, when the giver's device signed exactly this for this device; else null. */
export async function takeOver(
  me: Holder,
  secret: Uint8Array,
  giverKey: Uint8Array<ArrayBuffer>,
  handover: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (giverOf(handover) === null) return null;
  const body = handover.slice(0, bodyBytes);
  if (!(await verifySignature(giverKey, new Uint8Array(handover.subarray(bodyBytes)), handoverPlace(me, body))))
    return null;
  const keyAt = 1 + idBytes;
  const nonceAt = keyAt + keyBytes;
  const opened = nacl.box.open(
    body.slice(nonceAt + nonceBytes),
    body.slice(nonceAt, nonceAt + nonceBytes),
    body.slice(keyAt, nonceAt),
    secret,
  );
  return opened === null ? null : new Uint8Array(opened.subarray(label.length));
}
