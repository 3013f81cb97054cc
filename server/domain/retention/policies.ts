/** Which rule holds for what, and what a hold keeps. Pure. */
import type { ConversationId } from '#protocol/ids.ts';
import type { Hold, RetentionClass, RetentionPolicy } from '#protocol/retention.ts';

export const dayMs = 86_400_000;

/** The rule in force; one of the conversation goes before the one of everywhere, also when it says to keep. Null: nothing is erased. */
export function policyFor(
  policies: readonly RetentionPolicy[],
  ofClass: RetentionClass,
  conversationId: ConversationId | null,
): (RetentionPolicy & { readonly days: number }) | null {
  const own = policies.find((policy) => policy.class === ofClass && policy.conversationId === conversationId);
  const policy = own ?? policies.find((other) => other.class === ofClass && other.conversationId === null);
  return policy === undefined || policy.days === null ? null : { ...policy, days: policy.days };
}

/** A proposed hold suspends until it lapses unconfirmed; a confirmed one until its end or its release by two people. */
export function suspends(hold: Hold, now: number): boolean {
  if (hold.state === 'released' || now >= hold.until) return false;
  return hold.state !== 'proposed' || now < hold.confirmBy;
}

/** The first hold that keeps this conversation; null for none. A hold of everywhere keeps everything. */
export const heldBy = (holds: readonly Hold[], conversationId: ConversationId | null, now: number): Hold | null =>
  holds.find(
    (hold) => suspends(hold, now) && (hold.conversationId === null || hold.conversationId === conversationId),
  ) ?? null;

/** Whole UTC days before this one are older than `days` days. */
export const cutoffDay = (now: number, days: number): number => Math.floor((now - days * dayMs) / dayMs);
