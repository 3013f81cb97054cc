/** Row of retention: how long sends wait while old days are purged, beside the same sends while nothing else goes on. */
import { randomBytes } from 'node:crypto';
import type { Conversation } from '#protocol/model.ts';
import { idFromBytes, type MessageId } from '#protocol/ids.ts';
import { createConversation, createOwner, noiseBody, RawSocket } from '../../test/harness/raw-client.ts';
import { startServer, type TestServer } from '../../test/harness/server.ts';
import { compareLess, percentile99, type Row } from './report.ts';

const dayMs = 86_400_000;
const rounds = 5;
const conversationCount = 8;
/** Old messages of 1 KiB in each conversation that a round purges. */
const oldMessages = 1_000;
const bodyBytes = 1_024;
/** At the pace of people, not as fast as it goes: the question is who waits, not how much fits. */
const everyMs = 4;
const idleSends = 1_000;
const target = 3;

async function send(socket: RawSocket, conversation: Conversation): Promise<number> {
  const message = {
    id: idFromBytes<MessageId>(new Uint8Array(randomBytes(16))),
    epoch: conversation.epoch,
    body: noiseBody(conversation.headSequence, new Uint8Array(conversation.headHash), bodyBytes),
  };
  const started = performance.now();
  const answer = await socket.call('conversation.send', {
    conversationId: conversation.conversationId,
    kind: 'message',
    message,
  });
  if (answer.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(answer)}`);
  return performance.now() - started;
}

/** Sends at a steady pace until `enough`; p99 of their times, in milliseconds. */
async function paced(
  socket: RawSocket,
  conversations: readonly Conversation[],
  enough: (sent: number) => boolean,
): Promise<number> {
  const times: Promise<number>[] = [];
  while (!enough(times.length)) {
    const conversation = conversations[times.length % conversations.length];
    if (conversation === undefined) throw new Error('no conversation');
    times.push(send(socket, conversation));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return percentile99(await Promise.all(times));
}

async function fill(socket: RawSocket, conversation: Conversation): Promise<void> {
  for (let sent = 0; sent < oldMessages; sent += 8)
    await Promise.all(Array.from({ length: 8 }, () => send(socket, conversation)));
}

/** Idle and purging p99 of one round: old days of the first conversations go while the others are talked in. */
async function round(server: TestServer, later: () => void): Promise<{ readonly idle: number; readonly busy: number }> {
  const account = await createOwner(server.origin, server.setupToken);
  const { cookie } = account;
  const socket = await RawSocket.open(server.origin, cookie);
  const conversations: Conversation[] = [];
  for (let made = 0; made < conversationCount * 2; made += 1)
    conversations.push(await createConversation(socket, account));
  await Promise.all(conversations.slice(0, conversationCount).map((conversation) => fill(socket, conversation)));
  await server.post('retention.set', { class: 'messages', conversationId: null, days: 2 }, cookie);
  later();
  const talked = conversations.slice(conversationCount);
  const idle = await paced(socket, talked, (sent) => sent >= idleSends);
  let status: number | null = null;
  const purged = server.post('retention.run', {}, cookie).then((answer) => (status = answer.status));
  const busy = await paced(socket, talked, () => status !== null);
  if ((await purged) !== 200) throw new Error(`retention.run: ${status}`);
  await socket.close();
  return { idle, busy };
}

export async function purgeRow(): Promise<Row> {
  const idle: number[] = [];
  const busy: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    let shiftMs = 0;
    const server = await startServer({ nowShiftMs: () => shiftMs });
    try {
      const measured = await round(server, () => (shiftMs = 5 * dayMs));
      idle.push(measured.idle);
      busy.push(measured.busy);
    } finally {
      await server.remove();
    }
  }
  const name = 'p99 of sends while 8,000 messages are purged and proven gone';
  return compareLess({ name, unit: 'ms', ours: busy, bare: idle, target });
}
