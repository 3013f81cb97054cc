/** From states to what screens show. Pure. */
import type { ConversationView, Me } from './api.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { AccountState, QueuedMessage } from './store/records.ts';
import type { UserId } from '#protocol/ids.ts';

export function conversationView(
  room: Conversation,
  queued: readonly QueuedMessage[],
  draft: string,
  me: UserId,
  changed: (userId: UserId) => boolean,
): ConversationView {
  const { state } = room;
  const unsent = queued.at(-1);
  const last = unsent === undefined ? state.last : { from: me, text: unsent.text, at: unsent.createdAt };
  return {
    conversationId: room.id,
    title: state.title,
    members: state.members,
    owner: state.owner,
    mayRemove: state.active && state.owner === me,
    active: state.active,
    unread: state.unread,
    last,
    draft,
    failedSends: queued.filter(({ failed }) => failed !== null).length,
    blockedBy: state.members.filter((userId) => userId !== me && changed(userId)),
    halted: room.halted === 'replaced' ? null : room.halted,
    activeAt: Math.max(last?.at ?? 0, state.createdAt),
  };
}

export const meOf = ({ userId, deviceId, handle, displayName, role }: AccountState): Me => ({ userId, deviceId, handle, displayName, role });
