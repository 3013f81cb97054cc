/** What the SDK asks of the engine beyond what screens do. */
import type { ConversationId, MessageId, UserId } from '#protocol/ids.ts';
import type { Engine } from '../engine/api.ts';

export interface TextEntry {
  readonly id: MessageId;
  readonly sequence: number;
  readonly from: UserId;
  readonly sentAt: number;
  readonly text: string;
}

export interface HeadlessEngine extends Engine {
  /** Resolves when this sign-in has caught up with the server once; rejects with `engine.closed`. */
  synced(): Promise<void>;
  /** Sequence of a message of this device once it is acknowledged; rejects with the code that it failed with, or `engine.closed`. */
  delivered(conversationId: ConversationId, id: MessageId): Promise<number>;
  /** Texts before a sequence (null: the newest), newest first; fetches older pages where they are not on this device. */
  readTexts(conversationId: ConversationId, before: number | null, limit: number): Promise<readonly TextEntry[]>;
  /** Texts that became part of the local log, live or while catching up, each once. */
  onText(listener: (conversationId: ConversationId, entry: TextEntry) => void): () => void;
}
