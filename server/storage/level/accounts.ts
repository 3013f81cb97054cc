import type { Acts } from '../../ports/audit-store.ts';
import type { Credentials, PasskeyUse } from '../../ports/credentials.ts';
import type { AccountRecord, AccountStore, Anew, InviteRecord, NewAccount, SessionRecord } from '../../ports/store.ts';
import { deviceLeaf, identityLeaf } from '#protocol/directory.ts';
import type { UserId } from '#protocol/ids.ts';
import { counterBack, passkeysChanged, withCredentials } from '../credentials.ts';
import { type Access, aloneKey } from './access.ts';
import { startAnew } from './anew.ts';
import { directoryOperations } from './directory.ts';
import { erasing, foundOf } from './erased-records.ts';
import { packageOperations } from './key-packages.ts';
import { sessionOperations } from './sessions.ts';
import type { Operation } from './group-writer.ts';
import { sha256 } from './merkle-records.ts';
import { under } from './table.ts';

type Outcome = Awaited<ReturnType<AccountStore['create']>>;
type Directory = { readonly handle: string; readonly userId: UserId }[];

const leavesOf = ({ account: { userId, identityKey }, device }: NewAccount) => [
  identityLeaf(sha256, userId, identityKey),
  deviceLeaf(sha256, userId, device.certificate),
];

export class LevelAccounts implements AccountStore {
  readonly #access: Access;
  /** Handles in order, read on first need: a small organisation's directory is small (40 bytes a person). */
  #directory: Promise<Directory> | null = null;

  constructor(access: Access) {
    this.#access = access;
    access.onReopened(() => (this.#directory = null));
  }

  create(account: NewAccount, acts: Acts): Promise<Outcome> {
    return this.#access.mutex.run('directory', async () => {
      const invite = await this.#invite(account);
      if (typeof invite === 'string') return invite;
      const clash = await this.#clash(account);
      if (clash !== null) return clash;
      const directory = await this.#sorted();
      const leaves = await directoryOperations(this.#access, leavesOf(account));
      await this.#access.audit.submit([...this.#operations(account, invite), ...leaves], acts);
      const { handle, userId } = account.account;
      const at = directory.findIndex((entry) => entry.handle > handle);
      directory.splice(at === -1 ? directory.length : at, 0, { handle, userId });
      return 'created';
    });
  }

  async byId(userId: UserId): Promise<AccountRecord | null> {
    return this.#access.tables.accounts.get(this.#access.keys.pseudonym('user', userId));
  }

  async byHandle(handle: string): Promise<AccountRecord | null> {
    const found = await this.#access.tables.handles.get(this.#access.keys.pseudonym('handle', handle));
    return found === null ? null : this.byId(found.userId);
  }

  async byCredential(credentialId: string): Promise<AccountRecord | null> {
    const found = await this.#access.tables.credentials.get(this.#access.keys.pseudonym('credential', credentialId));
    return found === null ? null : this.byId(found.userId);
  }

  async list(after: string | null, limit: number): Promise<readonly AccountRecord[]> {
    const directory = await this.#sorted();
    const start = after === null ? 0 : directory.findIndex((entry) => entry.handle > after);
    if (start === -1) return [];
    const page = directory.slice(start, start + limit);
    const found = await this.#access.tables.accounts.getMany(
      page.map((entry) => this.#access.keys.pseudonym('user', entry.userId)),
    );
    return found.filter((account) => account !== null);
  }

  startAnew(userId: UserId, anew: Anew, acts: Acts): Promise<{ readonly ended: readonly SessionRecord[] } | null> {
    const { mutex } = this.#access;
    const start = () => this.#alone(userId, () => startAnew(this.#access, userId, anew, acts));
    // A session that is being ended is not written back.
    return mutex.run('directory', () => mutex.run(`session ${anew.sessionId}`, start));
  }

  /** Whose record was taken away; within the mutex `directory`. */
  forget(handle: string): void {
    this.#directory =
      this.#directory?.then((directory) => directory.filter((entry) => entry.handle !== handle)) ?? null;
  }

  async count(): Promise<number> {
    return (await this.#sorted()).length;
  }

  passkeyUsed(userId: UserId, credentialId: string, use: PasskeyUse): Promise<'used' | 'counter_back' | 'unknown'> {
    return this.#alone(userId, async () => {
      const account = await this.byId(userId);
      const before = account?.passkeys.find((passkey) => passkey.credentialId === credentialId);
      if (account === null || before === undefined) return 'unknown';
      if (counterBack(before, use)) return 'counter_back';
      const passkeys = account.passkeys.map((passkey) => (passkey === before ? { ...passkey, ...use } : passkey));
      await this.#access.writer.submit([this.#put(account, { ...account, passkeys })]);
      return 'used';
    });
  }

