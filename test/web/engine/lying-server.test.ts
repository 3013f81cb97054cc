/** Bob's server lies to him and to nobody else. Each lie is refused, and he is told. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { decodeRequest, type ServerFrame } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import type { Entry } from '#protocol/envelope.ts';
import { type ConversationId, type DeviceId, idBytes, idFromBytes, type MessageId } from '#protocol/ids.ts';
import type { SecurityNotice } from '../../../web/engine/api.ts';
import { issueCertificate, makeIdentity } from '../../../web/engine/identity/identity.ts';
import { makeKeyPackage } from '../../../web/engine/mls/index.ts';
import type { Network } from '../../../web/engine/ports.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, refusal, textsOf, until, viewOf } from '../../harness/devices.ts';
import { entryOf, forgeJoin, Liar, summariesIn } from '../../harness/liar.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let carol: HeadlessEngine;
let mallory: HeadlessEngine;
let bob: HeadlessEngine;
let network: LyingNetwork;
let adaWire: LyingNetwork;
let liar: Liar;
const malloryProfile = new MemoryProfile();
const carolProfile = new MemoryProfile();

async function person(handle: string, over: Network = nodeNetwork(server.origin), profile = new MemoryProfile()): Promise<HeadlessEngine> {
  const engine = await engineOver(over, openMemoryStore(profile));
  await join(engine, handle, (await owner.createInvite()).link);
  return engine;
}

beforeAll(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  adaWire = new LyingNetwork(nodeNetwork(server.origin));
  ada = await person('ada', adaWire);
  carol = await person('carol', undefined, carolProfile);
  mallory = await person('mallory', undefined, malloryProfile);
  network = new LyingNetwork(nodeNetwork(server.origin));
  liar = new Liar(network);
  bob = await engineOver(network, openMemoryStore());
  await join(bob, 'bob', (await owner.createInvite()).link);
  await Promise.all([ada, carol, mallory].map((engine) => engine.refreshPeople()));
});

afterEach(async () => {
  liar.honest();
  await bob.dismissNotices();
});

afterAll(async () => {
  await Promise.all([ada, bob, carol, mallory, owner].map((each) => each.close()));
  await server.remove();
});

const noticed = (kind: SecurityNotice['kind'], id: ConversationId | null = null, fits: (notice: SecurityNotice) => boolean = () => true): Promise<void> =>
  until(bob, ({ notices }) => notices.some((notice) => notice.kind === kind && (id === null || notice.conversationId === id) && fits(notice)));
const because = (reason: string) => (notice: SecurityNotice): boolean => 'reason' in notice && notice.reason === reason;

/** A conversation of Ada, Carol and Bob in which everybody has heard something. */
async function talk(): Promise<ConversationId> {
  const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob'), idOf(ada, 'carol')] });
  await Promise.all([entered(bob, id), entered(carol, id)]);
  await said(ada, id, 'the first');
  return id;
}

/** Says it, and waits until Bob and (when she is not the speaker) Carol have it. */
async function said(from: HeadlessEngine, id: ConversationId, text: string): Promise<void> {
  const others = [bob, carol, ada].filter((engine) => engine !== from);
  const heard = others.map((engine) => hears(engine, text));
  await from.send(id, text);
  await Promise.all(heard);
}

