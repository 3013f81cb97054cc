import { revokedLeaf } from '#protocol/directory.ts';
import type { UserId } from '#protocol/ids.ts';
import { withoutMember } from '#protocol/sign-in-policy.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { GonePerson, PeopleStore } from '../../ports/people-store.ts';
import { type SessionRecord, StoreFailure } from '../../ports/store.ts';
import { copy, copyOrNull, type Shelf } from './shelf.ts';
import { digest } from './tree.ts';

export class MemoryPeople implements PeopleStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  async take(
    userId: UserId,
    as: Pick<GonePerson, 'goneAt' | 'reason'> & { readonly state: 'closing' | 'erasing' },
    acts: Acts,
  ): Promise<'taken' | 'again' | 'unknown'> {
    this.#shelf.writing();
    const before = this.#shelf.gone.get(userId);
    if (before !== undefined) {
      if (as.state === 'closing' || before.state === 'erasing' || before.state === 'erased') return 'unknown';
      this.#shelf.audit(acts);
      this.#shelf.gone.set(userId, { ...before, state: as.state, reason: as.reason });
      return 'again';
    }
    const account = this.#shelf.accounts.get(userId);
    if (account === undefined || userId === this.#shelf.owner) return 'unknown';
    this.#shelf.audit(acts);
    const devices = [...this.#shelf.devices.values()].filter((device) => device.userId === userId);
    this.#shelf.record(devices.map(({ deviceId }) => revokedLeaf(digest, userId, deviceId)));
    this.#shelf.accounts.delete(userId);
    const { signInPolicy } = this.#shelf;
    if (signInPolicy !== null) this.#shelf.signInPolicy = { ...signInPolicy, policy: withoutMember(signInPolicy.policy, userId) };
    this.#shelf.revocations.delete(userId);
    for (const { deviceId } of devices) this.#shelf.devices.delete(deviceId);
    for (const [id, invite] of this.#shelf.invites)
      if (invite.createdBy === userId && invite.state === 'open')
        this.#shelf.invites.set(id, { ...invite, label: undefined, state: 'revoked' });
    const ids = devices.map(({ deviceId }) => deviceId);
    for (const deviceId of ids) this.#shelf.takenDevices.add(deviceId);
    this.#shelf.gone.set(userId, { ...copy(as), userId, devices: ids, records: 0, bytes: 0 });
    return 'taken';
  }

  async gone(userId: UserId): Promise<GonePerson | null> {
    return copyOrNull(this.#shelf.gone.get(userId));
  }

  async list(after: UserId | null, limit: number): Promise<readonly GonePerson[]> {
    const all = [...this.#shelf.gone.values()];
    const from = after === null ? 0 : all.findIndex(({ userId }) => userId === after) + 1;
    return copy(all.slice(from, from + limit));
  }

  async endSessions(userId: UserId): Promise<readonly SessionRecord[]> {
    this.#shelf.writing();
    const ended = [...this.#shelf.sessions.values()].filter((session) => session.userId === userId);
    for (const { sessionId } of ended) this.#shelf.sessions.delete(sessionId);
    return copy(ended);
  }

  async erase(userId: UserId): Promise<GonePerson> {
    const gone = this.#shelf.gone.get(userId);
    if (gone === undefined) throw new StoreFailure('the account was not taken away');
    await this.endSessions(userId);
    let { records } = gone;
    for (const deviceId of gone.devices) {
      records += this.#shelf.mail.get(deviceId)?.length ?? 0;
      this.#shelf.mail.delete(deviceId);
      if (this.#shelf.deviceUse.delete(deviceId)) records += 1;
      records += this.#shelf.dropPackages(deviceId);
    }
    if (gone.state === 'erasing' || gone.state === 'erased') {
      if (this.#shelf.vaults.delete(userId)) records += 1;
      for (const name of [...this.#shelf.archive.keys()])
        if (name.startsWith(userId)) {
          records += this.#shelf.archive.get(name)?.size ?? 0;
          this.#shelf.archive.delete(name);
        }
      for (const name of [...this.#shelf.items.keys()])
        if (name.startsWith(userId) && this.#shelf.items.delete(name)) records += 1;
    }
    const erased = { ...gone, records };
    this.#shelf.gone.set(userId, erased);
    return copy(erased);
  }
}
