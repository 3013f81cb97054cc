/**
 * Erasure and retention as the domain asks for them. The promises of store.ts hold here too. Whole UTC days of a
 * conversation go at once, always the oldest: what is left of a log begins behind its floor.
 */
import type { ConversationId, Generation, UserId } from '#protocol/ids.ts';
import type { Acts } from './audit-store.ts';
import type {
  ErasedOther,
  ErasedRange,
  ErasureProof,
  ErasureReason,
  ErasureScope,
  Hold,
  ReceiptId,
  RetentionPolicy,
  SignedReceipt,
} from '#protocol/retention.ts';

/** Where a purged log begins: everything up to and including `sequence` is gone. */
export interface LogFloor {
  readonly sequence: number;
  /** Running hash at `sequence`: the chain goes on from here. */
  readonly hash: Uint8Array<ArrayBuffer>;
  /** Sent time of the entry that stood there; later ones are not older. */
  readonly sentAt: number;
  /** Last day that was purged; later entries are kept under later days, whatever the clock says. */
  readonly day: number;
  readonly purgedAt: number;
}

/** What a purge would take, in whole days (UTC days since 1970-01-01). */
export interface PurgePlan {
  readonly conversationId: ConversationId;
  readonly fromSequence: number;
  readonly throughSequence: number;
  readonly fromDay: number;
  readonly throughDay: number;
}

/** What the register outside of the database remembers, so that an older copy of it does not bring back what went. */
export type Registered =
  | ({ readonly kind: 'floor' } & RegisteredFloor)
  /** Files of the conversation that were created before. */
  | { readonly kind: 'files'; readonly conversationId: ConversationId; readonly before: number }
  /** Audit entries older than this. */
  | { readonly kind: 'audit'; readonly before: number }
  | { readonly kind: 'person'; readonly userId: UserId; readonly scope: ErasureScope; readonly goneAt: number }
  | { readonly kind: 'policy'; readonly policy: RetentionPolicy }
  | { readonly kind: 'hold'; readonly hold: Hold };

/** A floor as the register outside of the database keeps it. */
export interface RegisteredFloor {
  readonly conversationId: ConversationId;
  readonly generation: Generation;
  readonly floor: LogFloor;
}

export interface StoredReceipt extends SignedReceipt {
  readonly receiptId: ReceiptId;
  readonly at: number;
}

/** Policies and holds. */
export interface RetentionStore {
  policies(): Promise<readonly RetentionPolicy[]>;
  /** Replaces the one of the same class and conversation. */
  setPolicy(policy: RetentionPolicy, acts: Acts): Promise<void>;
  holds(): Promise<readonly Hold[]>;
  /** `expected`: the state that is stored, null when it is new; `conflict` changes nothing. */
  putHold(hold: Hold, expected: Hold['state'] | null, acts: Acts): Promise<'stored' | 'conflict'>;
}

/** Leases of scheduled jobs: at most one holder, and none that lost its lease can report an end. */
export interface Lease {
  /** Grows with each holder of the job. */
  readonly token: number;
  /** When the run that the last end belongs to began; null before the first. */
  readonly lastRunAt: number | null;
}
export interface LeaseStore {
  /** Null while somebody else holds it. One that would end later than this one was taken before the clock went back, and is over. */
  acquire(job: string, now: number, until: number): Promise<Lease | null>;
  /** False when the lease went to somebody else. */
  renew(job: string, token: number, until: number): Promise<boolean>;
  /** Ends the run; `lastRunAt` null leaves what was (the run failed). False when the lease went to somebody else. */
  release(job: string, token: number, lastRunAt: number | null): Promise<boolean>;
  /** When the last run that ended had begun. */
  lastRunAt(job: string): Promise<number | null>;
}

export interface Settled {
  readonly conversations: readonly ConversationId[];
  readonly people: readonly UserId[];
  /** As `unsettled` gave them. */
  readonly others: readonly ErasedOther[];
}

/** Why and up to when something goes: what its receipt says. */
export type Why = Pick<ErasedOther, 'reason' | 'before'>;

/** Called between small steps, so that others get their turn. */
export type Pause = () => Promise<void>;

