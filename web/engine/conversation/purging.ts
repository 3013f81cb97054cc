/**
 * What the server purged goes here too ([R11]): entries, ids and the keys of epochs that opened only them. Accepted only
 * at the beginning of a log, under the server's pinned key, and only if it fits what this device knows of the log.
 */
import { type Floor, floorStatement } from '#protocol/floor.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import { verifySignature } from '../identity/signature.ts';
import { epoch } from '../mls/reading.ts';
import { eraseUpTo } from '../store/folding.ts';
import { after, type ConversationState, messages, padded } from '../store/records.ts';
import type { Conversation } from './conversation.ts';
import { pinnedKey } from './server-key.ts';

const lastTextsMax = 200;

/** Running hash at a place, as far as this device knows it. */
async function knownHash({ parts, id, state }: Conversation, sequence: number): Promise<Uint8Array | null> {
  if (sequence === state.cursor.sequence) return state.cursor.hash;
  if (sequence === state.low.sequence) return state.low.hash;
  return (await parts.store.get(messages, `${id}/${padded(sequence)}`))?.entry.hash ?? null;
}

/**
 * Takes a floor and erases what lies below; false when it is not new or not accepted. A device that missed entries which
 * are gone, and with them perhaps commits, is over where it was and enters anew. Only inside `exclusively`.
 */
export async function acceptFloor(conversation: Conversation, floor: Floor): Promise<boolean> {
  const { parts, id, state } = conversation;
  if (floor.sequence <= (state.floor ?? 0) || conversation.halted !== null) return false;
  const statement = floorStatement(id, state.generation, floor);
  const known = await knownHash(conversation, floor.sequence);
  const fits = known === null || sameBytes(known, floor.hash);
  if (!fits || !(await verifySignature(await pinnedKey(parts), floor.signature, statement))) {
    conversation.contradicted(floor.sequence);
    return false;
  }
  const missed = floor.sequence > state.cursor.sequence;
  const stays = missed ? await sameEpoch(conversation) : true;
  await eraseBelow(conversation, floor.sequence);
  const at = { sequence: floor.sequence, hash: floor.hash };
  await conversation.update({
    floor: floor.sequence,
    low: state.low.sequence < floor.sequence ? at : state.low,
    cursor: missed ? at : state.cursor,
    ...(await whatIsLeft(conversation, floor.sequence)),
    ...(stays ? {} : { active: false, pending: null }),
  });
  parts.listener.onPurged(id, floor.sequence, missed);
  return true;
}

/** No commit was missed: the group here is still in the epoch that the conversation is in. */
async function sameEpoch(conversation: Conversation): Promise<boolean> {
  const { conversation: summary } = await conversation.parts.connection.call('conversation.get', {
    conversationId: conversation.id,
  });
  return summary.epoch === epoch(conversation.group);
}

/** Messages and ids in steps, keys last: whatever a crash interrupts is taken up by the next look at the same floor. */
async function eraseBelow(conversation: Conversation, sequence: number): Promise<void> {
  const { parts, id, group } = conversation;
  await eraseUpTo(parts.store, id, sequence);
  const [first] = await parts.store.range(messages, `${id}/${padded(sequence + 1)}`, after(`${id}/`), 1);
  await conversation.epochs.eraseBelow(Math.min(first?.value.entry.epoch ?? Infinity, epoch(group)));
}

/** List facts that may have come from what is gone. */
async function whatIsLeft(
  { parts, id, state }: Conversation,
  sequence: number,
): Promise<Pick<ConversationState, 'last' | 'unread'>> {
  const rows = await parts.store.range(messages, `${id}/${padded(sequence + 1)}`, after(`${id}/`), lastTextsMax, true);
  const texts = rows.filter(({ value }) => value.shown.type === 'text');
  const newest = texts[0]?.value;
  const last =
    newest?.shown.type === 'text'
      ? { from: newest.entry.user, text: newest.shown.text.slice(0, 280), at: newest.entry.sentAt }
      : null;
  const unread = texts.filter(
    ({ value }) => value.entry.user !== parts.me.userId && value.entry.sequence > state.readSequence,
  ).length;
  return { last, unread: Math.min(state.unread, unread) };
}
