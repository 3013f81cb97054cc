/** Somebody who was taken out and brought back keeps what was theirs, on every device ([C10], [E11]); a lying server adds nothing to it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { decodeRequest, encodeRefusal } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId } from '#protocol/ids.ts';
import type { LogPage } from '#protocol/model.ts';
import type { SecurityNotice, TimelineItem, TimelineView } from '../../../web/engine/api.ts';
import { hashEntry } from '../../../web/engine/content/chain.ts';
import type { Network } from '../../../web/engine/ports.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let bob: HeadlessEngine;
let bobCode: string;
const engines: HeadlessEngine[] = [];

async function engine(over: Network): Promise<HeadlessEngine> {
  const made = await engineOver(over, openMemoryStore(new MemoryProfile()));
  engines.push(made);
  return made;
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  ada = await engine(nodeNetwork(server.origin));
  await join(ada, 'ada', (await owner.createInvite()).link);
  bob = await engine(nodeNetwork(server.origin));
  bobCode = await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

async function said(id: ConversationId, text: string): Promise<void> {
  const heard = hears(bob, text);
  await ada.send(id, text);
  await heard;
}

async function begun(): Promise<ConversationId> {
  const id = await ada.createConversation({ title: 'the room', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  await said(id, 'first');
  const own = hears(ada, 'his own');
  await bob.send(id, 'his own');
  await own;
  return id;
}

async function takenOut(id: ConversationId): Promise<void> {
  await ada.removeMember(id, idOf(ada, 'bob'));
  await until(bob, () => !viewOf(bob, id).active);
  await ada.delivered(id, await ada.send(id, 'without him'));
}

async function broughtBack(id: ConversationId): Promise<void> {
  await ada.addMembers(id, [idOf(ada, 'bob')]);
  await entered(bob, id);
  await said(id, 'back again');
}

/** Bob on one more device, in every conversation that he is in. */
async function second(over: Network, id: ConversationId): Promise<HeadlessEngine> {
  const fresh = await engine(over);
  await fresh.signInWithPassword('bob', passwordOf('bob'), 'second');
  await until(fresh, ({ account: { state } }) => state === 'vault-locked');
  await fresh.unlockWithRecoveryCode(bobCode);
  await entered(fresh, id);
  return fresh;
}

/** What the open conversation shows, when nothing older is left to be had. */
async function timeline(of: HeadlessEngine, id: ConversationId): Promise<readonly string[]> {
  const name = (item: TimelineItem): string => (item.kind === 'text' ? item.text : item.kind === 'event' ? item.event.type : item.kind);
  const views: TimelineView[] = [];
  const stop = of.onTimeline((view) => void (view.conversationId === id && views.push(view)));
  await of.openTimeline(id);
  for (let turns = 0; views.at(-1)?.more === true && turns < 10; turns += 1) await of.loadOlder(id);
  stop();
  const last = views.at(-1);
  expect(last?.more).toBe(false);
  return (last?.items ?? []).map(name);
}

const expected = ['first', 'his own', 'back again'];

describe('[C10] [E11] a second stay', () => {
  it('[C10] [E11] a second device has both stays, and the gap is shown there as on the first', async () => {
    const id = await begun();
    await takenOut(id);
    await broughtBack(id);
    const fresh = await second(nodeNetwork(server.origin), id);
    for (const each of [fresh, bob]) {
      expect(await textsOf(each, id)).toEqual(expected);
      const shown = await timeline(each, id);
      expect(shown.filter((item) => [...expected, 'gap', 'unreadable'].includes(item))).toEqual(['first', 'his own', 'gap', 'back again']);
      expect(shown.indexOf('gap')).toBeLessThan(shown.lastIndexOf('added'));
      expect(each.snapshot().notices.filter(({ kind }) => kind !== 'new_device')).toEqual([]);
    }
    const heard = hears(fresh, 'for both');
    await ada.send(id, 'for both');
    await heard;
    expect(await textsOf(fresh, id)).toEqual([...expected, 'for both']);
  });

  it('[C10] [E11] so has a third one, of three stays', async () => {
    const id = await begun();
    for (let turn = 1; turn <= 2; turn += 1) {
      await takenOut(id);
      await broughtBack(id);
    }
    const fresh = await second(nodeNetwork(server.origin), id);
    expect(await textsOf(fresh, id)).toEqual([...expected, 'back again']);
    expect((await timeline(fresh, id)).filter((item) => item === 'gap')).toHaveLength(2);
    expect(fresh.snapshot().notices).toEqual([]);
  });

  it('[E11] [C10] keys of a stay that was over before they were archived come into the archive with the next', async () => {
    const honest = nodeNetwork(server.origin);
    let held = true;
    const holding: Network = {
      post: (command, body) => honest.post(command, body),
      onOnline: (listener) => honest.onOnline(listener),
      connect: (handlers) => {
        const inner = honest.connect(handlers);
        const send = (frame: Uint8Array<ArrayBuffer>): void => {
          const request = decodeRequest(frame);
          if (!held || request?.kind !== 'request' || request.command !== 'archive.put') return inner.send(frame);
          handlers.onFrame(new Uint8Array(encodeRefusal(request.id, 'server.unavailable', {})));
        };
        return { send, close: () => inner.close() };
      },
    };
    bob = await engine(holding);
    await bob.signInWithPassword('bob', passwordOf('bob'), 'held');
    await until(bob, ({ account: { state } }) => state === 'vault-locked');
    await bob.unlockWithRecoveryCode(bobCode);
    await bob.synced();
    await Promise.all(engines.filter((each) => each !== ada && each !== bob).map((each) => each.close()));
    const id = await begun();
    await takenOut(id);
    held = false;
    await broughtBack(id);
    const archived = async (): Promise<number> => {
      const { body } = await honest.post('archive.get', { conversationId: id });
      return v.parse(v.object({ items: v.array(v.unknown()) }), body).items.length;
    };
    // By and by, behind what its person does.
    while ((await archived()) < 2) await bob.refreshPeople();
    const fresh = await second(nodeNetwork(server.origin), id);
    expect(await textsOf(fresh, id)).toEqual(expected);
    expect(fresh.snapshot().notices).toEqual([]);
  });

  it('[C10] [E11] who is out reads on a device what it had not fetched yet', async () => {
    const id = await begun();
    for (let count = 0; count < 70; count += 1) await ada.send(id, `line ${count}`);
    await said(id, 'the last line');
    const fresh = await second(nodeNetwork(server.origin), id);
    await ada.removeMember(id, idOf(ada, 'bob'));
    await until(fresh, () => !viewOf(fresh, id).active);
    const texts = await textsOf(fresh, id);
    expect([texts.length, texts[0], texts.at(-1)]).toEqual([73, 'first', 'the last line']);
    expect(fresh.snapshot().notices).toEqual([]);
  });
});

