/**
 * `npm run torture [-- --rounds N --seed S --clients N]`: kills a real server under load (kill -9) again and again and
 * compares what it shows afterwards with what it had acknowledged. Ends with 1 when anything acknowledged is lost,
 * doubled or out of order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import {
  anotherSession,
  createConversation,
  createOwner,
  noiseBody,
  type RawAccount,
  RawSocket,
} from '../../test/harness/raw-client.ts';
import { commands } from '../../server/protocol/commands/index.ts';
import { type ConversationId, idFromBytes, type MessageId } from '../../server/protocol/ids.ts';
import { root } from '../../vite.config.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '4' },
  },
});
const rounds = Number(values.rounds);
const clients = Number(values.clients);
const setupToken = 'setup-token-of-the-torture-0123456789';
const folder = mkdtempSync(join(tmpdir(), 'lanying-torture-'));
/** Sequence by message id: everything that was acknowledged. */
const acknowledged = new Map<string, number>();

const draw = (at: number, most: number): number =>
  createHash('sha256').update(`${values.seed} ${at}`).digest().readUInt32BE() % most;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function start(origin: string): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'],
    LANYING_ORIGIN: origin,
    LANYING_DATA: folder,
    LANYING_SETUP_TOKEN: setupToken,
    LANYING_LOG_LEVEL: 'error',
  };
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((ready, failed) => {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('lanying is ready')) ready();
    });
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}`)));
  });
  return child;
}

interface Shown {
  readonly size: number;
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** Sends one after the other until enough is acknowledged or the socket is gone. */
async function send(socket: RawSocket, conversationId: ConversationId, seen: Shown, enough: number): Promise<void> {
  while (acknowledged.size < enough) {
    const id = idFromBytes<MessageId>(new Uint8Array(randomBytes(16)));
    const message = { id, epoch: 0, body: noiseBody(seen.size, seen.hash, 1024) };
    const frame = await socket.call('conversation.send', { conversationId, kind: 'message', message });
    if (frame.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(frame)}`);
    const { receipt } = v.parse(commands['conversation.send'].output, frame.output);
    acknowledged.set(receipt.id, receipt.sequence);
  }
}

/** Everything that the server shows now. Throws when something acknowledged is not what it was. */
async function compare(origin: string, cookie: string, conversationId: ConversationId): Promise<Shown> {
  const socket = await RawSocket.open(origin, cookie);
  const seen = new Map<string, number>();
  let after = 0;
  let hash = new Uint8Array(32);
  for (;;) {
    const frame = await socket.call('log.read', { conversationId, after });
    if (frame.kind !== 'answer') throw new Error(`log.read: ${JSON.stringify(frame)}`);
    const { entries } = v.parse(commands['log.read'].output, frame.output).page;
    if (entries.length === 0) break;
    for (const { id, sequence, hash: running } of entries) {
      hash = running;
      if (sequence !== after + 1) throw new Error(`a gap: ${sequence} follows ${after}`);
      if (seen.has(id)) throw new Error(`doubled: ${sequence} and ${seen.get(id)}`);
      seen.set(id, sequence);
      after = sequence;
    }
  }
  await socket.close();
  for (const [id, sequence] of acknowledged)
    if (seen.get(id) !== sequence) throw new Error(`lost or moved: ${sequence} is at ${seen.get(id)}`);
  return { size: seen.size, hash };
}

async function round(at: number, origin: string, account: RawAccount, conversationId: ConversationId): Promise<void> {
  const child = await start(origin);
  const shown = await compare(origin, account.cookie, conversationId);
  const sockets = await Promise.all(Array.from({ length: clients }, () => RawSocket.open(origin, account.cookie)));
  const enough = acknowledged.size + 20 + draw(at, 400);
  // Whoever is first there ends the round; the others are killed in the middle of their sends.
  await Promise.race(sockets.map((socket) => send(socket, conversationId, shown, enough)));
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  process.stdout.write(
    `torture: round ${at + 1} of ${rounds}, ${acknowledged.size} acknowledged, ${shown.size} shown at the start\n`,
  );
}

try {
  const origin = `http://localhost:${await freePort()}`;
  const first = await start(origin);
  const account = await createOwner(origin, setupToken);
  const cookie = await anotherSession(origin, account);
  const socket = await RawSocket.open(origin, cookie);
  const { conversationId } = await createConversation(socket, account);
  first.kill('SIGKILL');
  await once(first, 'exit');
  for (let at = 0; at < rounds; at += 1) await round(at, origin, account, conversationId);
  const last = await start(origin);
  const shown = await compare(origin, account.cookie, conversationId);
  last.kill('SIGTERM');
  await once(last, 'exit');
  process.stdout.write(
    `torture: ${rounds} kills, ${acknowledged.size} acknowledged, ${shown.size} stored, 0 lost, 0 doubled, no gap\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
