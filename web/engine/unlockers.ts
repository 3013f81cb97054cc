/** How a person changes what opens their vault: recovery codes, passkeys. */
import type { UnlockerId, UserId } from '#protocol/ids.ts';
import { LanyingError } from './api.ts';
import { post } from './http.ts';
import type { PasskeyUsed, Platform } from './ports.ts';
import { makeRecoveryCode, parseRecoveryCode, type RecoveryCode } from './vault/recovery-code.ts';
import { prfSalt } from './vault/unlocker.ts';
import type { VaultDesk } from './vault-desk.ts';

/** The id of the person whom a passkey was made for, as its answer names it (WebAuthn Level 3 §5.2.2). */
const userHandleOf = ({ response }: PasskeyUsed): unknown => {
  const inner = response.response;
  return typeof inner === 'object' && inner !== null && 'userHandle' in inner ? inner.userHandle : null;
};

export class Unlockers {
  #prepared: RecoveryCode | null = null;

  constructor(readonly platform: Platform) {}

  /** The same one until it is kept: it may be on paper already. */
  prepare(vault: VaultDesk): string {
    if (vault.view()?.closed === true) throw new LanyingError('vault.locked');
    this.#prepared ??= makeRecoveryCode(this.platform.runtime);
    return this.#prepared;
  }

  async keep(vault: VaultDesk, replaces: readonly UnlockerId[]): Promise<void> {
    const code = this.#prepared;
    if (code === null) throw new LanyingError('ceremony.expired');
    await vault.add({ kind: 'recovery-code', code }, '', replaces);
    this.#prepared = null;
  }

  async addPasskey(vault: VaultDesk, userId: UserId): Promise<void> {
    const { options } = await post(this.platform.network, 'signIn.passkeyOptions', {});
    const used = await this.platform.passkeys.get(options, prfSalt);
    if (userHandleOf(used) !== userId) throw new LanyingError('passkey.unsupported', { reason: 'other_person' });
    if (used.prf === null) throw new LanyingError('passkey.unsupported', { reason: 'prf' });
    if (vault.credentials().includes(used.credentialId)) return;
    await vault.add({ kind: 'passkey', prf: used.prf }, used.credentialId);
  }

  async reopen(vault: VaultDesk, typed: string): Promise<void> {
    const code = parseRecoveryCode(typed);
    if (code === null) throw new LanyingError('recovery_code.malformed');
    if (!(await vault.reopen({ kind: 'recovery-code', code }))) throw new LanyingError('recovery_code.wrong');
  }
}