describe('members and identities', () => {
  it('[E6] a member whom only the server names is not shown and is reported', async () => {
    const id = await talk();
    const stranger = idOf(bob, 'mallory');
    network.lie = (frame, command) => [
      summariesIn(frame, command, (summary) =>
        summary.conversationId === id ? { ...summary, members: [...summary.members, { userId: stranger, joinedSequence: 1, leaving: false }] } : summary),
    ];
    network.cut();
    await noticed('members_differ', id, (notice) => 'userId' in notice && notice.userId === stranger);
    expect(viewOf(bob, id).members).not.toContain(stranger);
    expect(bob.snapshot().notices.filter(({ kind }) => kind === 'members_differ')).toHaveLength(1);
  });

  const claimAnswers = (bytes: Uint8Array<ArrayBuffer>): void => {
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'keyPackage.claim') return [frame];
      const answer = v.parse(commands['keyPackage.claim'].output, frame.output);
      return [{ ...frame, output: { keyPackages: answer.keyPackages.map((claimed) => ({ ...claimed, bytes })) } }];
    };
  };
  const lifetimeNow = (): { notBefore: number; notAfter: number } => {
    const now = Math.floor(systemRuntime.now() / 1_000);
    return { notBefore: now - 3_600, notAfter: now + 3_600 };
  };

  it('[E1] a key package whose certificate another key signed brings nobody in', async () => {
    const id = await talk();
    const { store } = await accountOn(malloryProfile);
    const issuedAt = systemRuntime.now();
    const certificate = issueCertificate(makeIdentity(systemRuntime), {
      userId: idOf(bob, 'mallory'), deviceId: idFromBytes<DeviceId>(systemRuntime.random(idBytes)), deviceKey: store.keys.publicKey, issuedAt, expiresAt: issuedAt + 1e9,
    });
    claimAnswers(new Uint8Array((await makeKeyPackage({ suite: 83, credential: certificate, signer: store.keys, lifetime: lifetimeNow() })).publicBytes));
    expect(await refusal(bob.addMembers(id, [idOf(bob, 'mallory')]))).toBe('identity.mismatch');
    await noticed('device_refused', null, because('wrong_key'));
    expect(viewOf(bob, id).members).not.toContain(idOf(bob, 'mallory'));
    expect(await refusal(bob.createConversation({ title: null, members: [idOf(bob, 'mallory')] }))).toBe('identity.mismatch');
  });

  it('[E1] [E6] a good key package of somebody else is not taken for the person that was asked for', async () => {
    const id = await bob.createConversation({ title: null, members: [idOf(bob, 'ada')] });
    const { state, store } = await accountOn(malloryProfile);
    claimAnswers(new Uint8Array((await makeKeyPackage({ suite: 83, credential: state.certificate, signer: store.keys, lifetime: lifetimeNow() })).publicBytes));
    expect(await refusal(bob.addMembers(id, [idOf(bob, 'carol')]))).toBe('identity.mismatch');
    await noticed('device_refused', null, because('wrong_person'));
    expect(viewOf(bob, id).members).toHaveLength(2);
    expect(await refusal(bob.createConversation({ title: null, members: [idOf(bob, 'carol')] }))).toBe('identity.mismatch');
    expect(mallory.snapshot().conversations).toEqual([]);
  });

  it('[E1] devices that no identity vouches for do not talk a new group down to a weaker suite', async () => {
    network.tapped.length = 0;
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'device.list') return [frame];
      const { devices, ...rest } = v.parse(commands['device.list'].output, frame.output);
      const more = Array.from({ length: 40 }, (_, at) => devices.map((device) => ({
        ...device,
        deviceId: idFromBytes<DeviceId>(systemRuntime.random(idBytes)),
        certificate: device.certificate.map((byte, place) => (place === 20 ? at : byte)),
      })));
      return [{ ...frame, output: { ...rest, devices: [...devices, ...devices, ...more.flat()] } }];
    };
    const id = await bob.createConversation({ title: null, members: [idOf(bob, 'ada')] });
    const created = network.tapped.map((frame) => decodeRequest(frame)).find((request) => request?.kind === 'request' && request.command === 'conversation.create');
    expect(created).toMatchObject({ input: { conversationId: id, suite: 83 } });
  });

  it('[E1] an expired key package is refused with a code', async () => {
    const id = await bob.createConversation({ title: null, members: [idOf(bob, 'ada')] });
    const { state, store } = await accountOn(carolProfile);
    const now = Math.floor(systemRuntime.now() / 1_000);
    const lifetime = { notBefore: now - 7_200, notAfter: now - 3_600 };
    claimAnswers(new Uint8Array((await makeKeyPackage({ suite: 83, credential: state.certificate, signer: store.keys, lifetime })).publicBytes));
    expect(await refusal(bob.addMembers(id, [idOf(bob, 'carol')]))).toBe('commit.refused');
    expect(viewOf(bob, id).members).toHaveLength(2);
  });
});

