import type { Acts } from '../../ports/audit-store.ts';
import type { InviteRecord, InviteStore } from '../../ports/store.ts';
import type { InviteId } from '#protocol/ids.ts';
import type { Access } from './access.ts';
import { under } from './table.ts';

export class LevelInvites implements InviteStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  create(invite: InviteRecord, acts: Acts): Promise<void> {
    const { tables, keys, mutex, audit } = this.#access;
    return mutex.run('directory', () =>
      audit.submit(
        [
          tables.invites.put(keys.pseudonym('invite', invite.inviteId), invite),
          tables.inviteTokens.put(keys.pseudonym('invite token', invite.tokenHash), { inviteId: invite.inviteId }),
        ],
        acts,
      ),
    );
  }

  async byTokenHash(tokenHash: Uint8Array): Promise<InviteRecord | null> {
    const { tables, keys } = this.#access;
    const found = await tables.inviteTokens.get(keys.pseudonym('invite token', tokenHash));
    return found === null ? null : tables.invites.get(keys.pseudonym('invite', found.inviteId));
  }

  async list(): Promise<readonly InviteRecord[]> {
    const found = await this.#access.tables.invites.list(under(new Uint8Array(0)));
    return found
      .map(({ value }) => value)
      .toSorted((one, other) => one.createdAt - other.createdAt || (one.inviteId < other.inviteId ? -1 : 1));
  }

  revoke(inviteId: InviteId, acts: Acts): Promise<'revoked' | 'unknown' | 'used'> {
    const { tables, keys, mutex, audit } = this.#access;
    return mutex.run('directory', async () => {
      const key = keys.pseudonym('invite', inviteId);
      const invite = await tables.invites.get(key);
      if (invite === null) return 'unknown';
      if (invite.state === 'used') return 'used';
      if (invite.state === 'open') await audit.submit([tables.invites.put(key, { ...invite, label: undefined, state: 'revoked' })], acts);
      return 'revoked';
    });
  }
}
