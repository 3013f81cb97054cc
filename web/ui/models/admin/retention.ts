/** Rules of retention and legal holds: what is in force, what a form may say, and who may do what with a hold. */
import type { Hold, RetentionClass, RetentionPolicy } from '#protocol/retention.ts';
import type { ConversationId, UserId } from '../app.ts';
import { dayStart } from './audit.ts';
import type { RetentionPreview } from './desk.ts';

export type { Hold, RetentionClass, RetentionPolicy };
export type HoldId = Hold['holdId'];

/** Every class has its place: one that is added without one does not compile. */
const order: Readonly<Record<RetentionClass, { readonly single: boolean }>> = {
  messages: { single: true },
  files: { single: true },
  audit: { single: false },
  sessions: { single: false },
  accounts: { single: false },
};
const isClass = (name: string): name is RetentionClass => Object.hasOwn(order, name);
export const classes: readonly RetentionClass[] = Object.keys(order).filter(isClass);
/** Those that may have rules for single conversations. */
export const singleClasses = classes.filter((ofClass) => order[ofClass].single);

/** Days for everywhere; null: no limit. */
export const daysOf = (policies: readonly RetentionPolicy[], ofClass: RetentionClass): number | null =>
  policies.find((policy) => policy.class === ofClass && policy.conversationId === null)?.days ?? null;
export type SinglePolicy = RetentionPolicy & { readonly conversationId: ConversationId };
/** Rules of single conversations, newest first. */
export const singles = (policies: readonly RetentionPolicy[]): readonly SinglePolicy[] =>
  policies.filter((policy): policy is SinglePolicy => policy.conversationId !== null).toSorted((a, b) => b.setAt - a.setAt);

export const daysMax = 36_500;
/** Whole days as typed; null for what is none. */
export function daysTyped(text: string): number | null {
  const tidy = text.trim();
  const days = /^\d{1,5}$/.test(tidy) ? Number(tidy) : 0;
  return days >= 1 && days <= daysMax ? days : null;
}
/** Whether a rule deletes what the one before kept. */
export const isShorter = (before: number | null, after: number | null): boolean => after !== null && (before === null || after < before);

export interface DueRow {
  readonly key: string;
  readonly class: RetentionClass;
  readonly conversationId: ConversationId | null;
  readonly count: number;
  /** What is older goes, in milliseconds. */
  readonly before: number;
  readonly days: number;
  readonly held: boolean;
}
const dayMs = 86_400_000;
/** What a run would take, and what a hold keeps, in one form; what goes comes first. */
export function dueRows({ items, others }: RetentionPreview): readonly DueRow[] {
  const messages = items.map(({ conversationId, fromSequence, throughSequence, throughDay, days, heldBy }): DueRow => ({
    key: `messages ${conversationId}`,
    class: 'messages',
    conversationId,
    count: throughSequence - fromSequence + 1,
    before: (throughDay + 1) * dayMs,
    days,
    held: heldBy !== null,
  }));
  const rest = others.map(({ class: ofClass, conversationId, count, before, days, heldBy }): DueRow => ({
    key: `${ofClass} ${conversationId ?? ''}`,
    class: ofClass,
    conversationId,
    count,
    before,
    days,
    held: heldBy !== null,
  }));
  return [...messages, ...rest].toSorted((a, b) => Number(a.held) - Number(b.held));
}

export type HoldStanding = Hold['state'] | 'lapsed' | 'ended';
export type HoldStep = 'confirm' | 'confirm_release' | 'release' | 'withdraw';

/** `lapsed`: nobody confirmed it in time. `ended`: its time is over. */
export function standingOf(hold: Hold, now: number): HoldStanding {
  if (hold.state === 'released') return 'released';
  if (hold.state === 'proposed' && now >= hold.confirmBy) return 'lapsed';
  return now >= hold.until ? 'ended' : hold.state;
}
export const isOpen = (standing: HoldStanding): boolean => standing === 'proposed' || standing === 'active' || standing === 'releasing';
/** What this administrator may do next; a second person confirms what the first asked for ([R9]). */
export function stepsOf(hold: Hold, me: UserId, now: number): readonly HoldStep[] {
  switch (standingOf(hold, now)) {
    case 'proposed':
      return hold.placedBy === me ? ['withdraw'] : ['confirm', 'withdraw'];
    case 'active':
      return ['release'];
    case 'releasing':
      return hold.releaseBy === me ? [] : ['confirm_release'];
    case 'lapsed':
    case 'ended':
    case 'released':
      return [];
  }
}
/** Waits for somebody else than this administrator. */
export const waitsForOther = (hold: Hold, me: UserId, now: number): boolean => {
  const standing = standingOf(hold, now);
  return (standing === 'proposed' && hold.placedBy === me) || (standing === 'releasing' && hold.releaseBy === me);
};

const holdDaysMax = 730;
/** The end of the chosen day; null for one that is over or too far. */
export function holdEnd(day: string, now: number): number | null {
  const end = dayStart(day, 1);
  return end === null || end <= now + dayMs || end > now + holdDaysMax * dayMs ? null : end;
}
/** A day of this device's calendar, `YYYY-MM-DD`, some days from now. */
export function dayIn(days: number, now: number): string {
  const at = new Date(now);
  const day = new Date(at.getFullYear(), at.getMonth(), at.getDate() + days);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
