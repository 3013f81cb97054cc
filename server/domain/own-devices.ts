/** A person's care for their devices ([D4]–[D6]): names, removal, and leaves of those that nobody uses. */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { deviceIdleMs } from '#protocol/limits.ts';
import { parseRevocation, revocationSignedBytes, revocationSlackMs } from '#protocol/revocation.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountStore, ConversationStore, DeviceStore } from '../ports/store.ts';
import type { Scribe } from './audit/scribe.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Conversations } from './conversations.ts';
import { verifyEd25519 } from './digests.ts';
import { withMarks } from './roster.ts';

const devicesNoted = 20_000;
const peopleStep = 100;
const dayOf = (at: number): number => Math.floor(at / 86_400_000);

export interface OwnDeviceParts {
  readonly store: DeviceStore;
  readonly accounts: AccountStore;
  readonly memberships: Pick<ConversationStore, 'memberships'>;
  readonly conversations: Conversations;
  readonly bus: EventBus;
  readonly runtime: Runtime;
}

export class OwnDevices {
  readonly #parts: OwnDeviceParts;
  /** When the use of a device was last noted. */
  readonly #noted = new BoundedMap<DeviceId, number>(devicesNoted);

  constructor(parts: OwnDeviceParts) {
    this.#parts = parts;
  }

  async list(userId: UserId): Promise<Output<'device.own'>> {
    const { store } = this.#parts;
    const devices = await store.ofUsers([userId]);
    const uses = await store.lastUse(devices);
    return { devices: devices.map((device, at) => ({ ...device, usedAt: uses[at] ?? device.createdAt })) };
  }

  /** Refuses device.unknown. */
  async rename(userId: UserId, { deviceId, label }: Input<'device.rename'>): Promise<Result<Output<'device.rename'>>> {
    if (!(await this.#parts.store.rename(userId, deviceId, label))) return refuse('device.unknown');
    this.#parts.bus.publish({ kind: 'devices', userId });
    return ok({});
  }

  /** Refuses device.unknown, device.refused with a reason. */
  async remove(
    userId: UserId,
    { deviceId, revocation }: Input<'device.remove'>,
    audit: Scribe<'device.removed'>,
  ): Promise<Result<Output<'device.remove'>>> {
    const { accounts, store, runtime, bus } = this.#parts;
    const account = await accounts.byId(userId);
    const claimed = parseRevocation(revocation);
    if (account === null || claimed === null) return refuse('device.refused', { reason: 'malformed' });
    if (claimed.userId !== userId || claimed.deviceId !== deviceId)
      return refuse('device.refused', { reason: 'device' });
    if (Math.abs(claimed.revokedAt - runtime.now()) > revocationSlackMs / 2)
      return refuse('device.refused', { reason: 'time' });
    if (!verifyEd25519(account.identityKey, revocationSignedBytes(revocation), claimed.signature))
      return refuse('device.refused', { reason: 'signature' });
    const act = audit({ act: 'device.removed', object: { kind: 'device', id: deviceId } });
    const ended = await store.remove(userId, deviceId, revocation, [act]);
    if (ended === null) return refuse('device.unknown');
    for (const { sessionId } of ended) bus.publish({ kind: 'sessionEnded', sessionId, reason: 'revoked' });
    await this.#mark(userId, new Map([[deviceId, true]]));
    bus.publish({ kind: 'devices', userId });
    return ok({});
  }

  /** Once a day for each device; whoever uses it does not wait for that. A leaf that was to go for idleness stays. */
  noteUse(userId: UserId, deviceId: DeviceId): void {
    const now = this.#parts.runtime.now();
    if (dayOf(now) <= (this.#noted.get(deviceId) ?? 0)) return;
    this.#noted.set(deviceId, dayOf(now));
    // Not noted: the next call tries again.
    this.#note(userId, deviceId, now).catch(() => this.#noted.delete(deviceId));
  }

  async #note(userId: UserId, deviceId: DeviceId, now: number): Promise<void> {
    const { store } = this.#parts;
    const device = await store.byId(deviceId);
    if (device === null) return;
    const [before = 0] = await store.lastUse([device]);
    if (dayOf(before) >= dayOf(now)) return;
    await store.used(deviceId, now);
    if (before < now - deviceIdleMs) await this.#mark(userId, new Map([[deviceId, false]]));
  }

  /** [D6] And what a crash left undone of removals. Gives how many devices are idle. */
  async tidy(): Promise<number> {
    const { accounts, store, runtime } = this.#parts;
    let idle = 0;
    for (let after: string | null = null; ;) {
      const people = await accounts.list(after, peopleStep);
      for (const { userId } of people) {
        const devices = await store.ofUsers([userId]);
        const uses = await store.lastUse(devices);
        const unused = devices.filter((_, at) => (uses[at] ?? 0) < runtime.now() - deviceIdleMs);
        const revoked = (await store.revocations([userId])).flatMap((bytes) => parseRevocation(bytes)?.deviceId ?? []);
        idle += unused.length;
        const gone = [...revoked, ...unused.map(({ deviceId }) => deviceId)];
        if (gone.length > 0) await this.#mark(userId, new Map(gone.map((deviceId) => [deviceId, true])));
      }
      after = people.at(-1)?.handle ?? null;
      if (people.length < peopleStep || after === null) return idle;
    }
  }

  /** In every conversation of the person: whose leaf goes with the next commit, and whose does not any more. Repeats without harm. */
  async #mark(userId: UserId, marks: ReadonlyMap<DeviceId, boolean>): Promise<void> {
    const { memberships, conversations } = this.#parts;
    for (const { conversationId } of await memberships.memberships(userId))
      await conversations.using(conversationId, async (conversation) => {
        const roster = withMarks(conversation.roster, marks);
        if (roster === null) return;
        const happening = { kind: 'membership', conversationId, added: [], removed: [] } as const;
        await conversation.accept([], { roster, groupInfo: null, welcomes: [] }, [happening]);
      });
  }
}
