/** Rows of the conversation list. */
import type { ConversationId, ConversationView, EngineSnapshot, UserId } from './app.ts';
import { directory, face, type Face, nameOf, othersOf, ownId, titleOf } from './people.ts';
import { listTime } from './time.ts';

/** What stands in the second line: what needs the person first, then the draft, then the last message. */
export type Preview =
  /** Nothing more is read or sent here: a check of the log failed. */
  | { readonly kind: 'halted' }
  /** Somebody's key changed and waits for a decision. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'draft'; readonly text: string }
  | { readonly kind: 'failed' }
  | { readonly kind: 'own'; readonly text: string }
  /** `name` is null in a conversation of two, where it says nothing. */
  | { readonly kind: 'other'; readonly name: string | null; readonly text: string }
  | { readonly kind: 'left' }
  | { readonly kind: 'empty' };

export interface ConversationRow {
  readonly id: ConversationId;
  /** Null when everybody else is gone and there is no title. */
  readonly title: string | null;
  readonly face: Face;
  readonly preview: Preview;
  readonly time: string;
  readonly unread: number;
}

/** `deleted`: what a person without an account is called. Newest activity first; equal times by id, so that two snapshots never swap rows. */
export function conversationRows(snapshot: EngineSnapshot, now: number, locale: string, deleted: string): readonly ConversationRow[] {
  const people = directory(snapshot, deleted);
  const me = ownId(snapshot);
  return snapshot.conversations
    .toSorted((a, b) => b.activeAt - a.activeAt || (a.conversationId < b.conversationId ? -1 : 1))
    .map((item) => {
      const title = titleOf(item, me, people, locale);
      const others = othersOf(item, me, people);
      const seed = item.title === null && others.length === 1 ? (others[0] ?? item.conversationId) : item.conversationId;
      return {
        id: item.conversationId,
        title,
        face: face(title ?? '?', seed),
        preview: previewOf(item, me, (from) => (others.length > 1 ? nameOf(people, from) : null)),
        time: listTime(item.activeAt, now, locale),
        unread: item.unread,
      };
    });
}

export type Stop = { readonly kind: 'blocked'; readonly by: UserId } | { readonly kind: 'halted'; readonly reason: 'forked' | 'commit_refused' };
/** Why nothing goes on in a conversation. A key comes before a refused change of members: that is looked at again after the decision. */
export function stopOf({ halted, blockedBy: [by] }: ConversationView): Stop | null {
  if (halted === 'forked') return { kind: 'halted', reason: halted };
  if (by !== undefined) return { kind: 'blocked', by };
  return halted === null ? null : { kind: 'halted', reason: halted };
}

function previewOf(
  item: EngineSnapshot['conversations'][number],
  me: string | null,
  name: (from: EngineSnapshot['people'][number]['userId']) => string | null,
): Preview {
  const stop = stopOf(item);
  if (stop !== null) return { kind: stop.kind };
  if (!item.active) return { kind: 'left' };
  if (item.failedSends > 0) return { kind: 'failed' };
  if (item.draft.trim() !== '') return { kind: 'draft', text: item.draft };
  if (item.last !== null) {
    const text = item.last.text.replace(/\s+/g, ' ').slice(0, 140);
    return item.last.from === me ? { kind: 'own', text } : { kind: 'other', name: name(item.last.from), text };
  }
  return { kind: 'empty' };
}

export function filterRows(rows: readonly ConversationRow[], query: string): readonly ConversationRow[] {
  const wanted = query.trim().toLocaleLowerCase();
  return wanted === '' ? rows : rows.filter((row) => row.title?.toLocaleLowerCase().includes(wanted) === true);
}

/** Index to focus after a key, or null when the key means nothing to a list. */
export function listKey(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, count - 1);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/** The conversation `step` rows below (1) or above (-1) `current`; from nowhere, the first or the last. Null at the ends. */
export function neighbour(rows: readonly ConversationRow[], current: string | null, step: 1 | -1): ConversationId | null {
  const at = rows.findIndex((row) => row.id === current);
  return (at === -1 ? rows.at(step === 1 ? 0 : -1) : rows[at + step])?.id ?? null;
}

/** Unread messages in all, for the title of the page. */
export const unreadTotal = (snapshot: EngineSnapshot): number => snapshot.conversations.reduce((sum, item) => sum + item.unread, 0);