describe('the log', () => {
  it('[E5] an old entry under a new sequence is dropped and reported', async () => {
    const id = await talk();
    let old: Entry | null = null;
    liar.rewrite((entry) => {
      if (old !== null) return [entry, old];
      old = entry;
      return [entry];
    });
    await said(ada, id, 'once');
    await said(ada, id, 'and on');
    await noticed('replay_refused', id);
    expect(await textsOf(bob, id)).toEqual(['the first', 'once', 'and on']);
  });

  it('[E4] two entries in the wrong order are not shown as if they were right', async () => {
    const id = await talk();
    const held: Entry[] = [];
    liar.rewrite((entry) => {
      held.push(entry);
      return held.length === 2 ? held.toReversed() : [];
    });
    const atCarol = [hears(carol, 'one'), hears(carol, 'two')];
    await ada.delivered(id, await ada.send(id, 'one'));
    await ada.send(id, 'two');
    await Promise.all(atCarol);
    await noticed('message_refused', id, because('seen'));
    expect(await textsOf(bob, id)).not.toContain('two');
  });

  it('[E4] an entry that is withheld shows as soon as its sender speaks again', async () => {
    const id = await talk();
    let withheld = 0;
    liar.rewrite((entry) => {
      withheld += 1;
      return withheld === 1 ? [] : [entry];
    });
    await ada.delivered(id, await ada.send(id, 'withheld'));
    await ada.delivered(id, await ada.send(id, 'the next'));
    await until(bob, ({ notices }) => notices.some((notice) => notice.conversationId === id && (notice.kind === 'log_forked' || notice.kind === 'message_refused')));
    expect(await textsOf(bob, id)).toEqual(['the first']);
  });

  it('[E4] two histories are found by the next honest sender', async () => {
    const id = await talk();
    let forkedAt = false;
    liar.rewrite((entry) => {
      // Nothing but the time of one entry differs: the body opens and is signed.
      if (forkedAt) return [entry];
      forkedAt = true;
      return [{ ...entry, sentAt: entry.sentAt + 60_000 }];
    });
    await said(ada, id, 'at which time');
    const atCarol = hears(ada, 'from Carol');
    await carol.send(id, 'from Carol');
    await atCarol;
    await noticed('log_forked', id);
    expect(await textsOf(bob, id)).not.toContain('from Carol');
  });

  const tampers: readonly (readonly [string, (entry: Entry) => Entry])[] = [
    ['its time', (entry) => ({ ...entry, sentAt: entry.sentAt - 1 })],
    ['its hash', (entry) => ({ ...entry, hash: new Uint8Array(32) })],
    ['its body', (entry) => ({ ...entry, body: entry.body.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) })],
  ];
  it.each(tampers)('[E4] an entry that does not fit the chain stops the log there: %s', async (_what, tamper) => {
    const id = await talk();
    network.lie = (frame): readonly ServerFrame[] => {
      const live = entryOf(frame);
      return frame.kind !== 'event' || live === null ? [frame] : [{ ...frame, payload: { ...live, entry: tamper(live.entry) } }];
    };
    await ada.send(id, 'tampered');
    await noticed('log_forked', id);
    expect(await textsOf(bob, id)).toEqual(['the first']);
    expect(await refusal(bob.send(id, 'into the dark'))).toBe('identity.mismatch');
  });

  const forgeries: readonly (readonly [string, string, (entry: Entry) => Entry])[] = [
    ['another device of nobody', 'device', (entry) => ({ ...entry, device: idFromBytes<DeviceId>(new Uint8Array(idBytes).fill(9)) })],
    ['another person', 'device', (entry) => ({ ...entry, user: idOf(bob, 'carol') })],
    ['another id', 'not_authentic', (entry) => ({ ...entry, id: idFromBytes<MessageId>(systemRuntime.random(idBytes)) })],
    ['another kind', 'not_authentic', (entry) => ({ ...entry, kind: 'meta' })],
    ['a farewell', 'not_authentic', (entry) => ({ ...entry, kind: 'leave' })],
    ['another body', 'not_authentic', (entry) => ({ ...entry, body: entry.body.map((byte, at) => (at === entry.body.length - 1 ? byte ^ 1 : byte)) })],
    ['another epoch', 'epoch', (entry) => ({ ...entry, epoch: entry.epoch + 1 })],
    ['a second beginning', 'created', (entry) => ({ ...entry, kind: 'created', epoch: 0 })],
  ];
  it.each(forgeries)('[E3] an entry whose outer fields are not the sealed ones is refused: %s', async (_what, reason, forge) => {
    const id = await talk();
    liar.rewrite((entry) => [forge(entry)]);
    await ada.send(id, 'forged');
    await noticed('message_refused', id, because(reason));
    expect(await textsOf(bob, id)).toEqual(['the first']);
    expect(viewOf(bob, id).active).toBe(true);
    expect(viewOf(bob, id).title).toBe(null);
  });

  it('[E4] a receipt for something that is not in the log is reported', async () => {
    const id = await talk();
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'conversation.send') return [frame];
      const { receipt } = v.parse(commands['conversation.send'].output, frame.output);
      return [{ ...frame, output: { receipt: { ...receipt, sequence: 1 } } }];
    };
    await bob.send(id, 'where does it stand');
    await noticed('log_forked', id);
  });

  it('[E4] [L9] a log that became shorter is reported', async () => {
    const id = await talk();
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'log.tail') return [frame];
      const { results } = v.parse(commands['log.tail'].output, frame.output);
      return [{ ...frame, output: { results: results.map((result) => (result.conversationId === id ? { state: 'refused', conversationId: id, code: 'cursor.refused' } : result)) } }];
    };
    network.cut();
    await noticed('log_forked', id);
    expect(viewOf(bob, id).members).toHaveLength(3);
  });

  const summaries: readonly (readonly [string, (epoch: number, headHash: Uint8Array<ArrayBuffer>) => object])[] = [
    ['another epoch', (epoch) => ({ epoch: epoch + 1 })],
    ['another head', (_epoch, headHash) => ({ headHash: headHash.map((byte) => byte ^ 1) })],
    ['more entries than it gives', () => ({ headSequence: 1_000 })],
  ];
  it.each(summaries)('[E4] a summary that the log does not bear out is reported: %s', async (_what, lie) => {
    const id = await talk();
    network.lie = (frame, command) => [
      command !== 'conversation.list' ? frame : summariesIn(frame, command, (summary) => (summary.conversationId === id ? { ...summary, ...lie(summary.epoch, summary.headHash) } : summary)),
    ];
    network.cut();
    await noticed('log_forked', id);
  });
});

