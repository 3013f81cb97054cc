import { expect, it } from 'vitest';
import { type DeviceId, idFromBytes, type UserId } from '#protocol/ids.ts';
import { pastStaysOfOneMax } from '#protocol/limits.ts';
import { afterCommit, afterDeparture, pastStays, type RosterCommit } from '../../../server/domain/roster.ts';
import type { Roster } from '../../../server/ports/store.ts';

const user = (n: number): UserId => idFromBytes<UserId>(new Uint8Array(16).fill(n));
const device = (n: number): DeviceId => idFromBytes<DeviceId>(new Uint8Array(16).fill(100 + n));
const leaf = (n: number) => ({ userId: user(n), deviceId: device(n) });

const three: Roster = {
  epoch: 1, epochSequence: 2, epochHash: new Uint8Array(32), owner: user(0),
  leaves: [0, 1, 2].map((n) => ({ index: n, ...leaf(n) })),
  members: [0, 1, 2].map((n) => ({ userId: user(n), joinedSequence: 1, leaving: false })),
};
const byMember = (n: number, changes: Partial<RosterCommit>): RosterCommit => ({
  by: leaf(n), sender: { kind: 'member', leafIndex: n }, removes: [], adds: [], ...changes,
});
const external = (by: RosterCommit['by'], removes: readonly number[]): RosterCommit => ({ by, sender: { kind: 'new_member' }, removes, adds: [] });
const indices = (roster: Roster | string) => (typeof roster === 'string' ? roster : roster.leaves.map((entry) => [entry.index, entry.userId]));

it('[C4] lets the owner remove anybody, members only who is leaving, nobody themselves', () => {
  expect(indices(afterCommit(three, byMember(0, { removes: [1] }), 5))).toEqual([[0, user(0)], [2, user(2)]]);
  expect(afterCommit(three, byMember(1, { removes: [2] }), 5)).toBe('may_not_remove');
  expect(afterCommit(three, byMember(1, { removes: [1] }), 5)).toBe('removes_itself');
  expect(indices(afterCommit(afterDeparture(three, user(2), 4), byMember(1, { removes: [2] }), 5))).toEqual([[0, user(0)], [1, user(1)]]);
  expect(afterCommit(three, { ...byMember(1, {}), sender: { kind: 'member', leafIndex: 0 } }, 5)).toBe('sender');
  expect(afterCommit(three, byMember(0, { removes: [9] }), 5)).toBe('leaf_unknown');
});

it('[C3] gives added leaves the leftmost blank ones, those of the same commit too', () => {
  expect(indices(afterCommit(three, byMember(0, { removes: [1], adds: [leaf(7), leaf(8)] }), 5)))
    .toEqual([[0, user(0)], [1, user(7)], [2, user(2)], [3, user(8)]]);
  expect(afterCommit(three, byMember(0, { adds: [leaf(1)] }), 5)).toBe('leaf_exists');
});

it('[C5] lets an external commit bring in the caller and remove only its own old leaf', () => {
  const second = { userId: user(1), deviceId: device(9) };
  expect(indices(afterCommit(three, external(second, []), 5))).toEqual([[0, user(0)], [1, user(1)], [2, user(2)], [3, user(1)]]);
  expect(indices(afterCommit(three, external(leaf(1), [1]), 5))).toEqual([[0, user(0)], [1, user(1)], [2, user(2)]]);
  expect(afterCommit(three, external(second, [1]), 5)).toBe('external');
  expect(afterCommit(three, external(leaf(1), []), 5)).toBe('leaf_exists');
  expect(afterCommit(three, external(leaf(7), []), 5)).toBe('not_member');
});

it('[C9] passes ownership to the longest-standing active member', () => {
  expect(afterDeparture(three, user(0), 4).owner).toBe(user(1));
  expect(afterDeparture(afterDeparture(three, user(1), 4), user(0), 5).owner).toBe(user(2));
  expect(afterDeparture(three, user(2), 4).owner).toBe(user(0));
});

it('[C10] remembers stays that are over, continues one that was not interrupted, and forgets the oldest of too many', () => {
  const out = (roster: Roster, sequence: number) => afterCommit(roster, byMember(0, { removes: [1] }), sequence);
  const back = (roster: Roster, sequence: number) => afterCommit(roster, byMember(0, { adds: [leaf(1)] }), sequence);
  const moved = (roster: Roster | string): Roster => {
    if (typeof roster === 'string') throw new Error(roster);
    return roster;
  };
  const over = (roster: Roster) => pastStays(roster, user(1)).map(({ from, to }) => [from, to]);
  const once = moved(out(three, 5));
  expect(over(once)).toEqual([[1, 4]]);
  expect(over(moved(out(moved(back(once, 8)), 12)))).toEqual([[1, 4], [8, 11]]);
  expect(over(moved(out(moved(back(once, 5)), 12)))).toEqual([[1, 11]]);
  const left = afterDeparture(three, user(1), 9);
  expect(over(left)).toEqual([[1, 9]]);
  expect(over(moved(out(left, 10)))).toEqual([[1, 9]]);
  let roster = three;
  for (let turn = 1; turn <= pastStaysOfOneMax + 3; turn += 1) roster = moved(back(moved(out(roster, turn * 10)), turn * 10 + 5));
  expect(over(roster)).toHaveLength(pastStaysOfOneMax);
  expect(over(roster).at(0)).toEqual([35, 39]);
});
