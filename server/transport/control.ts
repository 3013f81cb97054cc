/**
 * The operator's door: a socket in the data folder (mode 0600), for `lanying` beside a running server. Lines of JSON.
 *   → {"ask":"checkpoint"}   ← {"checkpoint":{…}} or {"refused":"busy"|"full"|"failed"}
 *                            ← {"ended":"erasure"} when something was erased: the checkpoint is gone
 *   → {"made":{…}}           ← {"noted":true}
 * The checkpoint is let go of when the connection ends, however it ends.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import * as v from 'valibot';

const lineBytesMax = 8 * 1024;
const connectionsMax = 4;

const Made = v.strictObject({
  name: v.nullable(v.pipe(v.string(), v.regex(/^[A-Za-z0-9.-]{1,64}$/))),
  takenAt: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  files: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
export type MadeBackup = v.InferOutput<typeof Made>;
const Line = v.union([v.strictObject({ ask: v.literal('checkpoint') }), v.strictObject({ made: Made })]);

interface Lent {
  /** What the asker is told; plain JSON. */
  readonly told: object;
  release(): Promise<void>;
}

export interface ControlDesk {
  /** A word when it cannot be. */
  checkpoint(onEnded: () => void): Promise<Lent | 'busy' | 'full' | 'failed'>;
  made(made: MadeBackup): Promise<void>;
  /** A fault of this server behind a line. */
  failed(cause: unknown): void;
}

export interface Control {
  close(): Promise<void>;
}

/** Rejects when no socket can be made at the path, for example because it is longer than 107 bytes. */
export async function openControl(path: string, desk: ControlDesk): Promise<Control> {
  // Of a process that was killed: whoever opens the control holds the folder's lock.
  await rm(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    if (open.size >= connectionsMax) return void socket.destroy();
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    converse(socket, desk);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function converse(socket: Socket, desk: ControlDesk): void {
  let waiting = '';
  let lent: Lent | null = null;
  let turn: Promise<void> = Promise.resolve();
  const say = (line: object): void => {
    if (socket.writable) socket.write(`${JSON.stringify(line)}\n`);
  };
  const heard = async (text: string): Promise<void> => {
    const line = parse(text);
    if (line === null || socket.destroyed) return void socket.destroy();
    if ('made' in line) {
      await desk.made(line.made);
      return say({ noted: true });
    }
    const answer = lent === null ? await desk.checkpoint(() => say({ ended: 'erasure' })) : 'busy';
    if (typeof answer === 'string') return say({ refused: answer });
    // Whoever asked may be gone by now.
    if (socket.destroyed) return answer.release();
    lent = answer;
    say({ checkpoint: answer.told });
  };
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    waiting += text;
    const lines = waiting.split('\n');
    waiting = lines.pop() ?? '';
    if (waiting.length > lineBytesMax) return void socket.destroy();
    for (const each of lines) turn = turn.then(() => heard(each)).catch((cause: unknown) => (desk.failed(cause), void socket.destroy()));
  });
  socket.on('close', () => {
    turn = turn.then(() => lent?.release()).catch((cause: unknown) => desk.failed(cause));
  });
}

function parse(text: string): v.InferOutput<typeof Line> | null {
  try {
    const parsed = v.safeParse(Line, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
