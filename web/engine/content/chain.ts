/** The running hash over a conversation's log [L6], [E4]. Recomputed by every reader. */
import { sha256 } from '@noble/hashes/sha2.js';
import { chainInput, chainStart, type Entry } from '#protocol/envelope.ts';
import type { ConversationId, Generation } from '#protocol/ids.ts';

/** hash(0), 32 bytes: that of the empty log, before sequence 1. */
export const startHash = (conversation: ConversationId, generation: Generation): Uint8Array<ArrayBuffer> =>
  new Uint8Array(sha256(chainStart(conversation, generation)));

/** hash(n), 32 bytes, from hash(n-1) and entry n. Does not look at entry.hash: compare with it. */
export const hashEntry = (previous: Uint8Array, conversation: ConversationId, entry: Omit<Entry, 'hash'>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(sha256(chainInput(previous, conversation, entry, sha256(entry.body))));
