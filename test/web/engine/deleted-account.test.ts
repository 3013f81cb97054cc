/** An account is erased ([R15]): colleagues are told, keep what was said, and go on; a new device of theirs comes in meanwhile. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CommandName } from '#protocol/commands/index.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let bob: HeadlessEngine;
let adaCode: string;
const engines: HeadlessEngine[] = [];

async function engine(): Promise<HeadlessEngine> {
  const made = await engineOver(nodeNetwork(server.origin), openMemoryStore(new MemoryProfile()));
  engines.push(made);
  return made;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  [ada, bob] = [await engine(), await engine()];
  adaCode = await join(ada, 'ada', (await owner.createInvite()).link);
  await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** By the owner, as an administrator does it. */
async function eraseBob(userId: string): Promise<void> {
  const { cookie } = await server.post('signIn.password', { handle: 'owner', password: passwordOf('owner') });
  const call = async (name: CommandName, input: unknown): Promise<unknown> => {
    const { status, body } = await server.post(name, input, cookie);
    expect([name, status, status === 200 ? null : body]).toEqual([name, 200, null]);
    return body;
  };
  const asked = await call('erasure.request', { userId, text: 'Asked by letter', scope: 'all' });
  if (typeof asked !== 'object' || asked === null || !('requestId' in asked)) throw new Error('no request');
  await call('erasure.confirm', { requestId: asked.requestId, handle: 'bob' });
}

it('[R15] colleagues are told that the account is gone, keep what it said, and a new device comes in before anybody took it out', async () => {
  const bobId = idOf(ada, 'bob');
  const id = await ada.createConversation({ title: null, members: [bobId] });
  await entered(bob, id);
  const heard = hears(ada, 'what he said');
  await bob.send(id, 'what he said');
  await heard;
  expect(ada.snapshot().gone).toEqual([]);
  await eraseBob(bobId);
  await until(ada, ({ gone }) => gone.includes(bobId));
  expect(ada.snapshot().people.map(({ handle }) => handle)).not.toContain('bob');
  expect(viewOf(ada, id).members).toContain(bobId);
  expect(await textsOf(ada, id)).toContain('what he said');
  expect(bob.snapshot().account.state).not.toBe('ready');

  const fresh = await engine();
  await fresh.signInWithPassword('ada', passwordOf('ada'), 'second');
  await until(fresh, ({ account: { state } }) => state === 'vault-locked');
  await fresh.unlockWithRecoveryCode(adaCode);
  await entered(fresh, id);
  expect(fresh.snapshot().notices.map(({ kind }) => kind)).not.toContain('commit_refused');
  expect(fresh.snapshot().gone).toEqual([bobId]);

  await ada.delivered(id, await ada.send(id, 'on without him'));
  await until(ada, () => !viewOf(ada, id).members.includes(bobId));
  expect(await textsOf(ada, id)).toContain('what he said');
  expect(ada.snapshot().gone).toEqual([bobId]);
});
