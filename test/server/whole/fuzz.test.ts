/** The HTTP door under nonsense: real calls with one value exchanged, any JSON, and bytes that are no JSON. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { type CommandName, commands, isCommandName } from '#protocol/commands/index.ts';
import { isErrorCode } from '#protocol/errors.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { inputToJson } from '../../../server/commands/json.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { headOf, joined, okay, type Peer, talk } from '../commands/world.ts';
import { Served } from './served.ts';

const names: readonly CommandName[] = Object.keys(commands).filter(isCommandName);
/** Would end the session that the others need. */
const fuzzed = names.filter((name) => name !== 'session.end');
type Path = readonly (string | number)[];

let server: TestServer;
let world: Served;
let owner: Peer;
let guest: Peer;
let conversationId: ConversationId;
/** Input, as JSON, of calls that went well. */
const samples = new Map<CommandName, unknown>();

beforeAll(async () => {
  server = await startServer();
  world = new Served({
    setupToken: server.setupToken,
    post: async (command, input, cookie) => {
      const posted = await server.post(command, input, cookie);
      if (posted.status === 200) samples.set(command, inputToJson(command, input));
      return posted;
    },
  });
  owner = await world.owner();
  guest = await world.invited(owner, 'guest');
  const made = await talk(world, owner, [guest]);
  ({ conversationId } = made);
  await joined(guest, conversationId);
  await world.secondDevice(guest);
  okay(await owner.call('conversation.send', { conversationId, kind: 'message', message: owner.message(1, await headOf(owner, conversationId)) }));
  okay(await owner.call('conversation.commit', { conversationId, commit: (await owner.commit(made.state, 1, {})).sent }));
  okay(await owner.call('log.read', { conversationId, after: 0, limit: 2 }));
  const { conversation } = okay(await owner.call('conversation.get', { conversationId }));
  okay(await owner.call('log.tail', { cursors: [{ conversationId, generation: conversation.generation, sequence: 0 }] }));
  okay(await owner.call('conversation.signal', { conversationId, epoch: 2, body: new Uint8Array(8) }));
  okay(await owner.call('conversation.markRead', { conversationId, sequence: 1 }));
  okay(await owner.call('archive.put', { items: [{ conversationId, epoch: 1, sealed: new Uint8Array(8) }] }));
  okay(await owner.call('archive.get', { conversationId, before: 2, limit: 3 }));
  okay(await owner.call('vaultItem.put', { name: 'pins', version: 0, sealed: new Uint8Array(8) }));
  okay(await owner.call('people.find', { handles: ['guest'], userIds: [guest.userId] }));
  okay(await owner.call('device.list', { userIds: [guest.userId] }));
  okay(await owner.call('keyPackage.publish', { keyPackages: owner.offered }));
  okay(await owner.call('conversation.groupInfo', { conversationId }));
});
afterAll(() => server.remove());

/** Every place in a value, the whole of it too. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, below]) => pathsOf(below, [...at, Array.isArray(value) ? Number(key) : key]));
  return [at, ...inner];
}

function exchanged(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((below: unknown, at) => (at === key ? exchanged(below, rest, by) : below));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, name === key ? exchanged(below, rest, by) : below]));
}

const wrong = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0.5, 1e308, '', 'x'.repeat(3_000), [], [[]], {}, { __proto__: null, constructor: 1 }, '\u0000', '../..', 'AAAA'),
  fc.jsonValue({ maxDepth: 3 }),
);
const Refusal = v.object({ code: v.pipe(v.string(), v.check(isErrorCode)) });

async function isAnsweredWell(name: CommandName, response: Response): Promise<void> {
  const { status } = response;
  const body: unknown = await response.json();
  expect(status, `${name} ${JSON.stringify(body)}`).toBeLessThan(500);
  if (status !== 200) expect(v.is(Refusal, body), `${name} ${JSON.stringify(body)}`).toBe(true);
}

const send = (name: CommandName, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${server.origin}/api/v1/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.origin, cookie: world.cookie(owner) },
    body,
  });

async function stillTalks(): Promise<void> {
  const message = owner.message(2, await headOf(owner, conversationId));
  const { receipt } = okay(await owner.call('conversation.send', { conversationId, kind: 'message', message }));
  const { page } = okay(await guest.call('log.read', { conversationId, before: receipt.sequence + 1, limit: 1 }));
  expect(page.entries.map(({ id }) => id)).toEqual([message.id]);
  expect(okay(await guest.call('conversation.list', {})).conversations).toHaveLength(1);
}

const patience = { timeout: 120_000 };

test('[F3] [F5] real calls with a wrong value at any place get a typed refusal, never 500', patience, async () => {
  const places = [...samples].filter(([name]) => name !== 'session.end').flatMap(([name, sample]) => pathsOf(sample).map((path) => ({ name, sample, path })));
  expect(samples.size).toBeGreaterThan(20);
  for (const { name, sample, path } of places) {
    for (const by of [null, { a: 1 }, -1]) await isAnsweredWell(name, await send(name, JSON.stringify(exchanged(sample, path, by))));
  }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), wrong, async ({ name, sample, path }, by) => {
      await isAnsweredWell(name, await send(name, JSON.stringify(exchanged(sample, path, by))));
    }),
    { numRuns: 300 },
  );
  await stillTalks();
});

test('[F3] [F5] any JSON to any command gets a typed refusal, never 500', patience, async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...fuzzed), fc.json({ maxDepth: 6 }), async (name, json) => {
      await isAnsweredWell(name, await send(name, json));
    }),
    { numRuns: 300, examples: fuzzed.map((name): [CommandName, string] => [name, '[{}]']) },
  );
  await stillTalks();
});

test('[F5] bytes that are no JSON, and nesting without end, are input.malformed', patience, async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...fuzzed), fc.uint8Array({ maxLength: 400 }), async (name, bytes) => {
      await isAnsweredWell(name, await send(name, new Uint8Array(bytes)));
    }),
    { numRuns: 100 },
  );
  for (const open of ['[', '{"a":', '[{"a":']) {
    const response = await send('people.find', open.repeat(50_000));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'input.malformed' });
  }
  await stillTalks();
});