describe('commits and welcomes', () => {
  it('[E1] [C5] a stranger who puts a device into the group by an external commit is refused', async () => {
    const id = await talk();
    const { state, store } = await accountOn(malloryProfile);
    const forged = await forgeJoin(adaWire, state, store, id);
    let done = false;
    liar.rewrite((entry) => {
      if (done) return [entry];
      done = true;
      return [{ ...entry, kind: 'commit', epoch: 1, user: state.userId, device: state.deviceId, id: idFromBytes<MessageId>(systemRuntime.random(idBytes)), body: forged }];
    });
    await ada.send(id, 'what the server hides');
    await noticed('commit_refused', id, because('policy_refused'));
    expect(viewOf(bob, id).members).not.toContain(state.userId);
    expect(await textsOf(bob, id)).toEqual(['the first']);
  });

  it('[E1] a commit with one byte changed moves nobody', async () => {
    const id = await talk();
    liar.rewrite((entry) => [entry.kind === 'commit' ? { ...entry, body: entry.body.map((byte, at) => (at === entry.body.length - 40 ? byte ^ 1 : byte)) } : entry]);
    await ada.addMembers(id, [idOf(ada, 'mallory')]);
    await noticed('commit_refused', id);
    expect(viewOf(bob, id).members).not.toContain(idOf(bob, 'mallory'));
    expect(await refusal(bob.send(id, 'under the old key'))).toBe('identity.mismatch');
  });

  it('[E1] a commit under the name of another member moves nobody', async () => {
    const id = await talk();
    liar.rewrite((entry) => [entry.kind === 'commit' ? { ...entry, user: idOf(bob, 'carol') } : entry]);
    await ada.addMembers(id, [idOf(ada, 'mallory')]);
    await noticed('commit_refused', id, because('policy_refused'));
    expect(viewOf(bob, id).members).not.toContain(idOf(bob, 'mallory'));
  });

  it('[E3] a commit that claims another epoch moves nobody', async () => {
    const id = await talk();
    liar.rewrite((entry) => [entry.kind === 'commit' ? { ...entry, epoch: entry.epoch + 1 } : entry]);
    await ada.addMembers(id, [idOf(ada, 'mallory')]);
    await noticed('commit_refused', id, because('policy_refused'));
    expect(viewOf(bob, id).members).not.toContain(idOf(bob, 'mallory'));
  });

  it('[M1] a welcome into another epoch than it says is not followed', async () => {
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'welcome.list') return [frame];
      const page = v.parse(commands['welcome.list'].output, frame.output);
      return [{ ...frame, output: { ...page, welcomes: page.welcomes.map((welcome) => ({ ...welcome, epoch: welcome.epoch + 1 })) } }];
    };
    const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
    await noticed('commit_refused', id, because('wrong_group'));
  });

  it('[E4] a welcome that places its reader at another history is found by the first message', async () => {
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'welcome.list') return [frame];
      const page = v.parse(commands['welcome.list'].output, frame.output);
      return [{ ...frame, output: { ...page, welcomes: page.welcomes.map((welcome) => ({ ...welcome, hash: new Uint8Array(32) })) } }];
    };
    const id = await ada.createConversation({ title: null, members: [idOf(ada, 'bob')] });
    await entered(bob, id);
    await ada.send(id, 'hello');
    await noticed('log_forked', id);
    expect(await textsOf(bob, id)).toEqual([]);
  });
});
