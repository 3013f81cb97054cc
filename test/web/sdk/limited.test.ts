/** A client whose person has used up an allowance. */
import { afterEach, expect, test } from 'vitest';
import { makeOwner, texts } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer | null = null;
afterEach(() => server?.remove());

test('[Q2] more messages than are allowed at once wait in the outbox and arrive in order, each once', async () => {
  server = await startServer({ sendsPersonMax: 2 });
  const owner = await makeOwner(server, 'owner');
  const conversation = await owner.conversations.create({ title: 'much', members: [] });
  const wanted = Array.from({ length: 24 }, (_, at) => `message ${at}`);
  const sent = await Promise.all(wanted.map((text) => conversation.send({ text })));
  expect(
    server.logLines.filter(
      (line) => line.includes('"command":"conversation.send"') && line.includes('"outcome":"rate.limited"'),
    ),
  ).not.toEqual([]);
  const sequences = sent.map(({ sequence }) => sequence);
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  expect(await texts(conversation)).toEqual(wanted);
  await owner.close();
});