type Tamper = (entries: readonly Entry[]) => readonly Entry[];

/** A wire on which the stay that is over, as the honest server has it, is rewritten in a chain that fits by itself. */
function rewriting(id: ConversationId, over: LogPage, tamper: Tamper): LyingNetwork {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  let hash = over.previousHash;
  let sequence = (over.entries[0]?.sequence ?? 1) - 1;
  const entries = tamper(over.entries).map((entry) => {
    sequence += 1;
    hash = hashEntry(hash, id, { ...entry, sequence });
    return { ...entry, sequence, hash };
  });
  network.lie = (frame, command) => {
    if (frame.kind !== 'answer' || command !== 'log.read') return [frame];
    const { page } = v.parse(commands['log.read'].output, frame.output);
    const told = page.earlier === null ? { ...over, entries } : { ...page, earlier: { from: page.earlier.from, to: sequence, hash } };
    return [{ ...frame, output: { page: told } }];
  };
  return network;
}

/** The whole earlier stay as the server has it. */
async function earlierStay(id: ConversationId): Promise<LogPage> {
  const tap = new LyingNetwork(nodeNetwork(server.origin));
  const pages: LogPage[] = [];
  tap.lie = (frame, command) => {
    if (frame.kind === 'answer' && command === 'log.read') pages.push(v.parse(commands['log.read'].output, frame.output).page);
    return [frame];
  };
  const reader = await second(tap, id);
  await textsOf(reader, id);
  const ends = pages.map(({ earlier }) => earlier?.to);
  const found = pages.find(({ entries }) => ends.includes(entries.at(-1)?.sequence));
  if (found === undefined) throw new Error('there was no earlier stay');
  return found;
}

const noticed = (of: HeadlessEngine, kind: SecurityNotice['kind'], reason?: string): boolean =>
  of.snapshot().notices.some((notice) => notice.kind === kind && (reason === undefined || ('reason' in notice && notice.reason === reason)));

describe('older history from a server that lies', () => {
  async function lied(id: ConversationId, tamper: Tamper): Promise<HeadlessEngine> {
    return second(rewriting(id, await earlierStay(id), tamper), id);
  }

  it('[E5] a message that stands twice in it is shown once, and reported', async () => {
    const id = await begun();
    await takenOut(id);
    await broughtBack(id);
    const fresh = await lied(id, (entries) => [...entries, ...entries.filter(({ kind }) => kind === 'message').slice(0, 1)]);
    expect(await textsOf(fresh, id)).toEqual(expected);
    expect(noticed(fresh, 'replay_refused')).toBe(true);
  });

  it('[E3] a message of an epoch that was over is not shown, and reported', async () => {
    const id = await begun();
    await ada.addMembers(id, [idOf(ada, 'owner')]);
    await takenOut(id);
    await broughtBack(id);
    // Nobody saw the last message of the first epoch; it is put behind the commit that ended it.
    const fresh = await lied(id, (entries) => {
      const ends = entries.findLastIndex(({ kind }) => kind === 'commit');
      return [...entries.slice(0, ends - 1), ...entries.slice(ends, ends + 1), ...entries.slice(ends - 1, ends)];
    });
    expect(await textsOf(fresh, id)).toEqual(['first', 'back again']);
    expect(noticed(fresh, 'message_refused', 'epoch')).toBe(true);
  });

  it('[E4] [C10] a gap where nobody was brought back is taken for a fork', async () => {
    const id = await begun();
    await said(id, 'hidden');
    const network = new LyingNetwork(nodeNetwork(server.origin));
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'log.read') return [frame];
      const { page } = v.parse(commands['log.read'].output, frame.output);
      const [head, ...rest] = page.entries.toReversed();
      const first = rest.at(-1);
      if (head === undefined || first === undefined) return [frame];
      const before = rest[0] ?? first;
      return [{ ...frame, output: { page: { ...page, entries: [head], previousHash: before.hash, earlier: { from: first.sequence, to: first.sequence, hash: first.hash } } } }];
    };
    const fresh = await second(network, id);
    expect(await textsOf(fresh, id)).not.toContain('first');
    expect(noticed(fresh, 'log_forked')).toBe(true);
  });
});
