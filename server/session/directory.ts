/** Who is connected: every open connection, found by session, person, device and conversation. */
import type { ConversationId, DeviceId, SessionId, UserId } from '#protocol/ids.ts';
import type { Connection } from './connection.ts';

/** Several connections under one key; empty keys leave no trace. */
class Index<K> {
  readonly #sets = new Map<K, Set<Connection>>();
  add(key: K, connection: Connection): void {
    const set = this.#sets.get(key) ?? new Set();
    set.add(connection);
    this.#sets.set(key, set);
  }
  remove(key: K, connection: Connection): void {
    const set = this.#sets.get(key);
    if (set?.delete(connection) === true && set.size === 0) this.#sets.delete(key);
  }
  /** A copy: the caller may close connections while it walks. */
  of(key: K): readonly Connection[] {
    return [...(this.#sets.get(key) ?? [])];
  }
  count(key: K): number {
    return this.#sets.get(key)?.size ?? 0;
  }
  has(key: K): boolean {
    return this.#sets.has(key);
  }
  keys(): readonly K[] {
    return [...this.#sets.keys()];
  }
}

export class Directory {
  readonly #all = new Set<Connection>();
  readonly #sessions = new Index<SessionId>();
  readonly #users = new Index<UserId>();
  readonly #devices = new Index<DeviceId>();
  readonly #conversations = new Index<ConversationId>();

  /** From the upgrade on, so that the end of its session is never missed. */
  opened(connection: Connection): void {
    this.#all.add(connection);
    this.#sessions.add(connection.sessionId, connection);
  }
  ready(connection: Connection, userId: UserId, deviceId: DeviceId | null): void {
    this.#users.add(userId, connection);
    if (deviceId !== null) this.#devices.add(deviceId, connection);
  }
  bound(connection: Connection, before: DeviceId | null, deviceId: DeviceId): void {
    if (before !== null) this.#devices.remove(before, connection);
    this.#devices.add(deviceId, connection);
  }
  tailing(connection: Connection, conversationId: ConversationId): void {
    this.#conversations.add(conversationId, connection);
  }
  untailed(connection: Connection, conversationId: ConversationId): void {
    this.#conversations.remove(conversationId, connection);
  }
  closed(connection: Connection, userId: UserId | null, deviceId: DeviceId | null): void {
    this.#all.delete(connection);
    this.#sessions.remove(connection.sessionId, connection);
    if (userId !== null) this.#users.remove(userId, connection);
    if (deviceId !== null) this.#devices.remove(deviceId, connection);
  }

  all(): readonly Connection[] {
    return [...this.#all];
  }
  get size(): number {
    return this.#all.size;
  }
  bySession(sessionId: SessionId): readonly Connection[] {
    return this.#sessions.of(sessionId);
  }
  byUser(userId: UserId): readonly Connection[] {
    return this.#users.of(userId);
  }
  countOf(userId: UserId): number {
    return this.#users.count(userId);
  }
  byDevice(deviceId: DeviceId): readonly Connection[] {
    return this.#devices.of(deviceId);
  }
  byConversation(conversationId: ConversationId): readonly Connection[] {
    return this.#conversations.of(conversationId);
  }
  /** Whether anybody is live on it. */
  isTailed(conversationId: ConversationId): boolean {
    return this.#conversations.has(conversationId);
  }
  people(): readonly UserId[] {
    return this.#users.keys();
  }
}