export interface ErasureStore {
  /** In a stable order, behind `after`. */
  conversations(after: ConversationId | null, limit: number): Promise<readonly ConversationId[]>;
  /** What whole days before `beforeDay` hold; null when that is nothing. Bounded by `purgeDaysMax` and `purgeEntriesMax`: a longer past takes several. */
  plan(conversationId: ConversationId, beforeDay: number): Promise<PurgePlan | null>;
  /**
   * Raises the floor to the end of the plan, in one transaction: from then on nothing below it is served, whatever
   * happens. Null when the plan does not fit the log any more.
   */
  begin(plan: PurgePlan, reason: ErasureReason, purgedAt: number): Promise<LogFloor | null>;
  /** What went of classes of data and has no receipt yet, one for each class and conversation. */
  unsettled(): Promise<readonly ErasedOther[]>;
  /** Whether a purge was begun that has no receipt yet. */
  begun(): Promise<boolean>;
  /** Deletes what was begun, in small synced batches; goes on where a crash interrupted it. Gives all that has no receipt yet. */
  finish(pause: Pause): Promise<readonly ErasedRange[]>;
  /**
   * Compacts, looks for fingerprints of everything deleted and not proven yet, deletes again what is still there, and
   * wraps the surviving keys anew. Null when there is nothing to prove.
   */
  prove(pause: Pause): Promise<ErasureProof | null>;
  /** The next proof wraps the surviving keys anew, also when no record of a log was deleted (keys of files were). */
  requestShredding(): Promise<void>;
  /** Stores the receipt, and in the same transaction ends what it tells of. */
  settle(receipt: StoredReceipt, settled: Settled, acts: Acts): Promise<void>;
  /** Newest first, behind `before`. */
  receipts(before: StoredReceipt | null, limit: number): Promise<readonly StoredReceipt[]>;
  receipt(receiptId: ReceiptId): Promise<StoredReceipt | null>;
  /** All floors, for the register. */
  floors(): Promise<readonly RegisteredFloor[]>;
  /** Raises floors that this store does not have yet (an older copy was put back). Gives those it raised. */
  reapply(registered: readonly RegisteredFloor[]): Promise<readonly RegisteredFloor[]>;
}

/** What was purged, and the rules and holds, outside of the database, so that an older copy of it is noticed ([R6]). */
export interface PurgeRegister {
  read(): Promise<readonly Registered[]>;
  /** On disk when it resolves. Never goes back: a lower floor, an earlier time or an older rule changes nothing. */
  add(things: readonly Registered[]): Promise<void>;
}

/** Days that one plan may span. */
export const purgeDaysMax = 366;
/** Entries that one plan may hold, unless a single day has more: their fingerprints are in memory until they are proven gone. */
export const purgeEntriesMax = 100_000;

/** Of two things of one place in the register the one that counts; stages of a hold only go forward. */
export function isNewer(one: Registered, known: Registered): boolean {
  switch (one.kind) {
    case 'floor':
      return known.kind !== 'floor' || known.generation !== one.generation || known.floor.sequence < one.floor.sequence;
    case 'files':
    case 'audit':
      return known.kind !== one.kind || known.before < one.before;
    case 'person':
      return known.kind !== 'person' || (known.scope === 'account' && one.scope === 'all');
    case 'policy':
      return known.kind !== 'policy' || known.policy.setAt < one.policy.setAt;
    case 'hold':
      return known.kind !== 'hold' || holdStages.indexOf(known.hold.state) < holdStages.indexOf(one.hold.state);
  }
}
const holdStages: readonly Hold['state'][] = ['proposed', 'active', 'releasing', 'released'];

/** One thing of the register for each. */
export function registerPlace(thing: Registered): string {
  switch (thing.kind) {
    case 'floor':
    case 'files':
      return `${thing.kind} ${thing.conversationId}`;
    case 'audit':
      return 'audit';
    case 'person':
      return `person ${thing.userId}`;
    case 'policy':
      return `policy ${thing.policy.class} ${thing.policy.conversationId ?? ''}`;
    case 'hold':
      return `hold ${thing.hold.holdId}`;
  }
}
