/** Erasing accounts, in two steps, and the receipts of what was deleted. */
import type { ErasedOther, ErasureReason, ErasureScope, Receipt } from '#protocol/retention.ts';
import type { ConversationId, Me, PersonView, UserId } from '../app.ts';
import type { AdministrationApi, ReceiptView } from './desk.ts';

export type { ErasureReason, ErasureScope, Receipt };
export type RequestId = Awaited<ReturnType<AdministrationApi['requestErasure']>>['requestId'];

/** Asked for on this device and good for one try until `confirmBy`; only who asked can confirm ([R14]). */
export interface Asked {
  readonly requestId: RequestId;
  readonly confirmBy: number;
  readonly userId: UserId;
  readonly name: string;
  readonly handle: string;
}
export const stillOpen = (asked: readonly Asked[], now: number): readonly Asked[] => asked.filter(({ confirmBy }) => confirmBy > now);

/** Whose accounts this administrator may erase: not the owner's, an admin's only as the owner, one's own in the settings. */
export const erasable = (people: readonly PersonView[], me: Me): readonly PersonView[] =>
  people.filter(({ userId, role }) => userId !== me.userId && (role === 'member' || (role === 'admin' && me.role === 'owner')));

/** As people type it: with or without the sign in front, in any case. */
export const handleTyped = (text: string): string => text.trim().replace(/^@/, '').toLowerCase();

export interface ReceiptLine {
  readonly class: 'messages' | ErasedOther['class'];
  readonly conversationId: ConversationId | null;
  readonly userId: UserId | null;
  readonly count: number;
  readonly reason: ErasureReason;
}
export function linesOf({ ranges, others }: Receipt): readonly ReceiptLine[] {
  const messages = ranges.map(({ conversationId, counts, reason }): ReceiptLine => ({ class: 'messages', conversationId, userId: null, count: counts.entries, reason }));
  return [...messages, ...others.map(({ class: ofClass, conversationId, userId, count, reason }) => ({ class: ofClass, conversationId, userId: userId ?? null, count, reason }))];
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
/** What an auditor keeps: the statement exactly as it was signed, and the signature. */
export const receiptFile = ({ receiptId, statement, signature }: ReceiptView): { readonly name: string; readonly text: string } => ({
  name: `lanying-receipt-${receiptId}.json`,
  text: `${JSON.stringify({ statement, signature: hex(signature) }, null, 2)}\n`,
});
