import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { decodeServerFrame, encodeEvent } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import { events } from '#protocol/events.ts';
import type { ConversationId, DeviceId, UserId } from '#protocol/ids.ts';
import { backpressureBytesMax, frameBytesMax, heldBytesMax } from '#protocol/limits.ts';
import { deferred, type OpenDoor, openDoor, randomId, type TestSocket } from '../../harness/door.ts';
import { type Log, LogRouter } from '../../harness/log-router.ts';

let door: OpenDoor;
let router: LogRouter;
beforeEach(async () => {
  router = new LogRouter();
  door = await openDoor({ router, views: router.views });
  router.bus = door.bus;
});
afterEach(() => door.stop());

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const ada = randomId<UserId>();
const ben = randomId<UserId>();
const eve = randomId<UserId>();
const socketOf = (user: UserId, device: DeviceId | null = null) => door.socket(door.signIn(user, device).cookie);

/** Follows a log as a client does: pages from its cursor until live, then events; takes `lagged` as "page again". */
class Reader {
  readonly sequences: number[] = [];
  readonly #early = new Map<number, true>();
  #seenFrames = 0;
  constructor(
    readonly socket: TestSocket,
    readonly log: Log,
  ) {}

  get head(): number {
    return this.sequences.at(-1) ?? 0;
  }
  async catchUp(): Promise<void> {
    for (;;) {
      const cursor = { conversationId: this.log.conversationId, generation: this.log.generation, sequence: this.head };
      const reply = await this.socket.call('log.tail', { cursors: [cursor] });
      if (reply.kind !== 'answer') throw new Error(reply.code);
      const [result] = v.parse(commands['log.tail'].output, reply.output).results;
      if (result?.state === 'page') for (const { sequence } of result.page.entries) this.sequences.push(sequence);
      if (result?.state !== 'page') return;
    }
  }
  /** Events in the order they came; every one must be the next or one that a page had already brought. */
  takeEvents(): void {
    for (const frame of this.socket.frames.slice(this.#seenFrames)) {
      this.#seenFrames += 1;
      if (frame.kind !== 'event' || frame.name !== 'entry') continue;
      const { conversationId, entry } = v.parse(events.entry, frame.payload);
      if (conversationId !== this.log.conversationId) continue;
      expect(this.#early.has(entry.sequence)).toBe(false);
      this.#early.set(entry.sequence, true);
      expect(entry.sequence).toBe(this.head + 1);
      this.sequences.push(entry.sequence);
    }
  }
}

describe('catch-up and live', () => {
  test('[L7] [L10] under a concurrent writer every reader gets every entry once and in order', async () => {
    const writer = await socketOf(ada);
    for (let round = 0; round < 40; round += 1) {
      const log = router.conversation([ada, ben]);
      for (let before = 0; before < round % 13; before += 1) router.append(log, ada, 10);
      const readers = await Promise.all([socketOf(ben), socketOf(ben), socketOf(ada)]).then((sockets) => sockets.map((socket) => new Reader(socket, log)));
      const writing = (async () => {
        for (let sent = 0; sent < 25; sent += 1) {
          const reply = await writer.call('conversation.send', { conversationId: log.conversationId });
          expect(reply.kind).toBe('answer');
          if (sent % 5 === round % 5) await turn();
        }
      })();
      await Promise.all([writing, ...readers.map((reader) => reader.catchUp())]);
      const all = log.entries.map(({ sequence }) => sequence);
      for (const reader of readers) {
        await reader.socket.until(() => reader.head + reader.socket.events('entry').length >= all.length);
        reader.takeEvents();
        expect(reader.sequences).toEqual(all);
        reader.socket.close();
      }
    }
  });

  test('[L10] entries of one conversation come in order while answers interleave', async () => {
    const log = router.conversation([ada, ben]);
    const socket = await socketOf(ada);
    const reader = new Reader(socket, log);
    await reader.catchUp();
    const ids = Array.from({ length: 60 }, () => socket.send('conversation.send', { conversationId: log.conversationId }));
    for (const id of ids) expect(await socket.reply(id)).toMatchObject({ kind: 'answer' });
    await socket.event('entry', 60);
    reader.takeEvents();
    expect(reader.sequences).toEqual(Array.from({ length: 60 }, (_none, at) => at + 1));
  });

  test('nobody gets entries of a conversation that they did not tail', async () => {
    const log = router.conversation([ada, ben]);
    const other = router.conversation([ada, ben]);
    const socket = await socketOf(ben);
    await new Reader(socket, other).catchUp();
    router.append(log, ada, 10);
    router.append(other, ada, 10);
    const [first] = await socket.event('entry');
    expect(first).toMatchObject({ conversationId: other.conversationId });
    expect(socket.events('entry')).toHaveLength(1);
  });
});

describe('slow readers', () => {
  test('[L8] a socket that does not read is taken off, stays bounded, is told, and catches up; others miss nothing', async () => {
    const log = router.conversation([ada, ben, eve]);
    const quick = new Reader(await socketOf(ada), log);
    const slow = new Reader(await socketOf(ben), log);
    await Promise.all([quick.catchUp(), slow.catchUp()]);
    slow.socket.ws.pause();
    const bodyBytes = 60_000;
    const entries = 650;
    for (let sent = 0; sent < entries; sent += 1) {
      router.append(log, eve, bodyBytes);
      await turn();
    }
    await quick.socket.event('entry', entries);
    quick.takeEvents();
    expect(quick.sequences).toHaveLength(entries);

    slow.socket.ws.resume();
    const [lagged] = await slow.socket.event('lagged');
    expect(lagged).toEqual({ conversationIds: [log.conversationId] });
    const got = slow.socket.events('entry').length;
    // The relay's bound, and what the kernel's two buffers took; the rest was never kept.
    expect(got * bodyBytes).toBeLessThan(backpressureBytesMax + 16 * 1024 * 1024);
    expect(entries * bodyBytes).toBeGreaterThan(2 * (backpressureBytesMax + 16 * 1024 * 1024));
    slow.takeEvents();
    await slow.catchUp();
    expect(slow.sequences).toEqual(quick.sequences);
    // And it is live again.
    router.append(log, eve, 10);
    await slow.socket.event('entry', got + 1);
    slow.takeEvents();
    expect(slow.head).toBe(entries + 1);
    expect(door.logLines.filter((line) => line.includes('slow socket'))).toHaveLength(1);
  });

  test('[L8] a socket that asks but does not read makes the server read no more than a few pages ahead', async () => {
    const log = router.conversation([ada, ben]);
    for (let sent = 0; sent < 5; sent += 1) router.append(log, ada, 200_000);
    const socket = await socketOf(ada);
    const other = await socketOf(ben);
    socket.ws.pause();
    const cursor = { conversationId: log.conversationId, generation: log.generation, sequence: 0 };
    const ids = Array.from({ length: 60 }, () => socket.send('log.tail', { cursors: [cursor] }));
    for (let asked = 0; asked < 20; asked += 1) expect(await other.call('log.tail', { cursors: [cursor] })).toMatchObject({ kind: 'answer' });
    // Each page is a megabyte; the kernel takes a few of them, then the calls wait unstarted.
    expect(router.calls.length - 20).toBeLessThan(40);
    socket.ws.resume();
    for (const id of ids) expect(await socket.reply(id)).toMatchObject({ kind: 'answer' });
    expect(router.calls).toHaveLength(80);
  });

  test('[L8] what cannot be dropped is held up to a bound; then the socket is closed, and nobody else', async () => {
    const socket = await socketOf(ada);
    const other = await socketOf(ben);
    socket.ws.pause();
    const event = { conversationId: router.conversation([ada]).conversationId, readSequence: 1 };
    const { length } = encodeEvent('read', event);
    const needed = (heldBytesMax + backpressureBytesMax + 16 * 1024 * 1024) / length;
    for (let told = 0; told < needed; told += 1) door.bus.publish({ kind: 'read', userId: ada, ...event });
    socket.ws.resume();
    // The close frame may not get through a full buffer: then the connection is just cut.
    expect([1006, 1013]).toContain(await socket.closeCode());
    expect(await other.call('session.ping', {})).toMatchObject({ kind: 'refusal', code: 'command.unknown' });
  });

  test('an answer longer than a frame may be is refused, not sent', async () => {
    router.on('archive.get', async () => ({ result: { ok: true, value: { items: [new Uint8Array(frameBytesMax)] } } }));
    const socket = await socketOf(ada);
    expect(await socket.call('archive.get', {})).toMatchObject({ kind: 'refusal', code: 'server.internal' });
  });
});

describe('members', () => {
  test('[C7] a removed person hears of the removal and of nothing behind it', async () => {
    const log = router.conversation([ada, ben]);
    const [stays, goes, goesToo] = [new Reader(await socketOf(ada), log), new Reader(await socketOf(ben), log), new Reader(await socketOf(ben), log)];
    await Promise.all([stays, goes, goesToo].map((reader) => reader.catchUp()));
    for (let round = 0; round < 20; round += 1) {
      router.append(log, ada, 10);
      router.remove(log, ben);
      router.append(log, ada, 10);
      door.bus.publish({ kind: 'signal', conversationId: log.conversationId, epoch: 0, user: ada, device: randomId(), body: Uint8Array.of(1) });
      const wanted = (round + 1) * 2;
      await stays.socket.event('entry', wanted);
      for (const reader of [goes, goesToo]) {
        await reader.socket.event('removed', round + 1);
        const payloads = reader.socket.frames.filter((frame) => frame.kind === 'event' && frame.name !== 'conversation' && frame.name !== 'ready');
        expect(payloads.at(-1)).toMatchObject({ name: 'removed', payload: { conversationId: log.conversationId } });
        expect(reader.socket.events('signal')).toHaveLength(0);
      }
      router.add(log, ben);
      for (const reader of [goes, goesToo]) {
        reader.takeEvents();
        await reader.catchUp();
      }
    }
    expect(goes.sequences).toEqual(stays.socket.events('entry').map((_entry, at) => at + 1));
  });

  test('[C7] a look at the roster that began before a removal tells the removed person nothing', async () => {
    const gate = deferred();
    const slowViews = { ...router.views, conversation: async (...args: Parameters<typeof router.views.conversation>) => {
      const seen = await router.views.conversation(...args);
      await gate.opened;
      return seen;
    } };
    const late = await openDoor({ router, views: slowViews });
    router.bus = late.bus;
    const log = router.conversation([ada, ben]);
    const staying = await late.socket(late.signIn(ada).cookie);
    const going = await late.socket(late.signIn(ben).cookie);
    router.add(log, eve);
    await turn();
    await turn();
    router.remove(log, ben);
    await going.event('removed');
    gate.open();
    await staying.event('conversation');
    expect(staying.events('conversation')).toHaveLength(1);
    expect(v.parse(events.conversation, staying.events('conversation')[0]).conversation.members.map(({ userId }) => userId)).not.toContain(ben);
    expect(going.events('conversation')).toHaveLength(0);
    await late.stop();
  });

  test('each member sees a changed conversation with their own marks', async () => {
    const log = router.conversation([ada, ben]);
    const [first, second, outsider] = [await socketOf(ada), await socketOf(ben), await socketOf(randomId<UserId>())];
    router.add(log, eve);
    expect((await first.event('conversation'))[0]).toMatchObject({ conversation: { conversationId: log.conversationId, readSequence: 0 } });
    expect((await second.event('conversation'))[0]).toMatchObject({ conversation: { readSequence: 1 } });
    expect(outsider.events('conversation')).toHaveLength(0);
  });
});

describe('other events', () => {
  test('[G1] a signal reaches live members, but not the device that sent it', async () => {
    const log = router.conversation([ada, ben]);
    const device = randomId<DeviceId>();
    const [sender, sibling, other, notLive] = [await socketOf(ada, device), await socketOf(ada, randomId()), await socketOf(ben), await socketOf(ben)];
    for (const socket of [sender, sibling, other]) await new Reader(socket, log).catchUp();
    const signal = { conversationId: log.conversationId, epoch: 3, user: ada, device, body: Uint8Array.of(1, 2) };
    door.bus.publish({ kind: 'signal', ...signal });
    expect(await sibling.event('signal')).toEqual([signal]);
    expect(await other.event('signal')).toEqual([signal]);
    router.append(log, ada, 1);
    await sender.event('entry');
    expect(sender.events('signal')).toHaveLength(0);
    expect(notLive.events('signal')).toHaveLength(0);
  });

  test('[L11] [M1] [D3] marks reach the person, welcomes the device, devices the contacts', async () => {
    const device = randomId<DeviceId>();
    const log = router.conversation([ada, ben]);
    const [phone, laptop, contact, stranger] = [await socketOf(ada, device), await socketOf(ada, randomId()), await socketOf(ben), await socketOf(eve)];
    const { conversationId } = log;
    door.bus.publish({ kind: 'read', conversationId, userId: ada, readSequence: 4 });
    door.bus.publish({ kind: 'welcome', conversationId, devices: [device] });
    door.bus.publish({ kind: 'keyPackagesLow', deviceId: device, suite: 1, count: 3 });
    door.bus.publish({ kind: 'devices', userId: ada });
    expect(await phone.event('devices')).toEqual([{ userId: ada }]);
    expect(await contact.event('devices')).toEqual([{ userId: ada }]);
    expect(phone.events('read')).toEqual([{ conversationId, readSequence: 4 }]);
    expect(await laptop.event('read')).toEqual([{ conversationId, readSequence: 4 }]);
    expect(phone.events('welcome')).toEqual([{ conversationId }]);
    expect(phone.events('keyPackages')).toEqual([{ suite: 1, count: 3 }]);
    expect(laptop.events('welcome')).toHaveLength(0);
    expect(stranger.frames).toHaveLength(1);
  });

  test('every event on the wire has the shape of the contract', async () => {
    const log = router.conversation([ada]);
    const device = randomId<DeviceId>();
    const socket = await socketOf(ada, device);
    await new Reader(socket, log).catchUp();
    router.append(log, ada, 3);
    router.add(log, ben);
    await socket.event('conversation');
    for (const frame of socket.frames) {
      if (frame.kind === 'event') expect(() => v.parse(events[frame.name] as v.GenericSchema, frame.payload)).not.toThrow();
    }
    expect(decodeServerFrame(new Uint8Array([0x80]))).toBeNull();
  });
});

describe('sessions', () => {
  test('[P6] a session that has something to do first hears of nothing until it has, and comes again when that begins', async () => {
    const { cookie, session } = door.signIn(ada, null, 'add_second_step');
    const { cookie: free, session: unrestricted } = door.signIn(ada);
    const [held, other] = await Promise.all([door.socket(cookie), door.socket(free)]);
    door.bus.publish({ kind: 'vault', userId: ada, version: 1 });
    await other.event('vault');
    expect(held.events('vault')).toEqual([]);
    door.bus.publish({ kind: 'sessionFreed', sessionId: session.sessionId });
    door.bus.publish({ kind: 'vault', userId: ada, version: 2 });
    expect(await held.event('vault')).toEqual([{ version: 2 }]);
    door.bus.publish({ kind: 'sessionRestricted', sessionId: unrestricted.sessionId });
    expect(await other.closeCode()).toBe(1001);
    expect(held.closed).toBeNull();
  });

  test.each(['signed_out', 'revoked', 'expired'] as const)('[S3] %s closes every socket of that session and no other', async (reason) => {
    const { cookie, session } = door.signIn(ada);
    const ended = [await door.socket(cookie), await door.socket(cookie)];
    const other = await socketOf(ada);
    const log = router.conversation([ada]);
    door.bus.publish({ kind: 'sessionEnded', sessionId: session.sessionId, reason });
    for (const socket of ended) {
      expect(await socket.closeCode()).toBe(4001);
      expect(socket.events('sessionEnded')).toEqual([{ reason }]);
    }
    expect(await other.call('conversation.send', { conversationId: log.conversationId })).toMatchObject({ kind: 'answer' });
  });

  test('[S4] a session that is bound makes its open socket a device socket', async () => {
    const { cookie, session } = door.signIn(ada);
    const socket = await door.socket(cookie);
    const device = randomId<DeviceId>();
    door.bus.publish({ kind: 'sessionBound', sessionId: session.sessionId, deviceId: device });
    door.bus.publish({ kind: 'welcome', conversationId: randomId() as unknown as ConversationId, devices: [device] });
    await socket.event('welcome');
    await socket.call('session.ping', {});
    expect(router.calls.at(-1)?.context.session?.deviceId).toBe(device);
  });

  test('[S3] a session that ended between upgrade and open gets no ready', async () => {
    const gone = await openDoor({ router });
    const { cookie, session } = gone.signIn(ada);
    const half = await openDoor({ router, overrides: { sessions: { authenticate: async () => session, byId: async () => null } } });
    await expect(half.socket(cookie).then((socket) => socket.closeCode())).resolves.toBe(4001);
    await Promise.all([gone.stop(), half.stop()]);
  });

  test('[S3] a session that ends while its socket opens gets no ready', async () => {
    const gate = deferred();
    const reached = deferred();
    const { session } = door.signIn(ada);
    const half = await openDoor({
      router,
      overrides: {
        sessions: {
          authenticate: async () => session,
          byId: async () => {
            reached.open();
            await gate.opened;
            return session;
          },
        },
      },
    });
    const opening = half.socket('lanying=x');
    await reached.opened;
    half.bus.publish({ kind: 'sessionEnded', sessionId: session.sessionId, reason: 'revoked' });
    gate.open();
    const socket = await opening;
    expect(await socket.closeCode()).toBe(4001);
    expect(socket.frames).toEqual([]);
    await half.stop();
  });

  test('a stopping server says so, lets the call under way finish, and refuses new ones', async () => {
    const gate = deferred();
    const started = deferred();
    router.on('session.ping', async () => {
      started.open();
      await gate.opened;
      return { result: { ok: true, value: { serverTime: 1 } } };
    });
    const stopping = await openDoor({ router });
    const socket = await stopping.socket(stopping.signIn(ada).cookie);
    const id = socket.send('session.ping', {});
    await started.opened;
    const stopped = stopping.stop();
    await socket.event('draining');
    expect(await socket.call('session.get', {})).toMatchObject({ kind: 'refusal', code: 'server.unavailable' });
    gate.open();
    expect(await socket.reply(id)).toMatchObject({ kind: 'answer' });
    expect(await socket.closeCode()).toBe(1001);
    await stopped;
    await expect(fetch(`${stopping.base}/healthz`)).rejects.toThrow('fetch failed');
  });
});
