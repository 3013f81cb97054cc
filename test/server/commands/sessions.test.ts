/** One's own sessions: seeing and ending them. */
import { expect, test } from 'vitest';
import { sessionLifetimeMs } from '#protocol/limits.ts';
import { codeOf, okay, password, value, World } from './world.ts';

const dayMs = 86_400_000;
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0';

test('[S6] [S7] a person sees their sessions: where, in what, how and when, and nobody else sees them', async () => {
  const world = new World();
  const owner = await world.owner();
  await world.invited(owner, 'guest');
  world.runtime.advance(dayMs);
  const elsewhere = { address: '198.51.100.7', agent: firefox };
  const { sessionId } = okay(await world.call('signIn.password', { handle: 'owner', password }, elsewhere));
  const { sessions } = okay(await owner.call('session.list', {}));
  expect(sessions).toEqual([
    {
      sessionId: owner.sessionId,
      current: true,
      createdAt: world.runtime.now() - dayMs,
      usedAt: world.runtime.now(),
      expiresAt: world.runtime.now() - dayMs + sessionLifetimeMs,
      network: '192.0.2.0/24',
      browser: null,
      system: null,
      factor: 'account',
      device: { deviceId: owner.deviceId, label: 'Test' },
    },
    {
      sessionId,
      current: false,
      createdAt: world.runtime.now(),
      usedAt: world.runtime.now(),
      expiresAt: world.runtime.now() + sessionLifetimeMs,
      network: '198.51.100.0/24',
      browser: 'Firefox',
      system: 'Linux',
      factor: 'password',
      device: null,
    },
  ]);
  expect(JSON.stringify(await world.store.sessions.ofUser(owner.userId))).not.toMatch(/198\.51\.100\.7|Gecko/);
});

test('[S6] ends one, only of one’s own', async () => {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const second = await world.secondDevice(owner);
  expect(codeOf(await guest.call('session.revoke', { sessionId: owner.sessionId }))).toBe('session.unknown');
  expect(codeOf(await owner.call('session.revoke', { sessionId: world.id() }))).toBe('session.unknown');
  okay(await owner.call('session.revoke', { sessionId: second.sessionId }));
  expect(codeOf(await owner.call('session.revoke', { sessionId: second.sessionId }))).toBe('session.unknown');
  expect(world.happenings).toContainEqual({ kind: 'sessionEnded', sessionId: second.sessionId, reason: 'revoked' });
  expect(await world.services.sessions.byId(second.sessionId)).toBeNull();
  expect(await world.services.sessions.byId(owner.sessionId)).not.toBeNull();
  const [entry] = await world.store.audit.readBefore(Infinity, 1);
  expect(entry).toMatchObject({
    act: 'session.ended',
    actor: { kind: 'person', userId: owner.userId },
    object: { kind: 'session', id: second.sessionId },
    reason: 'revoked',
  });
});

test('[S6] ends all others, then all, and each is one entry of the audit log', async () => {
  const world = new World();
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const others = [await world.secondDevice(owner), await world.secondDevice(owner)];
  expect(okay(await owner.call('session.revokeOthers', {}))).toEqual({ ended: 2 });
  expect(okay(await owner.call('session.revokeOthers', {}))).toEqual({ ended: 0 });
  for (const { sessionId } of others)
    expect(world.happenings).toContainEqual({ kind: 'sessionEnded', sessionId, reason: 'revoked' });
  const all = await owner.call('session.revokeAll', {});
  expect(okay(all)).toEqual({ ended: 1 });
  expect(all.effect).toEqual({ kind: 'session-ended', sessionId: owner.sessionId });
  expect(await world.services.sessions.byId(owner.sessionId)).toBeNull();
  expect(await world.services.sessions.byId(value(guest.session).sessionId)).not.toBeNull();
  const ended = (await world.store.audit.readFrom(0, 100)).filter(({ act }) => act === 'session.ended');
  expect(ended.map(({ reason, after }) => [reason, after])).toEqual([
    ['revoked_others', { kept: owner.sessionId }],
    ['revoked_all', { kept: null }],
  ]);
});
