/** Who is in a conversation, moved on by commits and departures (rules [C3]–[C5], [C9]). Pure. */
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { pastStaysMax, pastStaysOfOneMax } from '#protocol/limits.ts';
import type { Leaf, MemberRecord, Roster, Stay } from '../ports/store.ts';

/** A leaf that a commit brings in, after its certificate was checked. */
export interface NewLeaf {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** A commit whose leaves are known devices. */
export interface RosterCommit {
  readonly by: NewLeaf;
  readonly sender: { readonly kind: 'member'; readonly leafIndex: number } | { readonly kind: 'new_member' };
  readonly removes: readonly number[];
  readonly adds: readonly NewLeaf[];
}

export type CommitRefusal =
  | 'sender' | 'not_member' | 'leaf_unknown' | 'leaf_twice' | 'removes_itself' | 'may_not_remove' | 'leaf_exists' | 'leaving' | 'external';

export const memberOf = (roster: Roster, userId: UserId): MemberRecord | undefined => roster.members.find((member) => member.userId === userId);
export const isActive = (roster: Roster, userId: UserId): boolean => memberOf(roster, userId)?.leaving === false;
export const someoneLeaves = (roster: Roster): boolean => roster.members.some((member) => member.leaving) || leavingLeaves(roster).length > 0;

const leavingKnown = new WeakMap<Roster, readonly Leaf[]>();

/** Leaves that the next commit must remove ([D5], [D6]); the last leaf of a person stays, or they would be out. */
export function leavingLeaves(roster: Roster): readonly Leaf[] {
  const known = leavingKnown.get(roster);
  if (known !== undefined) return known;
  const marked = roster.leaves.filter((leaf) => leaf.leaving === true);
  const staying = new Set(marked.length === 0 ? [] : roster.leaves.flatMap((leaf) => (leaf.leaving === true ? [] : [leaf.userId])));
  const found = marked.filter((leaf) => staying.has(leaf.userId));
  leavingKnown.set(roster, found);
  return found;
}

/** The roster with the leaves of these devices marked or not any more; null when that changes nothing. */
export function withMarks(roster: Roster, marks: ReadonlyMap<DeviceId, boolean>): Roster | null {
  const changes = ({ deviceId, leaving }: Leaf): boolean => marks.has(deviceId) && marks.get(deviceId) !== (leaving === true);
  if (!roster.leaves.some(changes)) return null;
  const leaves = roster.leaves.map((leaf) => {
    if (!changes(leaf)) return leaf;
    const { index, userId, deviceId } = leaf;
    return leaf.leaving === true ? { index, userId, deviceId } : { index, userId, deviceId, leaving: true as const };
  });
  return { ...roster, leaves };
}
export const leafOf = (roster: Roster, deviceId: DeviceId): Leaf | undefined => roster.leaves.find((leaf) => leaf.deviceId === deviceId);

/** [C9]: the owner stays while active; else the longest-standing active member. */
function ownerAfter(owner: UserId, members: readonly MemberRecord[]): UserId {
  const active = members.filter((member) => !member.leaving);
  return active.some((member) => member.userId === owner) ? owner : (active[0]?.userId ?? owner);
}

/** `sequence`: of the farewell, the last entry of this stay. */
export function afterDeparture(roster: Roster, userId: UserId, sequence: number): Roster {
  const members = roster.members.map((member) => (member.userId === userId ? { ...member, leaving: true } : member));
  const went = roster.members.filter((member) => member.userId === userId && !member.leaving);
  return { ...roster, members, owner: ownerAfter(roster.owner, members), ...withPast(roster, went, sequence) };
}

/** The stays of these members end at `to`; one that follows on the last of its person continues it. */
function withPast(roster: Roster, went: readonly MemberRecord[], to: number): Pick<Roster, 'past'> {
  if (went.length === 0) return {};
  let past = roster.past ?? [];
  for (const { userId, joinedSequence } of went) {
    const own = past.filter((stay) => stay.userId === userId);
    const last = own.at(-1);
    const continued = last?.to === joinedSequence - 1 ? last : null;
    const dropped = continued ?? (own.length < pastStaysOfOneMax ? null : own[0]);
    past = [...past.filter((stay) => stay !== dropped), { userId, from: continued?.from ?? joinedSequence, to }];
  }
  return { past: past.slice(-pastStaysMax) };
}

/** Stays that nobody can open any more. */
export const withoutPast = (roster: Roster, userId: UserId): Roster => ({ ...roster, past: (roster.past ?? []).filter((stay) => stay.userId !== userId) });

/** Stays of this person that are over, oldest first. */
export const pastStays = (roster: Roster, userId: UserId): readonly Stay[] => (roster.past ?? []).filter((stay) => stay.userId === userId);

function refusedSender(roster: Roster, commit: RosterCommit): CommitRefusal | null {
  if (!isActive(roster, commit.by.userId)) return 'not_member';
  const own = leafOf(roster, commit.by.deviceId);
  if (commit.sender.kind === 'member') return own?.index === commit.sender.leafIndex ? null : 'sender';
  if (commit.adds.length > 0 || commit.removes.length > 1) return 'external';
  if (commit.removes.length === 1) return own?.index === commit.removes[0] ? null : 'external';
  return own === undefined ? null : 'leaf_exists';
}

function refusedRemove(roster: Roster, commit: RosterCommit, leaf: Leaf): CommitRefusal | null {
  if (commit.sender.kind === 'new_member') return null;
  if (leaf.deviceId === commit.by.deviceId) return 'removes_itself';
  const allowed = leaf.userId === commit.by.userId || roster.owner === commit.by.userId || memberOf(roster, leaf.userId)?.leaving === true || leavingLeaves(roster).includes(leaf);
  return allowed ? null : 'may_not_remove';
}

function removeLeaves(roster: Roster, commit: RosterCommit): readonly Leaf[] | CommitRefusal {
  if (new Set(commit.removes).size !== commit.removes.length) return 'leaf_twice';
  for (const index of commit.removes) {
    const leaf = roster.leaves.find((candidate) => candidate.index === index);
    if (leaf === undefined) return 'leaf_unknown';
    const refused = refusedRemove(roster, commit, leaf);
    if (refused !== null) return refused;
  }
  const gone = new Set(commit.removes);
  return roster.leaves.filter((leaf) => !gone.has(leaf.index));
}

/**
 * Adds take the leftmost blank leaf or extend the tree to the right (RFC 9420 §7.7, §12.1.1): the smallest index that
 * is not in use, because blanks at the right end are cut off or blank alike.
 */
function addLeaves(kept: readonly Leaf[], added: readonly NewLeaf[]): readonly Leaf[] | CommitRefusal {
  const used = new Set(kept.map((leaf) => leaf.index));
  const devices = new Set(kept.map((leaf) => leaf.deviceId));
  const leaves = [...kept];
  let index = 0;
  for (const leaf of added) {
    if (devices.has(leaf.deviceId)) return 'leaf_exists';
    devices.add(leaf.deviceId);
    while (used.has(index)) index += 1;
    used.add(index);
    leaves.push({ ...leaf, index });
  }
  return leaves.sort((one, other) => one.index - other.index);
}

/** The roster behind a commit whose entry has `sequence`, or why it is refused. Epoch, sequence and hash are the caller's to set. */
export function afterCommit(roster: Roster, commit: RosterCommit, sequence: number): Roster | CommitRefusal {
  const refused = refusedSender(roster, commit);
  if (refused !== null) return refused;
  const kept = removeLeaves(roster, commit);
  if (typeof kept === 'string') return kept;
  const added = commit.sender.kind === 'new_member' ? [commit.by] : commit.adds;
  const stillIn = new Set(kept.map((leaf) => leaf.userId));
  if (added.some((leaf) => stillIn.has(leaf.userId) && memberOf(roster, leaf.userId)?.leaving === true)) return 'leaving';
  const leaves = addLeaves(kept, added);
  if (typeof leaves === 'string') return leaves;
  if (commit.sender.kind === 'new_member') stillIn.add(commit.by.userId);
  const members: MemberRecord[] = roster.members.filter((member) => stillIn.has(member.userId));
  const known = new Set(members.map((member) => member.userId));
  for (const { userId } of added) {
    if (known.has(userId)) continue;
    known.add(userId);
    members.push({ userId, joinedSequence: sequence, leaving: false });
  }
  const went = roster.members.filter((member) => !member.leaving && !stillIn.has(member.userId));
  return { ...roster, leaves, members, owner: ownerAfter(roster.owner, members), ...withPast(roster, went, sequence - 1) };
}
