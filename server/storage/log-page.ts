/** What both adapters agree upon about logs. */
import type { Entry } from '#protocol/envelope.ts';
import { type ConversationRecord, type MemberRecord, type Roster, StoreFailure } from '../ports/store.ts';

/** Takes entries while they fit into a page; the first always fits. */
export class Page {
  readonly entries: Entry[] = [];
  #bytes = 0;

  constructor(
    readonly entriesMax: number,
    /** Of bodies. */
    readonly bytesMax: number,
  ) {}

  /** False when the entry does not fit any more. */
  take(entry: Entry): boolean {
    if (this.entries.length >= this.entriesMax) return false;
    if (this.entries.length > 0 && this.#bytes + entry.body.length > this.bytesMax) return false;
    this.entries.push(entry);
    this.#bytes += entry.body.length;
    return true;
  }
}

/** Throws StoreFailure unless the entries follow the head without a gap and without going back in time. */
export function checkFollows(
  head: { readonly sequence: number; readonly sentAt: number },
  expected: number,
  entries: readonly Entry[],
): void {
  if (head.sequence !== expected)
    throw new StoreFailure(`the log is at ${head.sequence}, not at the expected ${expected}`);
  let { sequence, sentAt } = head;
  for (const entry of entries) {
    if (entry.sequence !== sequence + 1) throw new StoreFailure(`entry ${entry.sequence} does not follow ${sequence}`);
    if (entry.sentAt < sentAt)
      throw new StoreFailure(`entry ${entry.sequence} was sent before the one that it follows`);
    ({ sequence, sentAt } = entry);
  }
}

/** Members who are not leaving: who sees the conversation. */
export function present(roster: Roster): ReadonlyMap<string, MemberRecord> {
  return new Map(roster.members.filter((member) => !member.leaving).map((member) => [member.userId, member]));
}

/** Who comes into view (or anew, with another joined sequence) and who goes out of it when the roster changes. */
export function presenceChange(
  before: Roster | null,
  after: Roster,
): { readonly came: readonly MemberRecord[]; readonly went: readonly MemberRecord[] } {
  const earlier = before === null ? new Map<string, MemberRecord>() : present(before);
  const later = present(after);
  return {
    came: [...later.values()].filter((member) => earlier.get(member.userId)?.joinedSequence !== member.joinedSequence),
    went: [...earlier.values()].filter((member) => !later.has(member.userId)),
  };
}

/** The record with its head behind the entries. */
export function withEntries(record: ConversationRecord, entries: readonly Entry[], roster: Roster): ConversationRecord {
  const last = entries.at(-1);
  return {
    ...record,
    roster,
    ...(last === undefined ? {} : { headSequence: last.sequence, headHash: last.hash, headSentAt: last.sentAt }),
    metaSequence: entries.findLast((entry) => entry.kind === 'meta')?.sequence ?? record.metaSequence,
  };
}
