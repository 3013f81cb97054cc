/** People whose accounts were taken away, and what is left of them. The promises of store.ts hold here too. */
import type { DeviceId, UserId } from '#protocol/ids.ts';
import type { ErasureReason } from '#protocol/retention.ts';
import type { Acts } from './audit-store.ts';
import type { Pause } from './retention-store.ts';
import type { SessionRecord } from './store.ts';

/**
 * `closing` → `closed`: nobody signs in with it, its profile, devices, sessions, mailboxes and key packages are gone.
 * → `erasing` → `erased`: so are its vault, archive and key of personal data; what stays is this record.
 */
export type GoneState = 'closing' | 'closed' | 'erasing' | 'erased';

export interface GonePerson {
  readonly userId: UserId;
  readonly goneAt: number;
  readonly state: GoneState;
  readonly reason: ErasureReason;
  readonly devices: readonly DeviceId[];
  /** Since the last receipt. */
  readonly records: number;
  readonly bytes: number;
}

export interface PeopleStore {
  /**
   * Takes the account, its handle, credentials, profile and device certificates away and revokes the invites that it
   * left open, in one batch with the acts. `again`: it was taken before, and if only closed then goes on to `state` now.
   */
  take(
    userId: UserId,
    as: { readonly state: 'closing' | 'erasing'; readonly goneAt: number; readonly reason: ErasureReason },
    acts: Acts,
  ): Promise<'taken' | 'again' | 'unknown'>;
  /** Null for people who are here or never were. */
  gone(userId: UserId): Promise<GonePerson | null>;
  /** All of them, in a stable order behind `after`. */
  list(after: UserId | null, limit: number): Promise<readonly GonePerson[]>;
  /** Ends every session of a person at once, and gives them. */
  endSessions(userId: UserId): Promise<readonly SessionRecord[]>;
  /** Deletes in small synced batches what the state says; goes on where a crash interrupted it. Their receipt settles them. */
  erase(userId: UserId, pause: Pause): Promise<GonePerson>;
}