  left(userId: UserId): Promise<void> {
    return this.#alone(userId, async () => {
      const account = await this.byId(userId);
      if (account?.leaving !== true) return;
      const { leaving: _, ...others } = account;
      const { tables, keys, writer } = this.#access;
      await writer.submit([tables.accounts.put(keys.pseudonym('user', userId), others)]);
    });
  }

  changeCredentials(
    userId: UserId,
    expectedVersion: number,
    credentials: Credentials,
    acts: Acts | null,
  ): Promise<'changed' | 'conflict' | 'unknown' | 'taken'> {
    return this.#access.mutex.run('directory', () =>
      this.#alone(userId, async () => {
        const { tables, keys, writer, audit } = this.#access;
        const account = await this.byId(userId);
        if (account === null) return 'unknown';
        if ((account.credentialsVersion ?? 0) !== expectedVersion) return 'conflict';
        const { added, removed } = passkeysChanged(account, credentials);
        const place = (credentialId: string): Uint8Array => keys.pseudonym('credential', credentialId);
        if ((await tables.credentials.hasMany(added.map(place))).some(Boolean)) return 'taken';
        const { sealed } = tables.credentials;
        const operations = [
          this.#put(account, credentials),
          ...added.map((credentialId) => tables.credentials.put(place(credentialId), { userId })),
          ...erasing(this.#access, sealed, await foundOf(sealed, removed.map(place)), 'taken again'),
        ];
        await (acts === null ? writer.submit(operations) : audit.submit(operations, acts));
        return 'changed';
      }),
    );
  }

  #put(account: AccountRecord, credentials: Credentials): Operation {
    const { tables, keys } = this.#access;
    return tables.accounts.put(keys.pseudonym('user', account.userId), withCredentials(account, credentials));
  }

  /** Within the mutex `directory`, or without it: never the other way round. */
  #alone<T>(userId: UserId, work: () => Promise<T>): Promise<T> {
    return this.#access.mutex.run(`account ${userId}`, work);
  }

  /** The invite as it is once used, null for the owner, or why there can be no account. */
  async #invite(account: NewAccount): Promise<InviteRecord | null | 'setup_done' | 'invite_used'> {
    const { tables, keys } = this.#access;
    if (account.inviteId === null) return (await tables.owner.has(aloneKey)) ? 'setup_done' : null;
    const invite = await tables.invites.get(keys.pseudonym('invite', account.inviteId));
    return invite?.state === 'open'
      ? { ...invite, label: undefined, state: 'used', usedBy: account.account.userId }
      : 'invite_used';
  }

  async #clash({ account, device }: NewAccount): Promise<'account_exists' | 'handle_taken' | null> {
    const { tables, keys } = this.#access;
    const [known, credentials, devices, handle] = await Promise.all([
      this.#wasThere(account.userId),
      tables.credentials.getMany(account.passkeys.map((passkey) => keys.pseudonym('credential', passkey.credentialId))),
      tables.deviceOwners.has(keys.pseudonym('device', device.deviceId)),
      tables.handles.has(keys.pseudonym('handle', account.handle)),
    ]);
    if (known || devices || credentials.some((credential) => credential !== null)) return 'account_exists';
    return handle ? 'handle_taken' : null;
  }

  /** An id of somebody who is gone is not used again. */
  async #wasThere(userId: UserId): Promise<boolean> {
    const { tables, keys } = this.#access;
    const place = keys.pseudonym('user', userId);
    return (await tables.accounts.has(place)) || (await tables.gone.has(place));
  }

  #operations(
    { account, device, keyPackages, vault, session }: NewAccount,
    invite: InviteRecord | null,
  ): readonly Operation[] {
    const { tables, keys } = this.#access;
    const { userId, handle } = account;
    const user = keys.pseudonym('user', userId);
    return [
      tables.accounts.put(user, account),
      tables.handles.put(keys.pseudonym('handle', handle), { handle, userId }),
      ...account.passkeys.map((passkey) =>
        tables.credentials.put(keys.pseudonym('credential', passkey.credentialId), { userId }),
      ),
      invite === null
        ? tables.owner.put(aloneKey, { userId })
        : tables.invites.put(keys.pseudonym('invite', invite.inviteId), invite),
      tables.vaults.put(user, vault),
      tables.devices.put(user, [device]),
      tables.deviceOwners.put(keys.pseudonym('device', device.deviceId), { userId }),
      ...packageOperations(this.#access, device.deviceId, keyPackages, new Set(), () => 0),
      ...sessionOperations(this.#access, session),
    ];
  }

  #sorted(): Promise<Directory> {
    this.#directory ??= this.#readDirectory();
    return this.#directory;
  }

  async #readDirectory(): Promise<Directory> {
    try {
      const found = await this.#access.tables.handles.list(under(new Uint8Array(0)));
      return found.map(({ value }) => value).toSorted((one, other) => (one.handle < other.handle ? -1 : 1));
    } catch (cause) {
      this.#directory = null;
      throw cause;
    }
  }
}
