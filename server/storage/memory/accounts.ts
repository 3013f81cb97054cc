import type { Why } from '../../ports/retention-store.ts';
import { deviceLeaf, identityLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { DeviceId, InviteId, SessionId, UserId } from '#protocol/ids.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { Credentials, PasskeyUse } from '../../ports/credentials.ts';
import {
  type AccountRecord,
  type AccountStore,
  type Anew,
  type InviteRecord,
  type InviteStore,
  type NewAccount,
  type SessionRecord,
  type SessionStore,
  StoreFailure,
} from '../../ports/store.ts';
import { sameBytes } from '../bytes.ts';
import { counterBack, passkeysChanged, settled, type Settled, withCredentials } from '../credentials.ts';
import { copy, copyOrNull, type Shelf } from './shelf.ts';
import { digest } from './tree.ts';

type Outcome = Awaited<ReturnType<AccountStore['create']>>;

export class MemoryAccounts implements AccountStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async create(account: NewAccount, acts: Acts): Promise<Outcome> {
    this.#shelf.writing();
    const refused = this.#refusal(account);
    if (refused !== null) return refused;
    this.#shelf.audit(acts);
    const { account: record, device, keyPackages, vault, inviteId, session } = copy(account);
    this.#shelf.record([
      identityLeaf(digest, record.userId, record.identityKey),
      deviceLeaf(digest, record.userId, device.certificate),
    ]);
    this.#shelf.accounts.set(record.userId, record);
    this.#shelf.devices.set(device.deviceId, device);
    this.#shelf.addPackages(device.deviceId, keyPackages);
    this.#shelf.vaults.set(record.userId, vault);
    this.#shelf.sessions.set(session.sessionId, session);
    const invite = inviteId === null ? undefined : this.#shelf.invites.get(inviteId);
    if (invite !== undefined)
      this.#shelf.invites.set(invite.inviteId, { ...invite, label: undefined, state: 'used', usedBy: record.userId });
    else this.#shelf.owner = record.userId;
    return 'created';
  }

  async byId(userId: UserId): Promise<AccountRecord | null> {
    return copyOrNull(this.#shelf.accounts.get(userId));
  }

  async byHandle(handle: string): Promise<AccountRecord | null> {
    return copyOrNull(this.#all().find((account) => account.handle === handle));
  }

  async byCredential(credentialId: string): Promise<AccountRecord | null> {
    return copyOrNull(this.#all().find((account) => holds(account, credentialId)));
  }

  async list(after: string | null, limit: number): Promise<readonly AccountRecord[]> {
    const sorted = this.#all().toSorted((one, other) => (one.handle < other.handle ? -1 : 1));
    return copy(sorted.filter((account) => after === null || account.handle > after).slice(0, limit));
  }

  async startAnew(userId: UserId, anew: Anew, acts: Acts): Promise<{ readonly ended: readonly SessionRecord[] } | null> {
    this.#shelf.writing();
    const account = this.#shelf.accounts.get(userId);
    const session = this.#shelf.sessions.get(anew.sessionId);
    if (account === undefined || session === undefined || this.#shelf.devices.has(anew.device.deviceId)) return null;
    this.#shelf.audit(acts);
    const { identityKey, device, keyPackages, vault } = copy(anew);
    const before = [...this.#shelf.devices.values()].filter((each) => each.userId === userId).map(({ deviceId }) => deviceId);
    this.#shelf.record([
      ...before.map((deviceId) => revokedLeaf(digest, userId, deviceId)),
      identityLeaf(digest, userId, identityKey),
      deviceLeaf(digest, userId, device.certificate),
    ]);
    for (const deviceId of before) {
      this.#shelf.devices.delete(deviceId);
      this.#shelf.takenDevices.add(deviceId);
      this.#shelf.deviceUse.delete(deviceId);
      this.#shelf.mail.delete(deviceId);
      this.#shelf.dropPackages(deviceId);
    }
    this.#shelf.revocations.delete(userId);
    this.#shelf.accounts.set(userId, { ...account, identityKey, leaving: true });
    this.#shelf.devices.set(device.deviceId, device);
    this.#shelf.addPackages(device.deviceId, keyPackages);
    this.#shelf.vaults.set(userId, { ...vault, version: (this.#shelf.vaults.get(userId)?.version ?? 0) + 1 });
    for (const kept of [this.#shelf.archive, this.#shelf.items])
      for (const name of [...kept.keys()]) if (name.startsWith(userId)) kept.delete(name);
    const ended = [...this.#shelf.sessions.values()].filter((each) => each.userId === userId && each !== session);
    for (const { sessionId } of ended) this.#shelf.sessions.delete(sessionId);
    this.#shelf.sessions.set(session.sessionId, { ...session, deviceId: device.deviceId });
    return { ended: copy(ended) };
  }

  async left(userId: UserId): Promise<void> {
    this.#shelf.writing();
    const account = this.#shelf.accounts.get(userId);
    if (account === undefined) return;
    const { leaving: _, ...others } = account;
    this.#shelf.accounts.set(userId, others);
  }

  async count(): Promise<number> {
    return this.#shelf.accounts.size;
  }

  async passkeyUsed(userId: UserId, credentialId: string, use: PasskeyUse): Promise<'used' | 'counter_back' | 'unknown'> {
    this.#shelf.writing();
    const account = this.#shelf.accounts.get(userId);
    const before = account?.passkeys.find((passkey) => passkey.credentialId === credentialId);
    if (account === undefined || before === undefined) return 'unknown';
    if (counterBack(before, use)) return 'counter_back';
    const passkeys = account.passkeys.map((passkey) => (passkey === before ? { ...passkey, ...use } : passkey));
    this.#shelf.accounts.set(userId, withCredentials(account, { ...account, passkeys }));
    return 'used';
  }

  async changeCredentials(
    userId: UserId,
    expectedVersion: number,
    credentials: Credentials,
    acts: Acts | null,
  ): Promise<'changed' | 'conflict' | 'unknown' | 'taken'> {
    this.#shelf.writing();
    const account = this.#shelf.accounts.get(userId);
    if (account === undefined) return 'unknown';
    if ((account.credentialsVersion ?? 0) !== expectedVersion) return 'conflict';
    const { added } = passkeysChanged(account, credentials);
    if (added.some((credentialId) => this.#all().some((other) => holds(other, credentialId)))) return 'taken';
    if (acts !== null) this.#shelf.audit(acts);
    this.#shelf.accounts.set(userId, copy(withCredentials(account, credentials)));
    return 'changed';
  }

  #refusal({ account, device, inviteId }: NewAccount): Exclude<Outcome, 'created'> | null {
    if (inviteId === null && this.#shelf.owner !== null) return 'setup_done';
    if (inviteId !== null && this.#shelf.invites.get(inviteId)?.state !== 'open') return 'invite_used';
    const taken = account.passkeys.some((passkey) => this.#all().some((other) => holds(other, passkey.credentialId)));
    const wasThere = this.#shelf.gone.has(account.userId) || this.#shelf.takenDevices.has(device.deviceId);
    if (taken || wasThere || this.#shelf.accounts.has(account.userId) || this.#shelf.devices.has(device.deviceId))
      return 'account_exists';
    return this.#all().some((other) => other.handle === account.handle) ? 'handle_taken' : null;
  }

  #all(): readonly AccountRecord[] {
    return [...this.#shelf.accounts.values()];
  }
}

const holds = (account: AccountRecord, credentialId: string): boolean =>
  account.passkeys.some((passkey) => passkey.credentialId === credentialId);

export class MemorySessions implements SessionStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async create(session: SessionRecord, acts: Acts): Promise<void> {
    this.#shelf.audit(acts);
    this.#shelf.sessions.set(session.sessionId, copy(session));
  }

  async byId(sessionId: SessionId): Promise<SessionRecord | null> {
    return copyOrNull(this.#shelf.sessions.get(sessionId));
  }

  async bindDevice(sessionId: SessionId, deviceId: DeviceId, acts: Acts): Promise<void> {
    this.#shelf.writing();
    const session = this.#shelf.sessions.get(sessionId);
    if (session === undefined) throw new StoreFailure('the session to bind is not stored');
    if (this.#shelf.takenDevices.has(deviceId)) throw new StoreFailure('the device to bind was removed');
    this.#shelf.audit(acts);
    this.#shelf.sessions.set(sessionId, { ...session, deviceId });
  }

  async end(sessionId: SessionId, acts: Acts): Promise<void> {
    this.#shelf.writing();
    if (!this.#shelf.sessions.has(sessionId)) return;
    this.#shelf.audit(acts);
    this.#shelf.sessions.delete(sessionId);
  }

  async ofUser(userId: UserId): Promise<readonly SessionRecord[]> {
    return copy(this.#of(userId));
  }

  async ofUsers(userIds: readonly UserId[]): Promise<readonly SessionRecord[]> {
    return copy(userIds.flatMap((userId) => this.#of(userId)));
  }

  async endOf(userId: UserId, keep: SessionId | null, acts: Acts): Promise<readonly SessionRecord[]> {
    this.#shelf.writing();
    const ended = this.#of(userId).filter(({ sessionId }) => sessionId !== keep);
    if (ended.length > 0) this.#shelf.audit(acts);
    for (const { sessionId } of ended) this.#shelf.sessions.delete(sessionId);
    return copy(ended);
  }

  #of(userId: UserId): readonly SessionRecord[] {
    return [...this.#shelf.sessions.values()].filter((session) => session.userId === userId);
  }

  async settle(sessionId: SessionId, now: Settled, acts: Acts | null): Promise<void> {
    this.#shelf.writing();
    const session = this.#shelf.sessions.get(sessionId);
    if (session === undefined) return;
    if (acts !== null) this.#shelf.audit(acts);
    this.#shelf.sessions.set(sessionId, settled(session, now));
  }

  async used(sessionId: SessionId, at: number): Promise<void> {
    this.#shelf.writing();
    const session = this.#shelf.sessions.get(sessionId);
    if (session !== undefined && (session.usedAt ?? 0) < at)
      this.#shelf.sessions.set(sessionId, { ...session, usedAt: at });
  }

  async endIdle(why: Why, limit: number): Promise<readonly SessionRecord[]> {
    this.#shelf.writing();
    const idle = this.#idle(why.before).slice(0, limit);
    this.#shelf.count({ ...why, class: 'sessions', conversationId: null, count: idle.length, bytes: 0 });
    for (const { sessionId } of idle) this.#shelf.sessions.delete(sessionId);
    return copy(idle);
  }

  async countIdle(before: number): Promise<number> {
    return this.#idle(before).length;
  }

  #idle(before: number): readonly SessionRecord[] {
    return [...this.#shelf.sessions.values()].filter(
      ({ createdAt, usedAt }) => Math.max(createdAt, usedAt ?? 0) < before,
    );
  }

  async sweep(now: number, limit: number): Promise<number> {
    this.#shelf.writing();
    const expired = [...this.#shelf.sessions.values()].filter((session) => session.expiresAt < now);
    const due = expired.toSorted((one, other) => one.expiresAt - other.expiresAt).slice(0, limit);
    for (const session of due) this.#shelf.sessions.delete(session.sessionId);
    return due.length;
  }
}

export class MemoryInvites implements InviteStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async create(invite: InviteRecord, acts: Acts): Promise<void> {
    this.#shelf.audit(acts);
    this.#shelf.invites.set(invite.inviteId, copy(invite));
  }

  async byTokenHash(tokenHash: Uint8Array): Promise<InviteRecord | null> {
    return copyOrNull([...this.#shelf.invites.values()].find((invite) => sameBytes(invite.tokenHash, tokenHash)));
  }

  async list(): Promise<readonly InviteRecord[]> {
    const all = [...this.#shelf.invites.values()];
    return copy(
      all.toSorted((one, other) => one.createdAt - other.createdAt || (one.inviteId < other.inviteId ? -1 : 1)),
    );
  }

  async revoke(inviteId: InviteId, acts: Acts): Promise<'revoked' | 'unknown' | 'used'> {
    this.#shelf.writing();
    const invite = this.#shelf.invites.get(inviteId);
    if (invite === undefined) return 'unknown';
    if (invite.state === 'used') return 'used';
    if (invite.state === 'revoked') return 'revoked';
    this.#shelf.audit(acts);
    this.#shelf.invites.set(inviteId, { ...invite, label: undefined, state: 'revoked' });
    return 'revoked';
  }
}
