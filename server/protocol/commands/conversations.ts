import * as v from 'valibot';
import { bytes, Epoch, Hash, Sequence } from '../envelope.ts';
import { ConversationId, Generation, WelcomeId } from '../ids.ts';
import * as limits from '../limits.ts';
import { Cursor } from '../cursor.ts';
import { Conversation, LogPage, NewCommit, NewMessage, Receipt, Suite, Welcome } from '../model.ts';
import { Floor } from '../floor.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const limit = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.logPageEntriesMax)));

export const conversationCommands = {
  'conversation.create': row({
    summary: 'Create a conversation: epoch 0 with the calling device alone, and optionally the first commit that adds others.',
    input: v.strictObject({
      conversationId: ConversationId,
      suite: Suite,
      /** GroupInfo of epoch 0; kept only when there is no first commit. */
      groupInfo: bytes(limits.groupInfoBytesMax, 1),
      commit: v.nullable(NewCommit),
    }),
    output: v.strictObject({ conversation: Conversation }),
    errors: ['conversation.exists', 'conversation.too_many', 'member.limit', 'commit.refused', 'person.unknown'],
    who: 'device',
    resource: 'system',
    audited: { not: 'talks' },
  }),
  'conversation.list': row({
    summary: 'Conversations that the person is in, ordered by id, a page at a time.',
    input: v.strictObject({
      after: v.optional(ConversationId),
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(limits.listPageMax))),
    }),
    output: v.strictObject({ conversations: v.array(Conversation), more: v.boolean() }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'conversation.get': row({
    summary: 'One conversation.',
    input: v.strictObject({ conversationId: ConversationId }),
    output: v.strictObject({ conversation: Conversation }),
    errors: ['conversation.unknown'],
    who: 'person',
    resource: 'conversation',
    audited: { not: 'reads' },
  }),
  'conversation.commit': row({
    summary: 'Move the conversation to its next epoch: one commit for each epoch, with welcome, group info and follow-up messages.',
    input: v.strictObject({ conversationId: ConversationId, commit: NewCommit }),
    output: v.strictObject({ receipt: Receipt, follow: v.array(Receipt) }),
    errors: ['conversation.unknown', 'epoch.stale', 'commit.refused', 'member.limit', 'person.unknown', 'message.conflict'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'talks' },
  }),
  'conversation.send': row({
    summary: 'Append a sealed message. Same id and body again: the same receipt. Acknowledged when it is on disk.',
    input: v.strictObject({ conversationId: ConversationId, kind: v.picklist(['message', 'meta']), message: NewMessage }),
    output: v.strictObject({ receipt: Receipt }),
    errors: ['conversation.unknown', 'epoch.stale', 'message.conflict', 'message.seen_refused'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'talks' },
  }),
  'conversation.leave': row({
    summary: 'Leave: the sealed farewell is the last entry this person can write; the next commit of a member removes their leaves.',
    input: v.strictObject({ conversationId: ConversationId, message: NewMessage }),
    output: v.strictObject({ receipt: Receipt }),
    errors: ['conversation.unknown', 'epoch.stale', 'message.conflict', 'message.seen_refused'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'talks' },
  }),
  'conversation.signal': row({
    summary: 'Pass a sealed ephemeral signal (typing) to the members that are online; it is not stored.',
    input: v.strictObject({ conversationId: ConversationId, epoch: Epoch, body: bytes(limits.signalBytesMax, 1) }),
    output: Empty,
    errors: ['conversation.unknown', 'epoch.stale'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'talks' },
  }),
  'conversation.groupInfo': row({
    summary: 'What a new device of a member needs to join by external commit (RFC 9420 §12.4.3.2).',
    input: v.strictObject({ conversationId: ConversationId }),
    output: v.strictObject({
      generation: Generation,
      epoch: Epoch,
      epochSequence: Sequence,
      /** Running hash at epochSequence. */
      hash: Hash,
      groupInfo: bytes(limits.groupInfoBytesMax, 1),
    }),
    errors: ['conversation.unknown'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'reads' },
  }),
  'conversation.markRead': row({
    summary: 'Move this person\'s read mark forward; it never goes back.',
    input: v.strictObject({ conversationId: ConversationId, sequence: Sequence }),
    output: v.strictObject({ readSequence: Sequence }),
    errors: ['conversation.unknown'],
    who: 'device',
    resource: 'conversation',
    audited: { not: 'talks' },
  }),
  'log.read': row({
    summary: 'A page of the log in ascending order: behind `after`, or the last ones before `before` (exclusive), from where the person joined.',
    input: v.strictObject({ conversationId: ConversationId, after: v.optional(Sequence), before: v.optional(Sequence), limit }),
    output: v.strictObject({ page: LogPage }),
    errors: ['conversation.unknown'],
    who: 'person',
    resource: 'conversation',
    audited: { not: 'reads' },
  }),
  'log.tail': row({
    summary: 'Catch up from cursors and go live: for each either a page of what was missed, or nothing missed and live from here on this socket.',
    input: v.strictObject({ cursors: v.pipe(v.array(Cursor), v.minLength(1), v.maxLength(limits.tailCursorsMax)) }),
    output: v.strictObject({
      results: v.array(
        v.variant('state', [
          v.strictObject({ state: v.literal('live'), conversationId: ConversationId }),
          v.strictObject({ state: v.literal('page'), conversationId: ConversationId, page: LogPage }),
          /** The cursor lies in what was purged: everything up to `floor` is gone for good, go on from there ([R10]). */
          v.strictObject({ state: v.literal('purged'), conversationId: ConversationId, floor: Floor }),
          /** Left out to keep the answer bounded: ask again. */
          v.strictObject({ state: v.literal('later'), conversationId: ConversationId }),
          /** Not a member (any more), or the log is another generation, or the cursor is ahead of it. */
          v.strictObject({ state: v.literal('refused'), conversationId: ConversationId, code: v.picklist(['conversation.unknown', 'cursor.refused']) }),
        ]),
      ),
    }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'welcome.list': row({
    summary: 'Welcomes waiting for this device, oldest first.',
    input: Empty,
    output: v.strictObject({ welcomes: v.array(Welcome), more: v.boolean() }),
    errors: [],
    who: 'device',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'welcome.acknowledge': row({
    summary: 'Take processed welcomes out of this device\'s mailbox.',
    input: v.strictObject({ welcomeIds: v.pipe(v.array(WelcomeId), v.minLength(1), v.maxLength(limits.mailboxPageMax)) }),
    output: Empty,
    errors: [],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
};
