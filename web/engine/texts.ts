/** Texts of a conversation by page, for callers without a screen. */
import type { ConversationId, MessageId, UserId } from '#protocol/ids.ts';
import { LanyingError } from './api.ts';
import type { Home } from './home.ts';
import { late } from './late.ts';
import { after, messages, type MessageState, padded } from './store/records.ts';

const history = late(() => import('./conversation/history.ts'));

export interface TextEntry {
  readonly id: MessageId;
  readonly sequence: number;
  readonly from: UserId;
  readonly sentAt: number;
  readonly text: string;
}

export function textOf({ entry, shown }: MessageState): TextEntry | null {
  if (shown.type !== 'text') return null;
  return { id: entry.id, sequence: entry.sequence, from: entry.user, sentAt: entry.sentAt, text: shown.text };
}

/** Texts below `before` (null: the newest), newest first; older pages are fetched until there are enough or no more. */
export async function readTexts(home: Home, conversationId: ConversationId, before: number | null, limit: number): Promise<readonly TextEntry[]> {
  const room = home.rooms.get(conversationId);
  if (room === null) throw new LanyingError('conversation.unknown');
  await home.ownArrived(room);
  const found: TextEntry[] = [];
  let to = before === null ? after(`${conversationId}/`) : `${conversationId}/${padded(before)}`;
  for (;;) {
    const rows = await home.store.range(messages, `${conversationId}/`, to, limit, true);
    for (const { name, value } of rows) {
      const text = textOf(value);
      if (text !== null) found.push(text);
      to = name;
      if (found.length === limit) return found;
    }
    if (rows.length > 0) continue;
    if (!home.connection.online || !(await room.exclusively(async () => (await history()).fetchOlder(home.parts, room, limit)))) {
      // The last page fetched may hold texts although nothing lies behind it.
      const rest = await home.store.range(messages, `${conversationId}/`, to, limit, true);
      if (rest.length === 0) return found;
    }
  }
}
