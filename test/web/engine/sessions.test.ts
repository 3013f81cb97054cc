/** A person's sessions from their own clients, over the whole server. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, join, until } from '../../harness/devices.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];
async function engine(): Promise<HeadlessEngine> {
  const made = await engineOver(nodeNetwork(server.origin), openMemoryStore());
  engines.push(made);
  return made;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

it('[S6] ending the others signs them out where they are open, and leaves this one', async () => {
  const [here, there] = [await engine(), await engine()];
  await join(here, 'ada', (await owner.createInvite()).link);
  await there.signInWithPassword('ada', passwordOf('ada'), 'elsewhere');
  await until(there, ({ account, connection }) => account.state === 'vault-locked' && connection.state === 'online');
  const { sessions } = await here.ask('session.list', {});
  expect(sessions.map(({ current, factor, browser, network }) => [current, factor, browser, network])).toEqual([
    [true, 'account', 'SDK', '127.0.0.0/24'],
    [false, 'password', 'SDK', '127.0.0.0/24'],
  ]);
  expect(await here.ask('session.revokeOthers', {})).toEqual({ ended: 1 });
  await until(there, ({ account }) => account.state === 'signed-out' && account.reason === 'session_ended');
  expect((await here.ask('session.list', {})).sessions).toHaveLength(1);
  expect(await here.ask('session.revokeAll', {})).toEqual({ ended: 1 });
  await until(here, ({ account }) => account.state === 'signed-out');
});
