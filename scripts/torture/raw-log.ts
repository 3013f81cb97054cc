/** Bare senders into one conversation, and what its log must show afterwards. */
import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import {
  anotherSession,
  createConversation,
  createOwner,
  noiseBody,
  type RawAccount,
  RawSocket,
} from '../../test/harness/raw-client.ts';
import { commands } from '../../server/protocol/commands/index.ts';
import { chainInput, type Entry } from '../../server/protocol/envelope.ts';
import { type ConversationId, idFromBytes, type MessageId } from '../../server/protocol/ids.ts';

export interface SeenEntry {
  readonly id: string;
  readonly sequence: number;
}

/**
 * Throws when the log, read from its first entry, has a gap, shows an entry twice, or lacks one that was acknowledged or
 * has it at another place. `acknowledged`: sequence by message id.
 */
export function checkLog(entries: readonly SeenEntry[], acknowledged: ReadonlyMap<string, number>): void {
  const seen = new Map<string, number>();
  for (const { id, sequence } of entries) {
    if (sequence !== seen.size + 1) throw new Error(`a gap: ${sequence} follows ${seen.size}`);
    if (seen.has(id)) throw new Error(`doubled: ${sequence} and ${seen.get(id)}`);
    seen.set(id, sequence);
  }
  for (const [id, sequence] of acknowledged)
    if (seen.get(id) !== sequence) throw new Error(`lost or moved: ${sequence} is at ${seen.get(id)}`);
}

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Throws when an entry is not what its running hash says: one that is torn, or of another place. */
export function checkLink(
  conversationId: ConversationId,
  previousHash: Uint8Array,
  { body, hash, ...entry }: Entry,
): void {
  const link = digestOf(chainInput(previousHash, conversationId, entry, digestOf(body)));
  if (!link.equals(hash)) throw new Error(`torn: ${entry.sequence} is not what its running hash says`);
}

export interface Shown {
  readonly entries: readonly SeenEntry[];
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** The whole log as the server shows it now. Throws when an entry is torn. */
export async function readLog(origin: string, cookie: string, conversationId: ConversationId): Promise<Shown> {
  const socket = await RawSocket.open(origin, cookie);
  const entries: SeenEntry[] = [];
  let hash: Uint8Array<ArrayBuffer> | null = null;
  for (;;) {
    const frame = await socket.call('log.read', { conversationId, after: entries.at(-1)?.sequence ?? 0 });
    if (frame.kind !== 'answer') throw new Error(`log.read: ${JSON.stringify(frame)}`);
    const { page } = v.parse(commands['log.read'].output, frame.output);
    hash ??= page.previousHash;
    if (page.entries.length === 0) break;
    for (const entry of page.entries) {
      checkLink(conversationId, hash, entry);
      entries.push({ id: entry.id, sequence: entry.sequence });
      hash = entry.hash;
    }
  }
  await socket.close();
  return { entries, hash };
}

/** Sends one after the other while `more` says so or until the socket is gone, and notes each acknowledgement. */
export async function sendWhile(
  more: () => boolean,
  socket: RawSocket,
  to: { readonly conversationId: ConversationId; readonly shown: Shown; readonly acknowledged: Map<string, number> },
): Promise<void> {
  const { conversationId, shown, acknowledged } = to;
  while (more()) {
    const id = idFromBytes<MessageId>(new Uint8Array(randomBytes(16)));
    const message = { id, epoch: 0, body: noiseBody(shown.entries.length, shown.hash, 1024) };
    const frame = await socket.call('conversation.send', { conversationId, kind: 'message', message });
    if (frame.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(frame)}`);
    const { receipt } = v.parse(commands['conversation.send'].output, frame.output);
    acknowledged.set(receipt.id, receipt.sequence);
  }
}

/** A new server's owner and a conversation of theirs. */
export async function begin(
  origin: string,
  token: string,
): Promise<{ readonly account: RawAccount; readonly conversationId: ConversationId }> {
  const account = await createOwner(origin, token);
  const socket = await RawSocket.open(origin, await anotherSession(origin, account));
  const { conversationId } = await createConversation(socket, account);
  await socket.close();
  return { account, conversationId };
}
