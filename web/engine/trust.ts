/** What must hold before anything is sealed for others. */
import type { UserId } from '#protocol/ids.ts';
import { LanyingError } from './api.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { Directory } from './directory.ts';

const changedIn = (room: Conversation, directory: Directory, me: UserId): UserId | undefined =>
  room.state.members.find((userId) => userId !== me && directory.changed(userId));

export const isBlocked = (room: Conversation, directory: Directory, me: UserId): boolean =>
  directory.tree.blocked || room.halted !== null || changedIn(room, directory, me) !== undefined;

/** [X8] Rejects with `directory.contradicted`. */
export function requireDirectory(directory: Directory): void {
  if (directory.tree.blocked) throw new LanyingError('directory.contradicted');
}

/** Nothing is sealed for people whose identity is in doubt, or into a log that is ([E2], [E4], [X8]). */
export function requireTrust(room: Conversation, directory: Directory, me: UserId): void {
  requireDirectory(directory);
  const changed = changedIn(room, directory, me);
  if (changed !== undefined) throw new LanyingError('identity.changed', { field: changed });
  if (room.halted !== null) throw new LanyingError('identity.mismatch', { reason: room.halted });
}
