/** Rows of the relay: durable acknowledged sends, and fan-out to many sockets of one conversation. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Conversation } from '#protocol/model.ts';
import { idFromBytes, type MessageId } from '#protocol/ids.ts';
import * as v from 'valibot';
import { commands } from '#protocol/commands/index.ts';
import { Appliance, setupToken } from '../../test/harness/appliance.ts';
import { anotherSession, createConversation, createOwner, noiseBody, type RawAccount, RawSocket } from '../../test/harness/raw-client.ts';
import { bareGroupCommit } from './baselines.ts';
import { median, type Row } from './report.ts';

const bodyBytes = 1_024;
const rounds = 5;
const senders = 64;
const sendsPerRound = 6_000;
const readers = 200;
const publishesPerRound = 400;

async function send(socket: RawSocket, conversation: Conversation): Promise<void> {
  const body = noiseBody(conversation.headSequence, new Uint8Array(conversation.headHash), bodyBytes);
  const answer = await socket.call('conversation.send', {
    conversationId: conversation.conversationId,
    kind: 'message',
    message: { id: idFromBytes<MessageId>(randomBytes(16)), epoch: conversation.epoch, body },
  });
  if (answer.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(answer)}`);
}

async function current(socket: RawSocket, conversation: Conversation): Promise<Conversation> {
  const answer = await socket.call('conversation.get', { conversationId: conversation.conversationId });
  if (answer.kind !== 'answer') throw new Error(`conversation.get: ${JSON.stringify(answer)}`);
  return v.parse(commands['conversation.get'].output, answer.output).conversation;
}

const socketsPerSession = 25;

/** As many sockets of the one device as are wanted, over as many sessions as that takes. */
async function openSockets(appliance: Appliance, account: RawAccount, count: number): Promise<readonly RawSocket[]> {
  const sockets: RawSocket[] = [];
  while (sockets.length < count) {
    const cookie = await anotherSession(appliance.origin, account);
    const batch = Math.min(socketsPerSession, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => RawSocket.open(appliance.origin, cookie)))));
  }
  return sockets;
}

async function sendRound(sockets: readonly RawSocket[], conversations: readonly Conversation[]): Promise<number> {
  let left = sendsPerRound;
  const started = performance.now();
  await Promise.all(
    sockets.map(async (socket, index) => {
      const conversation = conversations[index % conversations.length];
      if (conversation === undefined) throw new Error('no conversation');
      while (left-- > 0) await send(socket, conversation);
    }),
  );
  return sendsPerRound / ((performance.now() - started) / 1_000);
}

/** 64 sockets, each waiting for its acknowledgement before the next send, over 8 conversations. */
async function sendsRow(appliance: Appliance, account: RawAccount): Promise<Row> {
  const sockets = await openSockets(appliance, account, senders);
  const first = sockets[0];
  if (first === undefined) throw new Error('no socket');
  let conversations = await Promise.all(Array.from({ length: 8 }, () => createConversation(first, account)));
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await sendRound(sockets, conversations));
    bare.push(await bareGroupCommit(sendsPerRound, senders, bodyBytes));
    conversations = await Promise.all(conversations.map((conversation) => current(first, conversation)));
  }
  await Promise.all(sockets.map((socket) => socket.close()));
  const value = median(ours);
  const baseline = median(bare);
  return { name: `durable acknowledged sends, 1 KiB, ${senders} senders`, value, unit: 'sends/s', baseline, ratio: value / baseline };
}

/** Deliveries a second until every reader has everything; `publish` puts one message in. */
async function deliveries(sockets: readonly WebSocket[], publish: () => Promise<void> | void): Promise<number> {
  let got = 0;
  let finish = (): void => undefined;
  const all = new Promise<void>((resolve) => (finish = resolve));
  const count = (data: Buffer): void => {
    if (data.length < bodyBytes) return;
    got += 1;
    if (got === publishesPerRound * sockets.length) finish();
  };
  for (const socket of sockets) socket.on('message', count);
  const started = performance.now();
  for (let sent = 0; sent < publishesPerRound; sent += 1) await publish();
  await all;
  const seconds = (performance.now() - started) / 1_000;
  for (const socket of sockets) socket.off('message', count);
  return (publishesPerRound * sockets.length) / seconds;
}

async function barePublish(): Promise<{ readonly round: () => Promise<number>; readonly stop: () => void }> {
  const child = spawn(process.execPath, ['--import', 'tsx', new URL('./publish-server.ts', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `ws://127.0.0.1:${line.toString().trim()}/`;
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: readers }, open));
  const sender = await open();
  const message = randomBytes(bodyBytes + 200);
  return {
    round: () => deliveries(sockets, () => sender.send(message)),
    stop: () => {
      for (const socket of [...sockets, sender]) socket.terminate();
      child.kill();
    },
  };
}

async function fanOutRow(appliance: Appliance, account: RawAccount): Promise<Row> {
  const sender = await RawSocket.open(appliance.origin, account.cookie);
  let conversation = await createConversation(sender, account);
  const cursor = { conversationId: conversation.conversationId, generation: conversation.generation, sequence: conversation.headSequence };
  const sockets = await openSockets(appliance, account, readers);
  await Promise.all(sockets.map((socket) => socket.call('log.tail', { cursors: [cursor] })));
  const bare = await barePublish();
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const inFlight: Promise<void>[] = [];
    // Not one at a time: the relay may group what arrives together, as publish does on the other side.
    ours.push(await deliveries(sockets.map(({ socket }) => socket), async () => {
      inFlight.push(send(sender, conversation));
      if (inFlight.length >= 32) await inFlight.shift();
    }));
    await Promise.all(inFlight);
    theirs.push(await bare.round());
    conversation = await current(sender, conversation);
  }
  bare.stop();
  await Promise.all([...sockets, sender].map((socket) => socket.close()));
  const value = median(ours);
  const baseline = median(theirs);
  return { name: `fan-out of one conversation to ${readers} sockets, 1 KiB, kept and acknowledged`, value, unit: 'deliveries/s', baseline, ratio: value / baseline };
}

export async function relayRows(): Promise<readonly Row[]> {
  const appliance = await Appliance.start();
  try {
    const account = await createOwner(appliance.origin, setupToken);
    return [await sendsRow(appliance, account), await fanOutRow(appliance, account)];
  } finally {
    await appliance.stop();
  }
}
