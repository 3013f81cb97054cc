/** What a member accepts of somebody's commit, beyond what MLS itself checks ([E1], [C4], [C5]). */
import { parseCertificate } from '#protocol/certificate.ts';
import type { Entry } from '#protocol/envelope.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import type { CommitPolicy, Member, ProcessedCommit } from '../mls/reading.ts';
import type { Shown } from '../store/records.ts';

export const userOf = (credential: Uint8Array): UserId | null => parseCertificate(credential)?.userId ?? null;
export const deviceOf = (credential: Uint8Array) => parseCertificate(credential)?.deviceId ?? null;

export const sameDevice = (one: Uint8Array, other: Uint8Array): boolean => {
  const device = deviceOf(one);
  return device !== null && device === deviceOf(other) && userOf(one) === userOf(other);
};

export const usersOf = (members: readonly Member[]): readonly UserId[] => [
  ...new Set(members.map(({ credential }) => userOf(credential)).filter((user) => user !== null)),
];

const no = (reason: string) => ({ ok: false, reason }) as const;

/**
 * The outer sender must be the one that MLS authenticates. Who may remove others is the server's rule ([C4]) alone: the
 * owner is known from it only, and may have changed before or behind this entry by the time that it is read.
 */
export function commitPolicy(entry: Entry, revoked: (deviceId: DeviceId, at: number) => boolean): CommitPolicy {
  const isRevoked = (credential: Uint8Array): boolean => {
    const device = deviceOf(credential);
    return device !== null && revoked(device, entry.sentAt);
  };
  return (inspection, before) => {
    const { sender } = inspection;
    if (entry.epoch !== inspection.epoch) return no('epoch');
    const named = sender.kind === 'member' ? before.find(({ leaf }) => leaf === sender.leaf)?.credential : inspection.path?.credential;
    if (named === undefined || userOf(named) !== entry.user || deviceOf(named) !== entry.device) return no('sender');
    // [D4] Neither in nor acting, whatever the server says.
    if ([named, ...inspection.adds.map(({ credential }) => credential)].some(isRevoked)) return no('revoked');
    const removed = inspection.removes.map((leaf) => before.find((member) => member.leaf === leaf));
    if (sender.kind === 'external') {
      if (!before.some(({ credential }) => userOf(credential) === entry.user)) return no('external_stranger');
      const own = removed.every((member) => member !== undefined && sameDevice(member.credential, named));
      return own && inspection.adds.length === 0 ? { ok: true } : no('external_changes');
    }
    return removed.includes(undefined) ? no('removes_nobody') : { ok: true };
  };
}

/** What a commit did to people, as a timeline line; `devices`: people who came with one more device only. */
export function shownCommit(before: readonly UserId[], after: readonly UserId[], done: Pick<ProcessedCommit, 'added'>): Shown {
  const added = after.filter((user) => !before.includes(user));
  const removed = before.filter((user) => !after.includes(user));
  const devices = usersOf(done.added).filter((user) => before.includes(user));
  return added.length + removed.length + devices.length === 0 ? { type: 'nothing' } : { type: 'members', added, removed, devices: [...devices] };
}
