/** The process itself, killed without warning. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChildServer } from '../../harness/child-server.ts';
import { TestSocket } from '../../harness/door.ts';
import { freePort } from '../../harness/free-port.ts';
import { postTo } from '../../harness/server.ts';
import { headOf, okay, talk } from '../commands/world.ts';
import { answerOf, Served } from './served.ts';

const setupToken = 'setup-token-of-the-killed-0123456789';
let folder: string;
let child: ChildServer | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-killed-'));
});
afterEach(async () => {
  await child?.kill();
  child = null;
  rmSync(folder, { recursive: true, force: true });
});

const start = async (origin: string): Promise<void> => {
  child = await ChildServer.start({ origin, dataFolder: join(folder, 'data'), setupToken });
};

test(
  '[L5] what was acknowledged is there after kill -9, sessions too, and what was not is whole or absent',
  { timeout: 120_000 },
  async () => {
    const origin = `http://localhost:${await freePort()}`;
    await start(origin);
    const world = new Served({
      setupToken,
      post: (command, input, cookie = null) => postTo(origin, command, input, cookie),
    });
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const { conversationId } = await talk(world, owner, [guest]);
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const socket = await TestSocket.open(`${origin.replace('http', 'ws')}/api/v1/socket`, {
        cookie: world.cookie(owner),
        origin,
      });
      const seen = await headOf(owner, conversationId);
      const messages = Array.from({ length: 10 }, (_, at) => owner.message(1, seen, `round ${round} ${at}`));
      const replies = messages.map((message) =>
        socket.call('conversation.send', { conversationId, kind: 'message', message }),
      );
      // Whoever is still unanswered when the process dies hears so by the closed socket.
      const settled = Promise.allSettled(replies.slice(1));
      const [first] = replies;
      if (first === undefined) throw new Error('nothing was sent');
      acknowledged.push(answerOf('conversation.send', await first).receipt.id);
      await child?.kill();
      for (const reply of await settled)
        if (reply.status === 'fulfilled') acknowledged.push(answerOf('conversation.send', reply.value).receipt.id);
      await start(origin);
    }
    const { page } = okay(await guest.call('log.read', { conversationId, after: 0 }));
    const ids = page.entries.map(({ id }) => String(id));
    expect(acknowledged.length).toBeGreaterThanOrEqual(3);
    expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(page.entries.map(({ sequence }) => sequence)).toEqual(page.entries.map((_, at) => at + 2));
    okay(
      await owner.call('conversation.send', {
        conversationId,
        kind: 'message',
        message: owner.message(1, await headOf(owner, conversationId)),
      }),
    );
  },
);
