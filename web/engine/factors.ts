/** What a person signs in with, where a passkey has to be asked for on this device. */
import type { Output } from '#protocol/commands/index.ts';
import { LanyingError, type PasskeyAdded } from './api.ts';
import type { Connection } from './connection.ts';
import type { Platform } from './ports.ts';
import type { VaultDesk } from './vault-desk.ts';
import { prfSalt } from './vault/unlocker.ts';

export class OwnFactors {
  constructor(
    readonly platform: Platform,
    readonly connection: Connection,
  ) {}

  /** With PRF the new passkey opens the vault too, where that is open here. */
  async addPasskey(name: string, vault: VaultDesk | null): Promise<PasskeyAdded> {
    const { ceremonyId, options } = await this.connection.call('passkey.addOptions', {});
    const { response, credentialId, prf } = await this.platform.passkeys.create(options, prfSalt);
    const { recoveryCodes } = await this.connection.call('passkey.add', { ceremonyId, response, name });
    const opensVault = vault !== null && prf !== null && (await addUnlocker(vault, prf, credentialId));
    return { credentialId, recoveryCodes, opensVault };
  }

  /** Rejects with `passkey.unsupported` (`none`) where the person has no passkey. */
  async stepUp(): Promise<Output<'session.stepUp'>> {
    const { passkey } = await this.connection.call('session.stepUpOptions', {});
    if (passkey === null) throw new LanyingError('passkey.unsupported', { reason: 'none' });
    const { response } = await this.platform.passkeys.get(passkey.options, prfSalt);
    return this.connection.call('session.stepUp', {
      proof: { kind: 'passkey', ceremonyId: passkey.ceremonyId, response },
    });
  }
}

/** The passkey signs in already: what fails here is told by `false`, and can be done later. */
async function addUnlocker(vault: VaultDesk, prf: Uint8Array<ArrayBuffer>, credentialId: string): Promise<boolean> {
  try {
    await vault.add({ kind: 'passkey', prf }, credentialId);
    return true;
  } catch (cause) {
    if (cause instanceof LanyingError) return false;
    throw cause;
  }
}
