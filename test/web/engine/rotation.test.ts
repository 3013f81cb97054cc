/** Epochs end with time, not only with membership. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { epochAgeMsMax } from '#protocol/limits.ts';
import { createEngine } from '../../../web/engine/client.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { nodePasskeys } from '../../../web/platform/node/passkeys.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import { makeOwner, passwordOf, sees, textArrives, texts } from '../../harness/people.ts';
import { MovedClock } from '../../harness/moved-clock.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await server.remove();
});

it('[E9] ends an epoch that is a day old before anything more is sealed under it', async () => {
  const ada = await makeOwner(server, 'ada');
  const { link } = await ada.createInvite();
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  const clock = new MovedClock();
  const engine = await createEngine({ runtime: clock.over(systemRuntime), network: nodeNetwork(server.origin), store: openMemoryStore(), passkeys: nodePasskeys });
  await engine.prepareAccount({
    grant: { kind: 'invite', token }, handle: 'bob', displayName: 'Bob', factor: { kind: 'password', password: passwordOf('bob') }, deviceLabel: 'test',
  });
  await engine.finishAccount();
  await engine.synced();
  const id = await engine.createConversation({ title: 'rotation', members: engine.snapshot().people.map(({ userId }) => userId) });

  const first = await engine.delivered(id, await engine.send(id, 'today'));
  const second = await engine.delivered(id, await engine.send(id, 'a moment later'));
  expect(second).toBe(first + 1);

  const arrives = textArrives(ada, 'tomorrow');
  clock.shiftMs = epochAgeMsMax;
  const third = await engine.delivered(id, await engine.send(id, 'tomorrow'));
  // One entry between them: the commit that began the new epoch.
  expect(third).toBe(second + 2);
  await arrives;
  const talk = await sees(ada, id);
  expect(await texts(talk)).toEqual(['today', 'a moment later', 'tomorrow']);
  await engine.close();
  await ada.close();
});
