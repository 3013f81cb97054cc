/**
 * From an entry of the log to what a person may see of it, or the reason why not ([E3], [E4]). Judges one entry; order,
 * chain and replays are the caller's.
 */
import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { sameBytes } from '../identity/same-bytes.ts';
import type { BodyCipher } from '../content/body.ts';
import { decodeContent, type ToldHead } from '../content/content.ts';
import type { EpochState, Shown } from '../store/records.ts';
import { deviceKeyIn } from './epochs.ts';

export type Reading =
  | { readonly ok: true; readonly shown: Shown; readonly head?: ToldHead | undefined }
  /** The key is not here: not the sender's fault, and it may come. */
  | { readonly ok: false; readonly reason: 'key_missing' }
  | { readonly ok: false; readonly reason: 'not_in_group' | 'body' | 'content' | 'seen_ahead'; readonly why: string }
  /** The sender saw another history than this device. */
  | { readonly ok: false; readonly reason: 'forked' };

export interface LogKnowledge {
  /** Running hash at a sequence, null where this device does not know it. */
  hashAt(sequence: number): Promise<Uint8Array | null>;
}

/** Reads an entry of kind message, meta or leave with the secrets of the epoch that the log was in. */
export async function readEntry(
  cipher: BodyCipher,
  conversation: ConversationId,
  entry: Entry & { readonly kind: 'message' | 'meta' | 'leave' },
  secrets: EpochState | null,
  log: LogKnowledge,
): Promise<Reading> {
  if (secrets === null) return { ok: false, reason: 'key_missing' };
  const deviceKey = deviceKeyIn(secrets, entry.user, entry.device);
  if (deviceKey === null) return { ok: false, reason: 'not_in_group', why: 'device' };
  const secret = { conversation, epoch: entry.epoch, contentKey: secrets.contentKey };
  const opened = await cipher.open(secret, { device: entry.device, id: entry.id, kind: entry.kind }, entry.body, deviceKey);
  if (!opened.ok) return { ok: false, reason: 'body', why: opened.reason };
  if (opened.seenSequence >= entry.sequence) return { ok: false, reason: 'seen_ahead', why: 'seen' };
  // Whoever sealed before there was a log cannot have known its start.
  const blank = opened.seenSequence === 0 && opened.seenHash.every((byte) => byte === 0);
  const known = blank ? null : await log.hashAt(opened.seenSequence);
  if (known !== null && !sameBytes(known, opened.seenHash)) return { ok: false, reason: 'forked' };
  const decoded = decodeContent(entry.kind, opened.content);
  if (!decoded.ok) return { ok: false, reason: 'content', why: decoded.reason };
  const { content } = decoded;
  if (content.type === 'text') return { ok: true, shown: { type: 'text', text: content.text }, head: content.head };
  if (content.type === 'meta') return { ok: true, shown: { type: 'titled', title: content.title } };
  if (content.type === 'leave') return { ok: true, shown: { type: 'left' } };
  return { ok: true, shown: { type: 'nothing' } };
}
