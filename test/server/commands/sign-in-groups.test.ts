/** Groups with rules of their own, and policies that become stricter under open sessions. */
import { describe, expect, test } from 'vitest';
import type { SignInPolicy } from '#protocol/sign-in-policy.ts';
import { withApp, withPasskey } from './factor-person.ts';
import { codeOf, okay, password, type Peer, reasonOf, World } from './world.ts';

type Roles = { [R in keyof SignInPolicy['roles']]?: Partial<SignInPolicy['roles'][R]> };

const team = async () => {
  const world = new World();
  const owner = await world.owner();
  return { world, owner, guest: await world.invited(owner, 'guest') };
};

describe('[P5] groups', () => {
  const open = { password: 'allowed', passkey: 'allowed', totp: 'allowed', secondStep: 'optional' } as const;
  type Group = NonNullable<SignInPolicy['groups']>[number];
  async function setGroups(owner: Peer, groups: readonly Group[], roles: Roles = {}) {
    const { version, policy } = okay(await owner.call('signInPolicy.get', {}));
    const merged = Object.fromEntries(Object.entries(policy.roles).map(([role, of]) => [role, { ...of, ...roles[role as keyof Roles] }]));
    return owner.call('signInPolicy.set', { version, policy: { ...policy, roles: merged, groups } });
  }
  const group = (name: string, members: readonly Peer[], rules: Partial<Group['rules']>): Group => ({ name, members: members.map(({ userId }) => userId), rules: { ...open, ...rules } });

  test('have rules of their own: the strictest of role and groups holds, at every door and for members alone', async () => {
    const { world, owner, guest } = await team();
    const other = await world.invited(owner, 'other');
    await withPasskey(guest);
    okay(await setGroups(owner, [group('Finance', [guest], { password: 'forbidden' }), group('Doctors', [guest, other], { totp: 'forbidden' })]));
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('factor.forbidden');
    expect(codeOf(await guest.call('password.change', { password: 'something altogether different' }))).toBe('factor.forbidden');
    expect(codeOf(await guest.call('totp.begin', {}))).toBe('factor.forbidden');
    expect(codeOf(await other.call('totp.begin', {}))).toBe('factor.forbidden');
    expect(codeOf(await owner.call('totp.begin', {}))).toBe('ok');
    expect(codeOf(await world.call('signIn.password', { handle: 'other', password }))).toBe('ok');
    expect(okay(await guest.call('signInPolicy.mine', {})).rules).toEqual({ ...open, password: 'forbidden', totp: 'forbidden' });
    okay(await setGroups(owner, []));
    expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).not.toBe('factor.forbidden');
  });

  test('are refused when they leave a member without a way in, name anybody or a group twice, or are too many', async () => {
    const { owner, guest } = await team();
    const refused = async (groups: readonly Group[], roles: Roles = {}) => expect(codeOf(await setGroups(owner, groups, roles))).toBe('input.invalid');
    await refused([group('A', [guest], { password: 'forbidden', passkey: 'forbidden' })]);
    await refused([group('A', [guest], { password: 'forbidden' }), group('B', [guest], { passkey: 'forbidden' })]);
    await refused([group('A', [guest], { password: 'forbidden' })], { member: { passkey: 'forbidden' } });
    await refused([group('A', [guest, guest], {})]);
    await refused([group('A', [], {}), group('A', [], {})]);
    await refused(Array.from({ length: 33 }, (_, at) => group(String(at), [], {})));
    expect(codeOf(await setGroups(owner, [group('A', [guest], { password: 'forbidden' }), group('B', [owner], { passkey: 'forbidden' })]))).toBe('ok');
  });

  test('never lock out whoever sets them, and forget people who are gone', async () => {
    const { world, owner, guest } = await team();
    expect(reasonOf(await setGroups(owner, [group('A', [owner], { password: 'forbidden' })]))).toBe('own_account');
    const stranger = await world.stranger('stranger');
    okay(await setGroups(owner, [group('A', [guest, stranger], { totp: 'forbidden' })]));
    expect(okay(await owner.call('signInPolicy.get', {})).policy.groups?.[0]?.members).toEqual([guest.userId]);
    expect(await world.store.people.take(guest.userId, { goneAt: 1, reason: { kind: 'request', by: owner.userId, text: 'asked' }, state: 'erasing' }, [world.scribe({ act: 'account.closed' })])).toBe('taken');
    world.services.policies.forget();
    expect(okay(await owner.call('signInPolicy.get', {})).policy.groups?.[0]?.members).toEqual([]);
  });

  test('[P6] a second step that is required from now on comes first in sessions that are open, within the call', async () => {
    const { world, owner, guest } = await team();
    const other = await world.invited(owner, 'other');
    okay(await setGroups(owner, [group('Finance', [guest], { secondStep: 'required' })]));
    // Its sockets are closed; whatever comes in again is looked up.
    expect(world.happenings).toContainEqual({ kind: 'sessionRestricted', sessionId: guest.sessionId });
    guest.session = await world.sessionOf(guest.sessionId);
    expect(reasonOf(await guest.call('people.list', {}))).toBe('add_second_step');
    expect(codeOf(await other.call('people.list', {}))).toBe('ok');
    await withApp(guest);
    expect(codeOf(await guest.call('people.list', {}))).toBe('ok');
    expect(world.happenings).toContainEqual({ kind: 'sessionFreed', sessionId: guest.sessionId });
  });
});
