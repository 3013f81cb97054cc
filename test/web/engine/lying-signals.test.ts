/** What a lying server can make of signals, of key packages that were used, and of group info that is over. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { ServerFrame } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import { type EventPayload, events } from '#protocol/events.ts';
import { type ConversationId, type DeviceId, fromBase64Url, idBytes, idFromBytes } from '#protocol/ids.ts';
import type { TimelineView } from '../../../web/engine/api.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, textsOf, until, viewOf } from '../../harness/devices.ts';
import { summariesIn } from '../../harness/liar.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

type Signal = EventPayload<'signal'>;

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let carol: HeadlessEngine;
let bob: HeadlessEngine;
let bobCode: string;
let adaWire: LyingNetwork;
let network: LyingNetwork;
const carolProfile = new MemoryProfile();

async function person(handle: string, over: LyingNetwork, profile = new MemoryProfile()): Promise<readonly [HeadlessEngine, string]> {
  const engine = await engineOver(over, openMemoryStore(profile));
  return [engine, await join(engine, handle, (await owner.createInvite()).link)];
}

beforeAll(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  adaWire = new LyingNetwork(nodeNetwork(server.origin));
  network = new LyingNetwork(nodeNetwork(server.origin));
  [ada] = await person('ada', adaWire);
  [carol] = await person('carol', new LyingNetwork(nodeNetwork(server.origin)), carolProfile);
  [bob, bobCode] = await person('bob', network);
  await ada.refreshPeople();
});
afterEach(() => {
  for (const wire of [network, adaWire]) wire.lie = (frame) => [frame];
});
afterAll(async () => {
  await Promise.all([ada, bob, carol, owner].map((each) => each.close()));
  await server.remove();
});

async function talk(): Promise<ConversationId> {
  const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob'), idOf(ada, 'carol')] });
  await Promise.all([entered(bob, id), entered(carol, id)]);
  await said(ada, id, `begin ${id}`);
  await bob.openTimeline(id);
  return id;
}

async function said(from: HeadlessEngine, id: ConversationId, text: string): Promise<void> {
  const heard = [ada, bob, carol].filter((engine) => engine !== from).map((engine) => hears(engine, text));
  await from.delivered(id, await from.send(id, text));
  await Promise.all(heard);
}

const signalOf = (frame: ServerFrame): Signal | null => (frame.kind === 'event' && frame.name === 'signal' ? v.parse(events.signal, frame.payload) : null);
const signalFrame = (payload: Signal): ServerFrame => ({ kind: 'event', name: 'signal', payload });

/** Takes the next signal on its way to Bob; nothing of it reaches him. */
const withheld = (): Promise<Signal> =>
  new Promise((resolve) => {
    network.lie = (frame) => {
      const signal = signalOf(frame);
      if (signal === null) return [frame];
      resolve(signal);
      return [];
    };
  });

/** Who types, in every view of this conversation that Bob gets while something is said that he certainly hears of. */
async function typingDuring(id: ConversationId, tell: () => void, mark: string): Promise<readonly string[]> {
  const shown = new Set<string>();
  const stop = bob.onTimeline((view: TimelineView) => {
    if (view.conversationId === id) for (const user of view.typing) shown.add(user);
  });
  tell();
  await said(carol, id, mark);
  stop();
  return [...shown];
}

