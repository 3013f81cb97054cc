/** For somebody who lost every device and every unlocker ([V5]): they go on under another identity, without their history. */
import type { Input } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { UserId } from '#protocol/ids.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountStore, ConversationStore, SessionRecord } from '../ports/store.ts';
import { unlockersRefusal } from './accounts.ts';
import type { Scribe } from './audit/scribe.ts';
import type { Conversations } from './conversations.ts';
import { checkCertificate, keyPackagesFault } from './device-certificates.ts';
import { afterDeparture, isActive, withoutPast } from './roster.ts';

export interface NewIdentityParts {
  readonly accounts: AccountStore;
  readonly memberships: Pick<ConversationStore, 'memberships'>;
  readonly conversations: Conversations;
  readonly bus: EventBus;
  readonly runtime: Runtime;
}

export class NewIdentity {
  readonly #parts: NewIdentityParts;

  constructor(parts: NewIdentityParts) {
    this.#parts = parts;
  }

  /** Refuses device.refused, key_package.invalid, vault.unlockers_missing; the session becomes the new device's. */
  async start(
    session: SessionRecord,
    input: Input<'account.startAnew'>,
    audit: Scribe<'key.reset'>,
  ): Promise<Result<SessionRecord>> {
    const { accounts, bus, runtime } = this.#parts;
    const { userId, sessionId } = session;
    const { identityKey, device, keyPackages, vault } = input;
    const now = runtime.now();
    const checked = checkCertificate(device.certificate, { userId, deviceId: device.deviceId, identityKey, now });
    if (typeof checked === 'string') return refuse('device.refused', { reason: checked });
    const fault = keyPackagesFault(keyPackages, device.certificate, now);
    if (fault !== null) return refuse('key_package.invalid', { reason: fault });
    const refused = unlockersRefusal(vault.unlockers);
    if (refused !== null) return refused;
    const anew = {
      identityKey,
      device: { ...device, userId, createdAt: now },
      keyPackages,
      vault: { sealed: vault.sealed, unlockers: vault.unlockers.map((unlocker) => ({ ...unlocker, createdAt: now })) },
      sessionId,
    };
    const act = audit({ act: 'key.reset', object: { kind: 'account', id: userId } });
    const started = await accounts.startAnew(userId, anew, [act]);
    if (started === null) return refuse('device.refused', { reason: 'exists' });
    for (const ended of started.ended)
      bus.publish({ kind: 'sessionEnded', sessionId: ended.sessionId, reason: 'revoked' });
    bus.publish({ kind: 'sessionBound', sessionId, deviceId: device.deviceId });
    // While they still share conversations: colleagues who are online hear of it.
    bus.publish({ kind: 'devices', userId });
    await this.#out(userId);
    bus.publish({ kind: 'devices', userId });
    return ok({ ...session, deviceId: device.deviceId });
  }

  /** Out of every conversation: whoever brings them back decides on the new identity. What they read before opens to nobody. */
  async #out(userId: UserId): Promise<void> {
    const { memberships, conversations } = this.#parts;
    for (const { conversationId } of await memberships.memberships(userId))
      await conversations.using(conversationId, async (conversation) => {
        if (!isActive(conversation.roster, userId)) return;
        const departed = afterDeparture(conversation.roster, userId, conversation.accepted.headSequence);
        const happening = { kind: 'membership', conversationId, added: [], removed: [userId] } as const;
        await conversation.accept([], { roster: withoutPast(departed, userId), groupInfo: null, welcomes: [] }, [
          happening,
        ]);
      });
    await this.#parts.accounts.left(userId);
  }

  /** For a person whom a crash left in conversations of before. */
  async finish(userId: UserId): Promise<void> {
    await this.#out(userId);
  }
}
