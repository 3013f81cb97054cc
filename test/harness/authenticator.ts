/** A WebAuthn authenticator in software (WebAuthn Level 3): ES256, attestation "none", one discoverable credential. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { encode } from 'cborg';

export interface Flaws {
  /** Of the client data, instead of the true ones. */
  readonly challenge?: string;
  readonly origin?: string;
  readonly type?: string;
  /** Whose hash stands in the authenticator data. */
  readonly rpId?: string;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  /** §6.1.3: may be copied to other devices, and is. */
  readonly backupEligible?: boolean;
  readonly backedUp?: boolean;
  /** Signature counter; without it the next one. */
  readonly counter?: number;
  /** Flips one bit of the signature. */
  readonly badSignature?: boolean;
  readonly credentialId?: string;
  readonly userHandle?: string;
}

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

/** §6.1, flags UP, UV, BE, BS, AT. */
const flagPresent = 0x01;
const flagVerified = 0x04;
const flagEligible = 0x08;
const flagBackedUp = 0x10;
const flagAttested = 0x40;

export class Authenticator {
  readonly credentialId = base64Url(randomBytes(32));
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #counter = 0;
  #userHandle = '';

  constructor(
    readonly origin: string,
    readonly rpId = new URL(origin).hostname,
  ) {}

  /** Answers PublicKeyCredentialCreationOptionsJSON. */
  register(options: Readonly<Record<string, unknown>>, flaws: Flaws = {}): Record<string, unknown> {
    const { user } = options;
    if (typeof user === 'object' && user !== null && 'id' in user) this.#userHandle = String(user.id);
    const credential = Buffer.from(this.credentialId, 'base64url');
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, credential.length]), credential, this.#coseKey()]);
    const authData = Buffer.concat([this.#authenticatorData(flagAttested, flaws), attested]);
    const attestationObject = encode(new Map<string, unknown>([['fmt', 'none'], ['attStmt', new Map()], ['authData', new Uint8Array(authData)]]));
    return this.#credential(flaws, {
      clientDataJSON: base64Url(this.#clientData('webauthn.create', options, flaws)),
      attestationObject: base64Url(attestationObject),
      transports: ['internal'],
    });
  }

  /** Answers PublicKeyCredentialRequestOptionsJSON. */
  signIn(options: Readonly<Record<string, unknown>>, flaws: Flaws = {}): Record<string, unknown> {
    const clientData = this.#clientData('webauthn.get', options, flaws);
    const authData = this.#authenticatorData(0, flaws);
    const signature = sign('sha256', Buffer.concat([authData, sha256(clientData)]), this.#keys.privateKey);
    const last = signature.length - 1;
    if (flaws.badSignature === true) signature.writeUInt8(signature.readUInt8(last) ^ 1, last);
    return this.#credential(flaws, {
      clientDataJSON: base64Url(clientData),
      authenticatorData: base64Url(authData),
      signature: base64Url(signature),
      userHandle: flaws.userHandle ?? this.#userHandle,
    });
  }

  #credential({ credentialId = this.credentialId }: Flaws, response: Record<string, unknown>): Record<string, unknown> {
    return { id: credentialId, rawId: credentialId, type: 'public-key', clientExtensionResults: {}, response };
  }

  #clientData(type: string, { challenge }: Readonly<Record<string, unknown>>, flaws: Flaws): Buffer {
    return Buffer.from(
      JSON.stringify({ type: flaws.type ?? type, challenge: flaws.challenge ?? challenge, origin: flaws.origin ?? this.origin, crossOrigin: false }),
    );
  }

  #authenticatorData(flags: number, flaws: Flaws): Buffer {
    const { rpId = this.rpId, userPresent = true, userVerified = true, backupEligible = false, backedUp = false, counter = this.#counter + 1 } = flaws;
    const backup = (backupEligible ? flagEligible : 0) | (backedUp ? flagBackedUp : 0);
    this.#counter = counter;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(rpId), Buffer.from([flags | backup | (userPresent ? flagPresent : 0) | (userVerified ? flagVerified : 0)]), count]);
  }

  /** EC2 key with ES256 on P-256 (RFC 9053 §7.1.1). */
  #coseKey(): Uint8Array {
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    return encode(
      new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, new Uint8Array(Buffer.from(x, 'base64url'))], [-3, new Uint8Array(Buffer.from(y, 'base64url'))]]),
    );
  }
}
