/** An upload whose body trickles. */
import { afterEach, expect, test } from 'vitest';
import { uploadStallMs } from '#protocol/limits.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { FileClient, octets } from '../../harness/files.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { talk } from '../commands/world.ts';
import { Served } from './served.ts';

let server: TestServer | null = null;
afterEach(() => server?.remove());

test('[Q4] a body that brings next to nothing is cut off; what arrived is kept, and the upload goes on from there', async () => {
  // The same look, a twelfth of the time between: far longer than 500 bytes are under way, also on a busy machine.
  const every: typeof systemRuntime.every = (ms, run) => systemRuntime.every(ms === uploadStallMs ? ms / 12 : ms, run);
  server = await startServer({ runtime: { ...systemRuntime, every } });
  const world = new Served(server);
  const owner = await world.owner();
  const { conversationId } = await talk(world, owner, [await world.invited(owner, 'guest')]);
  const client = new FileClient(server.origin, world.cookie(owner));
  const { headers } = await client.create(conversationId, 5_000);
  const path = String(headers.location);
  const { sent, answer } = client.begin('PATCH', path, {
    ...client.usual,
    'content-type': octets,
    'upload-offset': '0',
    'content-length': '5000',
  });
  const cut = answer.then(
    () => 'answered',
    () => 'cut',
  );
  sent.write(Buffer.alloc(500, 1));
  expect(await cut).toBe('cut');
  const { sent: rest, answer: done } = client.begin('PATCH', path, {
    ...client.usual,
    'content-type': octets,
    'upload-offset': '500',
    'content-length': '4500',
  });
  rest.end(Buffer.alloc(4_500, 2));
  expect(await done).toMatchObject({ status: 204 });
});
