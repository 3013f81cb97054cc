/** The process itself, killed without warning. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSocket } from '../../harness/door.ts';
import { freePort, postTo } from '../../harness/server.ts';
import { headOf, okay, talk } from '../commands/world.ts';
import { answerOf, Served } from './served.ts';

const root = resolve(import.meta.dirname, '../../..');
const setupToken = 'setup-token-of-the-killed-0123456789';
let folder: string;
let child: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-killed-'));
});
afterEach(async () => {
  await kill();
  rmSync(folder, { recursive: true, force: true });
});

async function kill(): Promise<void> {
  const running = child;
  child = null;
  if (running === null) return;
  const gone = once(running, 'exit');
  running.kill('SIGKILL');
  await gone;
}

/** Resolves once it serves. */
async function start(origin: string): Promise<void> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LANYING_')));
  const variables = { LANYING_ORIGIN: origin, LANYING_DATA: join(folder, 'data'), LANYING_SETUP_TOKEN: setupToken };
  const started = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], { cwd: root, env: { ...environment, ...variables }, stdio: ['ignore', 'pipe', 'ignore'] });
  child = started;
  await new Promise<void>((ready, failed) => {
    let out = '';
    started.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('lanying is ready')) ready();
    });
    started.once('exit', (code) => failed(new Error(`ended with ${code}`)));
  });
}

test('[L5] what was acknowledged is there after kill -9, sessions too, and what was not is whole or absent', { timeout: 120_000 }, async () => {
  const origin = `http://localhost:${await freePort()}`;
  await start(origin);
  const world = new Served({ setupToken, post: (command, input, cookie = null) => postTo(origin, command, input, cookie) });
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId } = await talk(world, owner, [guest]);
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const socket = await TestSocket.open(`${origin.replace('http', 'ws')}/api/v1/socket`, { cookie: world.cookie(owner), origin });
    const seen = await headOf(owner, conversationId);
    const messages = Array.from({ length: 10 }, (_, at) => owner.message(1, seen, `round ${round} ${at}`));
    const replies = messages.map((message) => socket.call('conversation.send', { conversationId, kind: 'message', message }));
    // Whoever is still unanswered when the process dies hears so by the closed socket.
    const settled = Promise.allSettled(replies.slice(1));
    const [first] = replies;
    if (first === undefined) throw new Error('nothing was sent');
    acknowledged.push(answerOf('conversation.send', await first).receipt.id);
    await kill();
    for (const reply of await settled) if (reply.status === 'fulfilled') acknowledged.push(answerOf('conversation.send', reply.value).receipt.id);
    await start(origin);
  }
  const { page } = okay(await guest.call('log.read', { conversationId, after: 0 }));
  const ids = page.entries.map(({ id }) => String(id));
  expect(acknowledged.length).toBeGreaterThanOrEqual(3);
  expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  expect(page.entries.map(({ sequence }) => sequence)).toEqual(page.entries.map((_, at) => at + 2));
  okay(await owner.call('conversation.send', { conversationId, kind: 'message', message: owner.message(1, await headOf(owner, conversationId)) }));
});
