/** What is asked and answered; plain data, because the index lives in a worker of its own where there is a screen. */
import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { Mark } from './folding-text.ts';

export type Has = 'link' | 'image' | 'file';

export interface SearchQuery {
  /** Words that all must be there, in any order; "several words" as one. Empty: whatever the filters leave. */
  readonly text: string;
  readonly from?: readonly UserId[];
  readonly in?: readonly ConversationId[];
  /** All of them. */
  readonly has?: readonly Has[];
  /** Milliseconds: sent at or after it. */
  readonly after?: number;
  /** Milliseconds: sent before it. */
  readonly before?: number;
  /** 0 to 500; with 0 the answer only tells how much there is. */
  readonly limit: number;
  /** Goes on behind what an earlier answer ended with. */
  readonly behind?: Place;
}

export interface Place {
  readonly sentAt: number;
  readonly conversationId: ConversationId;
  readonly sequence: number;
}

export interface Hit extends Place {
  readonly from: UserId;
  /** Around the first place that was found. */
  readonly text: string;
  readonly marks: readonly Mark[];
  /** Web addresses in it, at most 8. */
  readonly links: readonly string[];
}

export interface SearchAnswer {
  /** Newest first. */
  readonly hits: readonly Hit[];
  /** Where the next answer begins; null at the end. */
  readonly next: Place | null;
  /** Messages that were looked through. */
  readonly searched: number;
  /** False while the index is still being read: there will be more. */
  readonly whole: boolean;
  /** When the oldest message was sent that lies on this device; null without any. */
  readonly oldest: number | null;
}
