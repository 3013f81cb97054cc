/** The device's two keys as WebCrypto holds them; how they are kept is the store's affair. */
import type { DeviceKeys } from '../engine/ports.ts';

const nonceBytes = 12;

export interface DeviceKeyMaterial {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Ed25519 private key, usage sign. */
  readonly signKey: CryptoKey;
  /** AES-256-GCM. */
  readonly storageKey: CryptoKey;
}

export function deviceKeysOf({ publicKey, signKey, storageKey }: DeviceKeyMaterial): DeviceKeys {
  return {
    publicKey,
    sign: async (data) => new Uint8Array(await crypto.subtle.sign('Ed25519', signKey, data)),
    async seal(data, associated) {
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: associated }, storageKey, data);
      const sealed = new Uint8Array(nonceBytes + ciphertext.byteLength);
      sealed.set(iv);
      sealed.set(new Uint8Array(ciphertext), nonceBytes);
      return sealed;
    },
    async open(sealed, associated) {
      const iv = sealed.slice(0, nonceBytes);
      return new Uint8Array(
        await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: associated }, storageKey, sealed.slice(nonceBytes)),
      );
    },
  };
}

/** Fresh keys. `extractable` only where they must be written to a file (Node); browsers keep the objects themselves. */
export async function generateDeviceKeys(extractable: boolean): Promise<DeviceKeyMaterial> {
  const pair = await crypto.subtle.generateKey('Ed25519', extractable, ['sign', 'verify']);
  const storageKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, extractable, ['encrypt', 'decrypt']);
  return { publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)), signKey: pair.privateKey, storageKey };
}
