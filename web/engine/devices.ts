/**
 * Devices of people as their identities vouch for them: whose were revoked ([D4]), and one's own, of which a new one is
 * told to its person ([E15]).
 */
import { parseCertificate } from '#protocol/certificate.ts';
import type { Output } from '#protocol/commands/index.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { membersMax } from '#protocol/limits.ts';
import { parseRevocation, revocationSlackMs } from '#protocol/revocation.ts';
import { withoutUnseen } from '#protocol/visible.ts';
import type { DeviceView, SecurityNotice } from './api.ts';
import type { Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { verifyRevocation } from './identity/revocation.ts';
import { late } from './late.ts';
import type { Runtime } from './ports.ts';
import { type AccountState, after, ownDevices, revoked as records } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';

type OwnDevice = Output<'device.own'>['devices'][number];
const signing = late(() => import('./identity/issuing-revocation.ts'));

export interface DevicesListener {
  onChange(): void;
  onNotice(notice: SecurityNotice): void;
}

export class Devices {
  readonly #revoked = new Map<DeviceId, number>();
  #own: readonly OwnDevice[] = [];

  constructor(
    readonly runtime: Runtime,
    readonly store: SealedStore,
    readonly connection: Connection,
    readonly directory: Directory,
    readonly me: AccountState,
    readonly listener: DevicesListener,
  ) {}

  async load(): Promise<void> {
    for (const { value } of await this.store.range(records, '', after(''), 100_000))
      this.#revoked.set(value.deviceId, value.revokedAt);
  }

  /** Whether what the device did then counts. `at`: the server's time of an entry; without it: now. */
  revoked(deviceId: DeviceId, at: number | null = null): boolean {
    const since = this.#revoked.get(deviceId);
    return since !== undefined && (at === null || at > since + revocationSlackMs);
  }

  /** After each connection: everybody's revocations, and one's own devices. */
  async refresh(): Promise<void> {
    const people = this.directory.views().map(({ userId }) => userId);
    for (let from = 0; from < people.length; from += membersMax)
      await this.#learn(people.slice(from, from + membersMax));
    await this.refreshOwn();
  }

  /** Somebody's devices changed. */
  async changed(userId: UserId): Promise<void> {
    await this.#learn([userId]);
    if (userId === this.me.userId) await this.refreshOwn();
  }

  async #learn(userIds: readonly UserId[]): Promise<void> {
    if (userIds.length === 0) return;
    const { revocations } = await this.connection.call('device.list', { userIds: [...userIds] });
    const writes = [];
    for (const bytes of revocations) {
      const userId = parseRevocation(bytes)?.userId;
      const identityKey = userId === undefined || !userIds.includes(userId) ? null : this.directory.keyOf(userId);
      const revocation =
        userId === undefined || identityKey === null ? null : await verifyRevocation(bytes, userId, identityKey);
      if (revocation === null || this.#revoked.has(revocation.deviceId)) continue;
      const { deviceId, revokedAt } = revocation;
      this.#revoked.set(deviceId, revokedAt);
      writes.push(await this.store.put(records, deviceId, { deviceId, revokedAt }));
    }
    if (writes.length > 0) await this.store.write(writes);
  }

  /** Tells of devices that this one has not seen before, but not what it finds when it is new itself. */
  async refreshOwn(): Promise<void> {
    const { devices } = await this.connection.call('device.own', {});
    const known = await this.store.get(ownDevices);
    this.#own = devices;
    const ids = devices.map(({ deviceId }) => deviceId);
    for (const { deviceId, label, createdAt, certificate } of devices) {
      if (known === null || known.deviceIds.includes(deviceId) || deviceId === this.me.deviceId) continue;
      const claimed = parseCertificate(certificate);
      const vouched =
        claimed !== null &&
        claimed.deviceId === deviceId &&
        (await this.directory.checkCredential(certificate, claimed.deviceKey));
      // What no certificate vouches for is told by checkCredential: nobody accepts it.
      if (vouched)
        this.listener.onNotice({
          kind: 'new_device',
          at: createdAt,
          userId: this.me.userId,
          conversationId: null,
          deviceId,
          label: withoutUnseen(label),
        });
    }
    if (
      known === null ||
      ids.some((id) => !known.deviceIds.includes(id)) ||
      known.deviceIds.some((id) => !ids.includes(id))
    )
      await this.store.write([await this.store.put(ownDevices, '', { deviceIds: ids })]);
    this.listener.onChange();
  }

  views(): readonly DeviceView[] {
    return this.#own
      .map(({ deviceId, label, createdAt, usedAt }) => ({
        deviceId,
        label: withoutUnseen(label),
        createdAt,
        usedAt,
        here: deviceId === this.me.deviceId,
      }))
      .toSorted(
        (one, other) =>
          Number(other.here) - Number(one.here) || other.usedAt - one.usedAt || other.createdAt - one.createdAt,
      );
  }

  async rename(deviceId: DeviceId, label: string): Promise<void> {
    await this.connection.call('device.rename', { deviceId, label: withoutUnseen(label).trim().normalize('NFC') });
    await this.refreshOwn();
  }

  /** For good; the clock is the server's, as of its clock the entries are. */
  async remove(deviceId: DeviceId): Promise<void> {
    const { serverTime } = await this.connection.call('session.ping', {});
    const { issueRevocation } = await signing();
    const revocation = issueRevocation(
      { seed: this.me.identitySeed },
      { userId: this.me.userId, deviceId, revokedAt: serverTime },
    );
    await this.connection.call('device.remove', { deviceId, revocation });
    if (deviceId === this.me.deviceId) return;
    await this.changed(this.me.userId);
  }
}