describe('a typing signal', () => {
  it('[G1] [E3] of a member is shown, so that what follows means something', async () => {
    const id = await talk();
    const taken = withheld();
    await ada.typing(id);
    const signal = await taken;
    expect(await typingDuring(id, () => network.tell(signalFrame(signal)), 'shown')).toEqual([idOf(bob, 'ada')]);
  });

  const lies: readonly (readonly [string, (signal: Signal) => Promise<Signal>])[] = [
    ['under the name of another member', (signal) => Promise.resolve({ ...signal, user: idOf(bob, 'carol') })],
    ['under the name and device of another member', async (signal) => {
      const { state } = await accountOn(carolProfile);
      return { ...signal, user: state.userId, device: state.deviceId };
    }],
    ['of a device that nobody knows', (signal) => Promise.resolve({ ...signal, device: idFromBytes<DeviceId>(new Uint8Array(idBytes).fill(7)) })],
    ['of somebody who is not in the conversation', (signal) => Promise.resolve({ ...signal, user: idOf(bob, 'owner') })],
    ['under the name of its reader', (signal) => Promise.resolve({ ...signal, user: idOf(bob, 'bob') })],
    ['of another epoch', (signal) => Promise.resolve({ ...signal, epoch: signal.epoch + 1 })],
    ['with one bit changed', (signal) => Promise.resolve({ ...signal, body: signal.body.map((byte, at) => (at === signal.body.length - 1 ? byte ^ 1 : byte)) })],
  ];
  it.each(lies)('[E3] is not shown %s', async (_what, lie) => {
    const id = await talk();
    const taken = withheld();
    await ada.typing(id);
    const forged = await lie(await taken);
    expect(await typingDuring(id, () => network.tell(signalFrame(forged)), 'not shown')).toEqual([]);
  });

  it('[E3] is not shown again when it is played again, nor in another conversation', async () => {
    const id = await talk();
    const other = await talk();
    const taken = withheld();
    await ada.typing(id);
    const signal = await taken;
    const again = signalFrame(signal);
    expect(await typingDuring(id, () => network.tell(again), 'once')).toEqual([idOf(bob, 'ada')]);
    await said(ada, id, 'what was typed');
    expect(await typingDuring(id, () => network.tell(again), 'twice')).toEqual([]);
    expect(await typingDuring(other, () => network.tell(signalFrame({ ...signal, conversationId: other })), 'elsewhere')).toEqual([]);
  });

  it('[E3] that was held back until its author had spoken is not shown', async () => {
    const id = await talk();
    const taken = withheld();
    await ada.typing(id);
    const signal = await taken;
    await said(ada, id, 'said meanwhile');
    expect(await typingDuring(id, () => network.tell(signalFrame(signal)), 'late')).toEqual([]);
  });

  it('[E3] of an epoch that is over is not shown', async () => {
    const id = await talk();
    const taken = withheld();
    await carol.typing(id);
    const signal = await taken;
    await ada.removeMember(id, idOf(ada, 'carol'));
    await until(bob, () => !viewOf(bob, id).members.includes(idOf(bob, 'carol')));
    const shown = new Set<string>();
    const stop = bob.onTimeline((view) => view.conversationId === id && view.typing.forEach((user) => shown.add(user)));
    network.tell(signalFrame(signal));
    const heard = hears(bob, 'without Carol');
    await ada.send(id, 'without Carol');
    await heard;
    stop();
    expect([...shown]).toEqual([]);
  });
});

it('[K2] [E1] a key package that was used is no way in, and nobody is kept out by it', async () => {
  let first: unknown = null;
  let told = 0;
  adaWire.lie = (frame, command) => {
    if (frame.kind !== 'answer' || command !== 'keyPackage.claim') return [frame];
    told += 1;
    first ??= frame.output;
    return [{ ...frame, output: first }];
  };
  const made: ConversationId[] = [];
  for (const title of ['first', 'second']) {
    const id = await ada.createConversation({ title, members: [idOf(ada, 'bob')] });
    await entered(bob, id);
    const heard = hears(bob, `in the ${title}`);
    await ada.delivered(id, await ada.send(id, `in the ${title}`));
    await heard;
    made.push(id);
  }
  expect(told).toBe(2);
  const [one, two] = made;
  if (one === undefined || two === undefined) throw new Error('two were made');
  expect(await textsOf(bob, one)).toEqual(['in the first']);
  expect(await textsOf(bob, two)).toEqual(['in the second']);
  const back = hears(ada, 'back');
  await bob.send(two, 'back');
  await back;
  expect([...ada.snapshot().notices, ...bob.snapshot().notices]).toEqual([]);
});

