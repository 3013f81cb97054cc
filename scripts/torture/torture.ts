/** Kills a real server under load (kill -9) again and again and compares what it shows with what it had acknowledged. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ChildServer } from '../../test/harness/child-server.ts';
import {
  anotherSession,
  createConversation,
  createOwner,
  noiseBody,
  type RawAccount,
  RawSocket,
} from '../../test/harness/raw-client.ts';
import { freePort } from '../../test/harness/server.ts';
import { commands } from '../../server/protocol/commands/index.ts';
import { type ConversationId, idFromBytes, type MessageId } from '../../server/protocol/ids.ts';

export interface TortureOptions {
  readonly rounds: number;
  /** Decides how much is acknowledged before each kill. */
  readonly seed: string;
  /** Sockets that send at once. */
  readonly clients: number;
  /** A round ends behind 20 acknowledgements and at most so many more. */
  readonly moreMax: number;
  readonly say: (line: string) => void;
}

export interface TortureResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** Entries in the log: what was acknowledged, and what was stored and not yet acknowledged when the process died. */
  readonly stored: number;
}

export interface SeenEntry {
  readonly id: string;
  readonly sequence: number;
}

/**
 * Throws when the log, read from its first entry, has a gap, shows an entry twice, or lacks one that was acknowledged or
 * has it at another place. `acknowledged`: sequence by message id.
 */
export function checkLog(entries: readonly SeenEntry[], acknowledged: ReadonlyMap<string, number>): void {
  const seen = new Map<string, number>();
  for (const { id, sequence } of entries) {
    if (sequence !== seen.size + 1) throw new Error(`a gap: ${sequence} follows ${seen.size}`);
    if (seen.has(id)) throw new Error(`doubled: ${sequence} and ${seen.get(id)}`);
    seen.set(id, sequence);
  }
  for (const [id, sequence] of acknowledged)
    if (seen.get(id) !== sequence) throw new Error(`lost or moved: ${sequence} is at ${seen.get(id)}`);
}

export interface Shown {
  readonly entries: readonly SeenEntry[];
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** The whole log as the server shows it now. */
export async function readLog(origin: string, cookie: string, conversationId: ConversationId): Promise<Shown> {
  const socket = await RawSocket.open(origin, cookie);
  const entries: SeenEntry[] = [];
  let hash = new Uint8Array(32);
  for (;;) {
    const frame = await socket.call('log.read', { conversationId, after: entries.at(-1)?.sequence ?? 0 });
    if (frame.kind !== 'answer') throw new Error(`log.read: ${JSON.stringify(frame)}`);
    const { page } = v.parse(commands['log.read'].output, frame.output);
    if (page.entries.length === 0) break;
    for (const { id, sequence } of page.entries) entries.push({ id, sequence });
    hash = page.entries.at(-1)?.hash ?? hash;
  }
  await socket.close();
  return { entries, hash };
}

/** Sends one after the other while `more` says so or until the socket is gone, and notes each acknowledgement. */
export async function sendWhile(
  more: () => boolean,
  socket: RawSocket,
  to: { readonly conversationId: ConversationId; readonly shown: Shown; readonly acknowledged: Map<string, number> },
): Promise<void> {
  const { conversationId, shown, acknowledged } = to;
  while (more()) {
    const id = idFromBytes<MessageId>(new Uint8Array(randomBytes(16)));
    const message = { id, epoch: 0, body: noiseBody(shown.entries.length, shown.hash, 1024) };
    const frame = await socket.call('conversation.send', { conversationId, kind: 'message', message });
    if (frame.kind !== 'answer') throw new Error(`conversation.send: ${JSON.stringify(frame)}`);
    const { receipt } = v.parse(commands['conversation.send'].output, frame.output);
    acknowledged.set(receipt.id, receipt.sequence);
  }
}

const setupToken = 'setup-token-of-the-torture-0123456789';

/** A new server's owner and a conversation of theirs. */
export async function begin(
  origin: string,
  token: string,
): Promise<{ readonly account: RawAccount; readonly conversationId: ConversationId }> {
  const account = await createOwner(origin, token);
  const socket = await RawSocket.open(origin, await anotherSession(origin, account));
  const { conversationId } = await createConversation(socket, account);
  await socket.close();
  return { account, conversationId };
}

/** Rejects when anything acknowledged is lost, doubled or out of order, or the server does not start. */
export async function torture({ rounds, seed, clients, moreMax, say }: TortureOptions): Promise<TortureResult> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'lanying-torture-'));
  const origin = `http://localhost:${await freePort()}`;
  const draw = (at: number): number => createHash('sha256').update(`${seed} ${at}`).digest().readUInt32BE() % moreMax;
  const acknowledged = new Map<string, number>();
  let server: ChildServer | null = null;
  const start = async (): Promise<ChildServer> =>
    (server = await ChildServer.start({ origin, dataFolder, setupToken }));
  try {
    let running = await start();
    const { account, conversationId } = await begin(origin, setupToken);
    for (let at = 0; at < rounds; at += 1) {
      if (at > 0) running = await start();
      const shown = await readLog(origin, account.cookie, conversationId);
      checkLog(shown.entries, acknowledged);
      const sockets = await Promise.all(Array.from({ length: clients }, () => RawSocket.open(origin, account.cookie)));
      const enough = acknowledged.size + 20 + draw(at);
      const sending = { conversationId, shown, acknowledged };
      // Whoever is first there ends the round; the others are killed in the middle of their sends.
      await Promise.race(sockets.map((socket) => sendWhile(() => acknowledged.size < enough, socket, sending)));
      await running.kill();
      say(
        `round ${at + 1} of ${rounds}, ${acknowledged.size} acknowledged, ${shown.entries.length} shown at the start`,
      );
    }
    const last = await start();
    const { entries } = await readLog(origin, account.cookie, conversationId);
    checkLog(entries, acknowledged);
    await last.stop();
    return { kills: rounds, acknowledged: acknowledged.size, stored: entries.length };
  } finally {
    await (server as ChildServer | null)?.kill();
    rmSync(dataFolder, { recursive: true, force: true });
  }
}
