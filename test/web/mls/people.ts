/** Devices for MLS tests: credentials are plain names, keys are WebCrypto's and not extractable. */
import {
  type CredentialCheck,
  type DeviceSigner,
  type GroupState,
  type MadeKeyPackage,
  makeKeyPackage,
  type PolicyVerdict,
  type SuiteId,
  type WriteContext,
} from '../../../web/engine/mls/index.ts';

export const nowSeconds = 1_800_000_000;
export const lifetime = { notBefore: nowSeconds - 3_600, notAfter: nowSeconds + 3_600 };
export const accept = (): PolicyVerdict => ({ ok: true });

export interface Device {
  readonly name: string;
  readonly credential: Uint8Array;
  readonly signer: DeviceSigner;
  readonly ctx: WriteContext;
  keyPackage(suite: SuiteId): Promise<MadeKeyPackage>;
}

export async function newSigner(): Promise<DeviceSigner> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('a key pair');
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return {
    publicKey,
    sign: async (data) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, Uint8Array.from(data))),
  };
}

export function nameOf(credential: Uint8Array): string {
  return new TextDecoder().decode(credential);
}

/** The credential check accepts names that do not begin with "evil" unless told otherwise. */
export async function newDevice(name: string, checkCredential?: CredentialCheck): Promise<Device> {
  const signer = await newSigner();
  const credential = new TextEncoder().encode(name);
  const ctx: WriteContext = {
    signer,
    nowSeconds,
    checkCredential: checkCredential ?? (async (identity) => !nameOf(identity).startsWith('evil')),
    sameDevice: (one, other) => nameOf(one) === nameOf(other),
  };
  return { name, credential, signer, ctx, keyPackage: (suite) => makeKeyPackage({ suite, credential, signer, lifetime }) };
}

export type Seat = { readonly device: Device; state: GroupState };

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
