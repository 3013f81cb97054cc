/** What was under way when an account was taken away. */
import { expect, test, vi } from 'vitest';
import { testScribe } from '../../harness/scribe.ts';
import { codeOf, okay, password, World } from './world.ts';

async function erasing() {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const erase = async (): Promise<void> => {
    const { requestId } = okay(await owner.call('erasure.request', { userId: guest.userId, text: 'Left', scope: 'all' }));
    okay(await owner.call('erasure.confirm', { requestId, handle: 'guest' }));
  };
  return { world, guest, erase };
}

test('[R15] a sign-in whose password was right before the erasure opens nothing after it', async () => {
  const { world, guest, erase } = await erasing();
  const { sessions } = world.store;
  const create = sessions.create.bind(sessions);
  vi.spyOn(sessions, 'create').mockImplementationOnce(async (...session) => {
    await erase();
    return create(...session);
  });
  expect(codeOf(await world.call('signIn.password', { handle: 'guest', password }))).toBe('sign_in.failed');
  expect(await sessions.ofUser(guest.userId)).toEqual([]);
});

test('[R15] a call whose session was read before the erasure is nobody’s after it', async () => {
  const { guest, erase } = await erasing();
  okay(await guest.call('session.get', {}));
  await erase();
  expect(codeOf(await guest.call('session.get', {}))).toBe('session.required');
});

test('[R15] an invite that was being made when its maker was erased lets nobody in', async () => {
  const world = new World();
  const owner = await world.owner();
  const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
  const admin = await world.person('admin', { kind: 'invite', token });
  const { invites } = world.store;
  const create = invites.create.bind(invites);
  vi.spyOn(invites, 'create').mockImplementationOnce(async (...invite) => {
    const { requestId } = okay(await owner.call('erasure.request', { userId: admin.userId, text: 'Left', scope: 'all' }));
    okay(await owner.call('erasure.confirm', { requestId, handle: 'admin' }));
    return create(...invite);
  });
  const late = okay(await admin.call('invite.create', {}));
  const grant = { kind: 'invite' as const, token: late.token };
  expect(codeOf(await world.call('invite.check', { grant }))).toBe('invite.revoked');
  const stranger = await world.stranger('stranger');
  expect(codeOf(await world.call('account.create', stranger.accountInput(grant)))).toBe('invite.revoked');
});

test('[R15] [R6] while the register cannot be written the person is out all the same, and whoever finishes writes it', async () => {
  const { world, guest, erase } = await erasing();
  vi.spyOn(world.store.purged, 'add').mockRejectedValueOnce(new Error('the other disk is away'));
  await expect(erase()).rejects.toThrow('the other disk is away');
  expect(await world.store.sessions.ofUser(guest.userId)).toEqual([]);
  expect(codeOf(await guest.call('session.get', {}))).toBe('session.required');
  expect(await world.store.purged.read()).toEqual([]);
  await world.services.retention.finish(testScribe(world.runtime));
  expect(await world.store.purged.read()).toMatchObject([{ kind: 'person', userId: guest.userId, scope: 'all' }]);
});
