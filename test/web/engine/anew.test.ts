/** Somebody lost every device and every unlocker: they go on, and it is said plainly what is lost. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, refusal, textsOf, until, viewOf } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let bob: HeadlessEngine;
let bobCode: string;
const engines: HeadlessEngine[] = [];

async function engine(): Promise<HeadlessEngine> {
  const made = await engineOver(nodeNetwork(server.origin), openMemoryStore(new MemoryProfile()));
  engines.push(made);
  return made;
}

async function arrived(): Promise<HeadlessEngine> {
  const made = await engine();
  await made.signInWithPassword('bob', passwordOf('bob'), 'after the fire');
  await until(made, ({ account: { state } }) => state === 'vault-locked');
  return made;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  [ada, bob] = [await engine(), await engine()];
  await join(ada, 'ada', (await owner.createInvite()).link);
  bobCode = await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

it('[V5] [E2] begins anew: colleagues are told, history stays closed, and whoever accepts brings the person back', async () => {
  const id = await ada.createConversation({ title: 'the room', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  const heard = hears(bob, 'from before');
  await ada.delivered(id, await ada.send(id, 'from before'));
  await heard;
  const anew = await arrived();
  const codes = await anew.prepareAnew();
  expect(await anew.prepareAnew()).toEqual(codes);
  expect(codes.spare).not.toBeNull();
  await anew.finishAnew();
  await until(anew, ({ account: { state } }) => state === 'ready');
  // Whatever else was signed in is out, and colleagues see a changed identity.
  await until(bob, ({ account: { state } }) => state === 'signed-out');
  await until(ada, ({ notices }) => notices.some(({ kind }) => kind === 'identity_changed'));
  await until(ada, () => !viewOf(ada, id).members.includes(idOf(ada, 'bob')));
  expect(anew.snapshot().conversations).toEqual([]);
  expect(await refusal(ada.addMembers(id, [idOf(ada, 'bob')]))).toBe('identity.changed');
  await ada.acceptIdentity(idOf(ada, 'bob'));
  await ada.addMembers(id, [idOf(ada, 'bob')]);
  await entered(anew, id);
  const again = hears(anew, 'welcome back');
  await ada.send(id, 'welcome back');
  await again;
  expect(await textsOf(anew, id)).toEqual(['welcome back']);
  const answered = hears(ada, 'glad to be here');
  await anew.send(id, 'glad to be here');
  await answered;
  // The code of before opens nothing, the new one does.
  const fresh = await arrived();
  expect(await refusal(fresh.unlockWithRecoveryCode(bobCode))).toBe('recovery_code.wrong');
  await fresh.unlockWithRecoveryCode(codes.code);
  await entered(fresh, id);
  expect(await textsOf(fresh, id)).toEqual(['welcome back', 'glad to be here']);
});
