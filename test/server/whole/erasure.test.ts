/** Accounts that are erased, audit entries and sessions that go by rule, through the whole server on a real folder. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkLog } from '../../../server/compose-logs.ts';
import { MovedClock } from '../../harness/moved-clock.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import type { TestServer } from '../../harness/server.ts';
import { codeOf, joined, okay, talk } from '../commands/world.ts';
import { type Served, served } from './served.ts';

const dayMs = 86_400_000;
const clock = new MovedClock();
let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served(clock)));
afterEach(() => server.remove());

const verify = (origin: string) =>
  checkLog({
    log: 'audit',
    config: { dataFolder: server.dataFolder, origin },
    masterKey: () => new Uint8Array(32).fill(7),
    headFile: null,
    verifierKey: null,
  });

async function team() {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId } = await talk(world, owner, [guest]);
  await joined(guest, conversationId);
  return { owner, guest, conversationId };
}

test('[R14] [R15] an account is erased in two steps, is out at once, and what is left of it is proven gone', async () => {
  const { owner, guest, conversationId } = await team();
  const ask = { userId: guest.userId, text: 'Asked by letter', scope: 'all' as const };
  expect(codeOf(await guest.call('erasure.request', ask))).toBe('permission.denied');
  expect(codeOf(await owner.call('account.requestErasure', { text: 'no' }))).toBe('erasure.owner');
  const first = okay(await owner.call('erasure.request', ask));
  const { requestId } = first;
  expect(codeOf(await owner.call('erasure.confirm', { requestId, handle: 'another' }))).toBe('input.invalid');
  expect(codeOf(await owner.call('erasure.confirm', { requestId, handle: 'guest' }))).toBe('erasure.expired');
  okay(await guest.call('session.get', {}));
  expect(okay(await owner.call('people.list', {})).people).toHaveLength(2);
  const again = okay(await owner.call('erasure.request', ask));
  const { receipt } = okay(await owner.call('erasure.confirm', { requestId: again.requestId, handle: 'guest' }));
  expect(receipt?.others).toMatchObject([{ class: 'accounts', userId: guest.userId, reason: { kind: 'request' } }]);
  expect(receipt?.others[0]?.count).toBeGreaterThan(2);
  expect(receipt?.proof).toMatchObject({ found: 0, shredded: true });
  expect(codeOf(await guest.call('session.get', {}))).toBe('session.required');
  expect(okay(await owner.call('people.find', { userIds: [guest.userId] })).people).toEqual([]);
  await world.invited(owner, 'newcomer');
  const listed = okay(await owner.call('people.list', {})).people;
  expect(listed.map(({ handle }) => handle)).not.toContain('guest');
  const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
  expect(conversation.members.find(({ userId }) => userId === guest.userId)?.leaving).toBe(true);
  const { entries } = okay(await owner.call('audit.list', {}));
  const acts = entries.map(({ act }) => act);
  const from = acts.indexOf('purge.run');
  expect(acts.slice(from, from + 3)).toEqual(['purge.run', 'person.shredded', 'account.erased']);
  const told = entries.flatMap(({ personal }) => personal).filter(({ subject }) => subject === guest.userId);
  expect(told.length).toBeGreaterThan(0);
  expect(told.every(({ fields }) => fields === null)).toBe(true);
});

test('[R16] a hold refuses an erasure with a typed error', async () => {
  const { owner, guest, conversationId } = await team();
  okay(await owner.call('hold.place', { conversationId, reason: 'Case 1', until: clock.runtime.now() + 9 * dayMs }));
  expect(codeOf(await guest.call('account.requestErasure', { text: 'Please' }))).toBe('erasure.held');
});

test('[U11] [U12] [R8] audit entries and idle sessions go by rule, and the log verifies under one name', async () => {
  const { owner } = await team();
  const before = okay(await owner.call('audit.head', {}));
  clock.shiftMs += 6 * dayMs;
  okay(await owner.call('session.get', {}));
  expect(codeOf(await owner.call('retention.set', { class: 'audit', conversationId: world.id(), days: 2 }))).toBe(
    'input.invalid',
  );
  okay(await owner.call('retention.set', { class: 'audit', conversationId: null, days: 2 }));
  const { others } = okay(await owner.call('retention.preview', {}));
  expect(others).toMatchObject([{ class: 'audit', heldBy: null }]);
  const { receipt } = okay(await owner.call('retention.run', {}));
  expect(receipt?.others).toMatchObject([{ class: 'audit', count: others[0]?.count }]);
  const size = Number(before.checkpoint.split('\n')[1]);
  const after = okay(await owner.call('audit.head', { since: size }));
  expect(after.consistency.length).toBeGreaterThan(0);
  const acts = okay(await owner.call('audit.list', {})).entries.map(({ act }) => act);
  expect([acts.includes('setup.completed'), acts.includes('audit.trimmed')]).toEqual([false, true]);
  okay(await owner.call('retention.set', { class: 'sessions', conversationId: null, days: 2 }));
  const gone = okay(await owner.call('retention.run', {})).receipt;
  expect(gone?.others.find((other) => other.class === 'sessions')?.count).toBe(1);
  okay(await owner.call('session.get', {}));
  await server.stop();
  const checked = await verify('https://another.example');
  expect(checked).toMatchObject({ kind: 'checked', verdict: { first: null }, verifierKey: before.verifierKey });
  await server.restart();
});

test('[R8] [R15] what is left of a closed account goes by the rule of accounts, a hold suspends that, and the preview tells', async () => {
  const { owner, guest } = await team();
  const ask = { userId: guest.userId, text: 'Left the company', scope: 'account' as const };
  const { requestId } = okay(await owner.call('erasure.request', ask));
  const closed = okay(await owner.call('erasure.confirm', { requestId, handle: 'guest' })).receipt;
  expect(closed?.others).toMatchObject([{ class: 'accounts', userId: guest.userId, reason: { kind: 'request' } }]);
  expect(codeOf(await guest.call('session.get', {}))).toBe('session.required');
  const personal = async () => {
    const { entries } = okay(await owner.call('audit.list', {}));
    return entries.flatMap((entry) => entry.personal).filter(({ subject }) => subject === guest.userId);
  };
  // Closed: out, and the key of its personal data waits for the rule.
  expect((await personal()).some(({ fields }) => fields !== null)).toBe(true);
  const left = async () => {
    await server.stop();
    const store = await openLevelStore({ folder: server.dataFolder, masterKey: new Uint8Array(32).fill(7), runtime: clock.runtime });
    const found = [await store.vaults.get(guest.userId), (await store.people.gone(guest.userId))?.state];
    await store.close();
    await server.restart();
    return found;
  };
  expect(await left()).toEqual([expect.objectContaining({ version: 1 }), 'closed']);
  okay(await owner.call('retention.set', { class: 'accounts', conversationId: null, days: 3 }));
  expect(okay(await owner.call('retention.run', {})).receipt?.others ?? []).toEqual([]);
  clock.shiftMs += 5 * dayMs;
  const until = clock.runtime.now() + dayMs;
  const { hold } = okay(await owner.call('hold.place', { conversationId: null, reason: 'Case 3', until }));
  const due = async () => okay(await owner.call('retention.preview', {})).others;
  expect(await due()).toMatchObject([{ class: 'accounts', count: 1, days: 3, heldBy: hold.holdId }]);
  okay(await owner.call('retention.run', {}));
  // Still there and held; no restart here, whose own run for the days that passed would come between.
  expect(await due()).toMatchObject([{ class: 'accounts', count: 1, days: 3, heldBy: hold.holdId }]);
  okay(await owner.call('hold.release', { holdId: hold.holdId }));
  expect(await due()).toMatchObject([{ class: 'accounts', count: 1, heldBy: null }]);
  const { receipt } = okay(await owner.call('retention.run', {}));
  expect(receipt?.others.filter((other) => other.class === 'accounts')).toMatchObject([
    { userId: guest.userId, reason: { kind: 'policy', days: 3 } },
  ]);
  expect(receipt?.proof).toMatchObject({ found: 0, shredded: true });
  expect(await left()).toEqual([null, 'erased']);
  expect((await personal()).every(({ fields }) => fields === null)).toBe(true);
  expect(await due()).toEqual([]);
});

test('[R6] an older copy neither brings an account back nor loses a rule or a hold', async () => {
  const { owner, guest } = await team();
  await server.stop();
  const copy = mkdtempSync(join(tmpdir(), 'older-'));
  cpSync(join(server.dataFolder, 'store'), join(copy, 'store'), { recursive: true });
  cpSync(join(server.dataFolder, 'keys'), join(copy, 'keys'), { recursive: true });
  cpSync(join(server.dataFolder, 'store-witness'), join(copy, 'store-witness'));
  await server.restart();
  const { requestId } = okay(await guest.call('account.requestErasure', { text: 'Please' }));
  okay(await guest.call('account.confirmErasure', { requestId, handle: 'guest' }));
  okay(await owner.call('retention.set', { class: 'messages', conversationId: null, days: 30 }));
  const { hold } = okay(
    await owner.call('hold.place', { conversationId: null, reason: 'Case 2', until: clock.runtime.now() + 9 * dayMs }),
  );
  await server.stop();
  for (const name of ['store', 'keys', 'store-witness']) {
    rmSync(join(server.dataFolder, name), { recursive: true });
    cpSync(join(copy, name), join(server.dataFolder, name), { recursive: true });
  }
  rmSync(copy, { recursive: true });
  await server.restart();
  expect(okay(await owner.call('people.find', { userIds: [guest.userId] })).people).toEqual([]);
  const { policies, holds } = okay(await owner.call('retention.get', {}));
  expect([policies.map(({ days }) => days), holds.map(({ holdId }) => holdId)]).toEqual([[30], [hold.holdId]]);
});