describe('group info that is over', () => {
  const GroupInfo = v.looseObject({ generation: v.string(), epoch: v.number(), epochSequence: v.number(), hash: v.string(), groupInfo: v.string() });
  type Info = ReturnType<typeof infoOf>;
  const bytesOf = (text: string): Uint8Array => fromBase64Url(text) ?? new Uint8Array();
  const infoOf = (body: unknown) => {
    const { hash, groupInfo, ...rest } = v.parse(GroupInfo, body);
    return { ...rest, hash: bytesOf(hash), groupInfo: bytesOf(groupInfo) };
  };

  /** Latest epoch in Bob's archive. */
  const archived = async (id: ConversationId): Promise<number> => {
    const { body } = await network.post('archive.get', { conversationId: id, limit: 1 });
    return v.parse(v.object({ items: v.array(v.object({ epoch: v.number() })) }), body).items[0]?.epoch ?? 0;
  };

  const lies: readonly (readonly [string, (old: Info, present: Info) => Info, boolean])[] = [
    ['under the present epoch', (old, present) => ({ ...present, groupInfo: old.groupInfo }), false],
    ['under its own epoch', (old) => old, false],
    ['with a summary to match', (old) => old, true],
  ];
  it.each(lies)('[E1] [E6] brings no new device back to people who were removed: %s', async (_what, lie, summaryToo) => {
    const id = await talk();
    const old = infoOf((await network.post('conversation.groupInfo', { conversationId: id })).body);
    await ada.removeMember(id, idOf(ada, 'carol'));
    await until(bob, () => !viewOf(bob, id).members.includes(idOf(bob, 'carol')));
    // Bob's first device puts the new epoch into the archive by and by.
    while ((await archived(id)) <= old.epoch) await bob.refreshPeople();
    const lying = new LyingNetwork(nodeNetwork(server.origin));
    const profile = new MemoryProfile();
    const fresh = await engineOver(lying, openMemoryStore(profile));
    lying.lie = (frame, command) => {
      if (frame.kind === 'answer' && command === 'conversation.groupInfo') {
        const present = v.parse(commands['conversation.groupInfo'].output, frame.output);
        return Buffer.from(present.groupInfo).includes(Buffer.from(id, 'base64url')) ? [{ ...frame, output: lie(old, { ...present }) }] : [frame];
      }
      return [summaryToo ? summariesIn(frame, command, (summary) => (summary.conversationId === id ? { ...summary, epoch: old.epoch } : summary)) : frame];
    };
    await fresh.signInWithPassword('bob', passwordOf('bob'), 'second');
    await until(fresh, ({ account: { state } }) => state === 'vault-locked');
    await fresh.unlockWithRecoveryCode(bobCode);
    await until(fresh, ({ notices }) => notices.some((notice) => notice.kind === 'commit_refused' && notice.conversationId === id && notice.reason === 'wrong_epoch'));
    expect(fresh.snapshot().conversations.map(({ conversationId }) => conversationId)).not.toContain(id);
    await fresh.close();
  });
});

it('[E1] a new device does not join a group that its group info is not about', async () => {
  const one = await talk();
  const other = await talk();
  const lying = new LyingNetwork(nodeNetwork(server.origin));
  const fresh = await engineOver(lying, openMemoryStore());
  let wrong: unknown = null;
  lying.lie = (frame, command) => {
    if (frame.kind !== 'answer' || command !== 'conversation.groupInfo') return [frame];
    // The first that it asks for is given in place of every other.
    wrong ??= frame.output;
    return [{ ...frame, output: wrong }];
  };
  await fresh.signInWithPassword('bob', passwordOf('bob'), 'second');
  await until(fresh, ({ account: { state } }) => state === 'vault-locked');
  await fresh.unlockWithRecoveryCode(bobCode);
  await fresh.synced();
  const refused = fresh.snapshot().notices.filter(({ kind }) => kind === 'commit_refused').map(({ conversationId }) => conversationId);
  const present = fresh.snapshot().conversations.map(({ conversationId }) => conversationId);
  expect([one, other].filter((id) => refused.includes(id)).length).toBeGreaterThan(0);
  expect(present.filter((id) => refused.includes(id))).toEqual([]);
  await fresh.close();
});
