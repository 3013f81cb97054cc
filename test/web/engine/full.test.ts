/** The server's disk fills up under real devices: what they say, what they ask for meanwhile, and what becomes of what was written. */
import { join as pathOf } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandName } from '#protocol/commands/index.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { type Mounted, mountSmall } from '../../harness/mounted.ts';
import { makeOwner } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

const probe = mountSmall(1);
probe?.remove();
const mebibyte = 1024 * 1024;

describe.skipIf(probe === null)('a server whose disk is full', () => {
  let disk: Mounted;
  let server: TestServer;
  let owner: Client;
  const engines: HeadlessEngine[] = [];
  beforeEach(async () => {
    const mounted = mountSmall(64);
    if (mounted === null) throw new Error('no file system');
    disk = mounted;
    server = await startServer({ dataFolder: pathOf(disk.path, 'data') });
    owner = await makeOwner(server, 'owner');
  });
  afterEach(async () => {
    await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
    await server.stop();
    disk.remove();
  });

  async function person(handle: string): Promise<{ readonly engine: HeadlessEngine; readonly network: LyingNetwork; readonly profile: MemoryProfile }> {
    const [network, profile] = [new LyingNetwork(nodeNetwork(server.origin)), new MemoryProfile()];
    const engine = await engineOver(network, openMemoryStore(profile));
    engines.push(engine);
    await join(engine, handle, (await owner.createInvite()).link);
    return { engine, network, profile };
  }
  /** Those without labels, by name. */
  async function metrics(): Promise<Readonly<Record<string, number>>> {
    const text = await (await fetch(`${server.origin}/metrics`)).text();
    return Object.fromEntries([...text.matchAll(/^(lanying_\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
  }
  const saysFull = (engine: HeadlessEngine, queued: number): Promise<void> =>
    until(engine, ({ connection }) => connection.state === 'full' && connection.queued === queued);
  const isWell = (engine: HeadlessEngine): Promise<void> => until(engine, ({ connection }) => connection.state === 'online');

  it('[E13] [Z1] is told to everybody, asked for no write, and sent to over the same socket as soon as there is room', async () => {
    const [ada, bob] = [await person('ada'), await person('bob')];
    await ada.engine.refreshPeople();
    const members = [idOf(ada.engine, 'bob')];
    const [one, other] = [await ada.engine.createConversation({ title: 'one', members }), await ada.engine.createConversation({ title: 'other', members })];
    await Promise.all([one, other].map((id) => entered(bob.engine, id)));
    await disk.fill(2 * mebibyte);
    // The server finds out by itself, and says so to those who ask nothing.
    await Promise.all([saysFull(ada.engine, 0), saysFull(bob.engine, 0)]);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(503);
    expect(await metrics()).toMatchObject({ lanying_store_full: 1, lanying_store_open: 0 });
    expect((await metrics()).lanying_disk_free_bytes).toBeLessThan((await metrics()).lanying_disk_floor_bytes ?? 0);
    const asked: CommandName[] = [];
    let sockets = 0;
    ada.network.lie = (frame, command) => {
      if (command !== null) asked.push(command);
      if (frame.kind === 'event' && frame.name === 'ready') sockets += 1;
      return [frame];
    };
    const [first, second, third] = [await ada.engine.send(one, 'first'), await ada.engine.send(other, 'second'), await ada.engine.send(one, 'third')];
    await saysFull(ada.engine, 3);
    expect(viewOf(ada.engine, one).failedSends).toBe(0);
    // Reading goes on meanwhile.
    expect(await textsOf(bob.engine, one)).toEqual([]);
    await bob.engine.refreshPeople();
    expect(asked.filter((command) => command === 'conversation.send')).toEqual([]);
    const heard = Promise.all(['first', 'second', 'third'].map((text) => hears(bob.engine, text)));
    disk.free();
    await Promise.all([isWell(ada.engine), isWell(bob.engine)]);
    await Promise.all([ada.engine.delivered(one, first), ada.engine.delivered(other, second), ada.engine.delivered(one, third)]);
    await heard;
    expect(sockets).toBe(0);
    expect(await textsOf(bob.engine, one)).toEqual(['first', 'third']);
    expect(asked.filter((command) => command === 'conversation.send')).toHaveLength(3);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
    const after = await metrics();
    expect(after).toMatchObject({ lanying_store_full: 0, lanying_store_open: 1 });
    expect(after.lanying_sync_seconds_count).toBeGreaterThan(10);
    expect(after.lanying_disk_free_bytes).toBeGreaterThan(after.lanying_disk_floor_bytes ?? Infinity);
  });

  it('[E13] is told to a device that comes back to it, which reads what it missed and sends when there is room', async () => {
    const [ada, bob] = [await person('ada'), await person('bob')];
    await ada.engine.refreshPeople();
    const id = await ada.engine.createConversation({ title: null, members: [idOf(ada.engine, 'bob')] });
    await entered(bob.engine, id);
    await bob.engine.close();
    await ada.engine.delivered(id, await ada.engine.send(id, 'while bob was away'));
    // He was added to this one while he was away: coming into it may have to write.
    const second = await ada.engine.createConversation({ title: 'second', members: [idOf(ada.engine, 'bob')] });
    await disk.fill(2 * mebibyte);
    await saysFull(ada.engine, 0);
    const back = await engineOver(bob.network, openMemoryStore(bob.profile));
    engines.push(back);
    await saysFull(back, 0);
    await back.synced();
    expect(await textsOf(back, id)).toEqual(['while bob was away']);
    const message = await back.send(id, 'from a full server');
    await saysFull(back, 1);
    disk.free();
    await back.delivered(id, message);
    await isWell(back);
    await entered(back, second);
    await until(ada.engine, ({ conversations }) => conversations.some(({ last }) => last?.text === 'from a full server'));
  });
});

describe('refusals that pass', () => {
  let server: TestServer;
  let owner: Client;
  let engine: HeadlessEngine | null = null;
  beforeEach(async () => {
    server = await startServer();
    owner = await makeOwner(server, 'owner');
  });
  afterEach(async () => {
    await engine?.close();
    await owner.close();
    await server.remove();
  });

  it('[E13] of one conversation keep no other one waiting', async () => {
    const network = new LyingNetwork(nodeNetwork(server.origin));
    const profile = new MemoryProfile();
    const ada = await engineOver(network, openMemoryStore(profile));
    engine = ada;
    await join(ada, 'ada', (await owner.createInvite()).link);
    const make = (title: string) => ada.createConversation({ title, members: [] });
    const ids = [await make('one'), await make('two'), await make('three')];
    network.cut();
    await until(ada, ({ connection }) => connection.state === 'offline');
    const waiting = await Promise.all(ids.map(async (id) => ({ id, message: await ada.send(id, 'hello') })));
    const order: string[] = [];
    network.lie = (frame, command) => {
      if (frame.kind === 'event' || (command !== 'conversation.send' && command !== 'conversation.list')) return [frame];
      // The answer to whichever conversation comes first is a refusal; what was taken all the same comes back with the log.
      const refuse = command === 'conversation.send' && !order.includes('refused');
      order.push(command === 'conversation.list' ? 'list' : refuse ? 'refused' : 'sent');
      return refuse ? [{ kind: 'refusal', id: frame.id, code: 'server.unavailable', detail: {} }] : [frame];
    };
    await Promise.all(waiting.map(({ id, message }) => ada.delivered(id, message)));
    // Not behind another look, which comes seconds later.
    expect(order.slice(0, 4)).toEqual(['list', 'refused', 'sent', 'sent']);
    expect(ada.snapshot().notices).toEqual([]);
  });
});
