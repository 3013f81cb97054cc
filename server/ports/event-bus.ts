import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId, DeviceId, Generation, SessionId, UserId } from '#protocol/ids.ts';
import type { Suite } from '#protocol/model.ts';

/** What happened, after it is on disk. Hints for live sessions: the log is the truth. */
export type Happening =
  | { readonly kind: 'appended'; readonly conversationId: ConversationId; readonly generation: Generation; readonly entries: readonly Entry[] }
  /** Members, epoch or owner changed, or the conversation is new. `removed` people are cut off before anybody hears of later entries. */
  | {
      readonly kind: 'membership';
      readonly conversationId: ConversationId;
      readonly added: readonly UserId[];
      readonly removed: readonly UserId[];
    }
  | { readonly kind: 'welcome'; readonly conversationId: ConversationId; readonly devices: readonly DeviceId[] }
  | { readonly kind: 'read'; readonly conversationId: ConversationId; readonly userId: UserId; readonly readSequence: number }
  | {
      readonly kind: 'signal';
      readonly conversationId: ConversationId;
      readonly epoch: number;
      readonly user: UserId;
      readonly device: DeviceId;
      readonly body: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: 'devices'; readonly userId: UserId }
  | { readonly kind: 'approval'; readonly userId: UserId; readonly code: string }
  /** Its unlockers or key changed. */
  | { readonly kind: 'vault'; readonly userId: UserId; readonly version: number }
  | { readonly kind: 'keyPackagesLow'; readonly deviceId: DeviceId; readonly suite: Suite; readonly count: number }
  | { readonly kind: 'sessionEnded'; readonly sessionId: SessionId; readonly reason: 'signed_out' | 'revoked' | 'expired' }
  /** [A17] It has something to do first now, or has done it. */
  | { readonly kind: 'sessionRestricted' | 'sessionFreed'; readonly sessionId: SessionId }
  | { readonly kind: 'auditHead'; readonly checkpoint: string; readonly admins: readonly UserId[] }
  /** There is no room to write any more, or there is again. */
  | { readonly kind: 'storage'; readonly full: boolean }
  | { readonly kind: 'sessionBound'; readonly sessionId: SessionId; readonly deviceId: DeviceId };

export interface EventBus {
  publish(happening: Happening): void;
  /** Listeners run synchronously, in order of subscription. Returns the way to stop. */
  subscribe(listener: (happening: Happening) => void): () => void;
}
