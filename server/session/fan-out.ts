/** From the bus to the sockets. Everything here is a hint over the log: what gets lost costs its reader one read. */
import { encodeEvent } from '#protocol/codec.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { unreadLookEveryMs } from '#protocol/limits.ts';
import type { Ops } from '../ops/ops.ts';
import type { EventBus, Happening } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import { conversationTopic } from './connection.ts';
import type { Directory } from './directory.ts';
import type { Views } from './seam.ts';
import { cutExcess } from './unread.ts';

/** Sockets of sessions that ran out are closed at least this often. */
const expiryEveryMs = 60_000;

export interface FanOutParts {
  readonly bus: EventBus;
  readonly directory: Directory;
  readonly views: Views;
  readonly ops: Ops;
  readonly runtime: Runtime;
  /** To every socket on the topic, one frame for all. */
  readonly publish: (topic: string, frame: Uint8Array) => void;
}

/** Starts it; returns the way to stop. */
export function startFanOut(parts: FanOutParts): () => void {
  const { bus, directory, runtime } = parts;
  const announce = conversationAnnouncer(parts);
  const unsubscribe = bus.subscribe((happening) => tell(parts, announce, happening));
  const expiry = runtime.every(expiryEveryMs, () => {
    for (const connection of directory.all()) connection.endIfExpired();
  });
  const look = runtime.every(unreadLookEveryMs, () => cutExcess(directory.all(), parts.ops.load));
  return () => {
    unsubscribe();
    expiry.cancel();
    look.cancel();
  };
}

function tell(parts: FanOutParts, announce: (conversationId: ConversationId) => void, happening: Happening): void {
  const { directory } = parts;
  switch (happening.kind) {
    case 'appended':
      return appended(parts, happening);
    case 'membership':
      for (const userId of happening.removed) {
        for (const connection of directory.byUser(userId)) connection.cutOff(happening.conversationId);
      }
      return announce(happening.conversationId);
    case 'welcome':
      for (const deviceId of happening.devices) {
        for (const connection of directory.byDevice(deviceId))
          connection.event('welcome', { conversationId: happening.conversationId });
      }
      return;
    case 'read':
      for (const connection of directory.byUser(happening.userId)) {
        connection.event('read', { conversationId: happening.conversationId, readSequence: happening.readSequence });
      }
      return;
    case 'signal':
      return signal(parts, happening);
    case 'devices':
      return devices(parts, happening.userId);
    case 'approval':
      for (const connection of directory.byUser(happening.userId)) connection.event('approval', { code: happening.code });
      return;
    case 'vault':
      for (const connection of directory.byUser(happening.userId)) connection.event('vault', { version: happening.version });
      return;
    case 'keyPackagesLow':
      for (const connection of directory.byDevice(happening.deviceId)) {
        connection.event('keyPackages', { suite: happening.suite, count: happening.count });
      }
      return;
    case 'sessionEnded':
      for (const connection of directory.bySession(happening.sessionId)) connection.end(happening.reason);
      return;
    case 'sessionRestricted':
      for (const connection of directory.bySession(happening.sessionId)) connection.beginAgain();
      return;
    case 'sessionFreed':
      for (const connection of directory.bySession(happening.sessionId)) connection.freed();
      return;
    case 'auditHead':
      for (const userId of happening.admins) for (const connection of directory.byUser(userId)) connection.event('auditHead', { checkpoint: happening.checkpoint });
      return;
    case 'storage':
      for (const connection of directory.all()) connection.event('storage', { full: happening.full });
      return;
    case 'sessionBound':
      for (const connection of directory.bySession(happening.sessionId)) connection.bound(happening.deviceId);
      return;
  }
}

function appended(
  { publish, directory, ops }: FanOutParts,
  { conversationId, generation, entries }: Extract<Happening, { kind: 'appended' }>,
): void {
  const topic = conversationTopic(conversationId);
  // Nobody is live on most conversations most of the time.
  if (directory.isTailed(conversationId)) {
    for (const entry of entries) publish(topic, encodeEvent('entry', { conversationId, generation, entry }));
  }
  ops.entriesPublished(entries.length);
}

/** [G1] To whoever is live on the conversation, but not back to the device that sent it. */
function signal(
  { directory }: FanOutParts,
  { conversationId, epoch, user, device, body }: Extract<Happening, { kind: 'signal' }>,
): void {
  const frame = encodeEvent('signal', { conversationId, epoch, user, device, body });
  for (const connection of directory.byConversation(conversationId)) {
    if (connection.deviceId !== device) connection.glance(frame);
  }
}

/** [D3] */
function devices({ directory, views, ops }: FanOutParts, userId: UserId): void {
  views.contacts(userId, directory.people()).then(
    (contacts) => {
      for (const contact of contacts)
        for (const connection of directory.byUser(contact)) connection.event('devices', { userId });
    },
    (cause: unknown) => ops.hintLost('devices', cause),
  );
}

/**
 * Tells each online member how the conversation looks to them. While a look at the store is under way the roster may
 * change again: then the look is thrown away and a newer one tells, so that nobody hears of a conversation they have
 * just been cut off from, and one look at a time serves any number of changes.
 */
function conversationAnnouncer({ directory, views, ops }: FanOutParts): (conversationId: ConversationId) => void {
  const looking = new Map<ConversationId, { stale: boolean }>();
  const look = async (conversationId: ConversationId, current: { stale: boolean }): Promise<void> => {
    try {
      do {
        current.stale = false;
        const seen = await views.conversation(conversationId, directory.people());
        if (current.stale) continue;
        for (const [userId, conversation] of seen) {
          for (const connection of directory.byUser(userId)) connection.event('conversation', { conversation });
        }
      } while (current.stale);
    } catch (cause) {
      ops.hintLost('conversation', cause);
    } finally {
      // In the same step as the last look at `stale`, so that no change falls between.
      looking.delete(conversationId);
    }
  };
  return (conversationId) => {
    const running = looking.get(conversationId);
    if (running !== undefined) {
      running.stale = true;
      return;
    }
    const current = { stale: false };
    looking.set(conversationId, current);
    void look(conversationId, current);
  };
}
