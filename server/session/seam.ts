/** What sessions need from outside, and the types that the transport may see through this room. */
import type { ConversationId, SessionId, UserId } from '#protocol/ids.ts';
import type { Conversation } from '#protocol/model.ts';
import type { SessionRecord } from '../ports/store.ts';

export type { EventBus, Happening } from '../ports/event-bus.ts';
export type { Runtime, Timer } from '../ports/runtime.ts';
export type { SessionRecord } from '../ports/store.ts';
export type { Appending, FileDesk, FileRecord, Reading } from '../commands/files.ts';
export type { CallContext, Effect, Reply, Router } from '../commands/router.ts';

export interface SessionLookup {
  /** The live session behind a cookie's value; null for anything unknown, malformed, expired or ended. */
  authenticate(cookieValue: string): Promise<SessionRecord | null>;
  /** The live session as the store has it now. */
  byId(sessionId: SessionId): Promise<SessionRecord | null>;
}

export interface Views {
  /** The conversation as each of these people sees it now; whoever is not in it is left out. */
  conversation(conversationId: ConversationId, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, Conversation>>;
  /** Those of `among` who share a conversation with the person (and the person, if among them). */
  contacts(userId: UserId, among: readonly UserId[]): Promise<readonly UserId[]>;
}
