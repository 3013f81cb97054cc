/** Retention through the whole server, on a real folder: rules, holds, purges, receipts, restored copies. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nacl from 'tweetnacl';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as v from 'valibot';
import { floorStatement } from '#protocol/floor.ts';
import { type ConversationId, type FileId, idFromBytes } from '#protocol/ids.ts';
import { Receipt, receiptPrefix } from '#protocol/retention.ts';
import { events } from '#protocol/events.ts';
import { told as toldByCommandLine } from '../../../scripts/cli/purge.ts';
import { purgeFolder } from '../../../server/compose-purge.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { MovedClock } from '../../harness/moved-clock.ts';
import type { TestServer } from '../../harness/server.ts';
import { codeOf, joined, okay, type Peer, reasonOf, talk, value } from '../commands/world.ts';
import { answerOf, type Served, served } from './served.ts';
import { noStreams } from '../../harness/shell.ts';

const dayMs = 86_400_000;
const clock = new MovedClock();
let server: TestServer;
let world: Served;
beforeEach(async () => ({ server, world } = await served(clock)));
afterEach(() => server.remove());

const everywhere = (days: number | null) => ({ class: 'messages' as const, conversationId: null, days });

async function admin(owner: Peer, handle: string): Promise<Peer> {
  const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
  return world.person(handle, { kind: 'invite', token });
}

async function say(peer: Peer, conversationId: ConversationId, words: readonly string[]): Promise<void> {
  for (const word of words) {
    const { conversation } = okay(await peer.call('conversation.get', { conversationId }));
    const seen = { sequence: conversation.headSequence, hash: conversation.headHash };
    okay(
      await peer.call('conversation.send', { conversationId, kind: 'message', message: peer.message(1, seen, word) }),
    );
  }
}

/** Owner and guest talk, and five days later once more. */
async function talked() {
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId } = await talk(world, owner, [guest]);
  await joined(guest, conversationId);
  await say(owner, conversationId, ['first', 'second', 'third']);
  const before = okay(await owner.call('conversation.get', { conversationId })).conversation;
  clock.shiftMs += 5 * dayMs;
  await say(owner, conversationId, ['later']);
  return { owner, guest, conversationId, before };
}

test("[R8] [P2] owner and admins set for how long things are kept, a conversation's rule goes first, and each change is in the audit log", async () => {
  const { owner, guest, conversationId } = await talked();
  const helper = await admin(owner, 'helper');
  expect(codeOf(await guest.call('retention.set', everywhere(1)))).toBe('permission.denied');
  expect(codeOf(await guest.call('retention.get', {}))).toBe('permission.denied');
  expect(codeOf(await helper.call('retention.set', { ...everywhere(0), conversationId }))).toBe('input.invalid');
  expect(
    codeOf(await helper.call('retention.set', { ...everywhere(1), conversationId: world.id<ConversationId>() })),
  ).toBe('conversation.unknown');
  okay(await helper.call('retention.set', everywhere(2)));
  okay(await owner.call('retention.set', { ...everywhere(null), conversationId }));
  expect(okay(await owner.call('retention.preview', {})).items).toEqual([]);
  expect(okay(await owner.call('retention.run', {}))).toEqual({ receipt: null });
  okay(await owner.call('retention.set', { ...everywhere(3), conversationId }));
  expect(okay(await owner.call('retention.preview', {})).items).toMatchObject([
    { conversationId, days: 3, heldBy: null, fromSequence: 1 },
  ]);
  const { policies } = okay(await helper.call('retention.get', {}));
  expect(new Map(policies.map(({ days, setBy }) => [days, setBy]))).toEqual(
    new Map([
      [2, helper.userId],
      [3, owner.userId],
    ]),
  );
  const { entries } = okay(await owner.call('audit.list', {}));
  expect(
    entries
      .filter(({ act }) => act === 'policy.changed')
      .map(({ before, after }) => [before?.['days'], after?.['days']]),
  ).toEqual([
    [null, 3],
    [null, null],
    [null, 2],
  ]);
});

test('whoever is invited is told what is deleted by itself, and when, before they give anything', async () => {
  const owner = await world.owner();
  const told = async () => {
    const { token } = okay(await owner.call('invite.create', { role: 'member' }));
    return okay(await owner.call('invite.check', { grant: { kind: 'invite', token } })).retention;
  };
  expect(await told()).toEqual([]);
  okay(await owner.call('retention.set', { class: 'sessions', conversationId: null, days: 30 }));
  okay(await owner.call('retention.set', everywhere(365)));
  expect(await told()).toEqual([
    { class: 'messages', days: 365 },
    { class: 'sessions', days: 30 },
  ]);
  okay(await owner.call('retention.set', everywhere(null)));
  expect(await told()).toEqual([{ class: 'sessions', days: 30 }]);
});

test('[R10] [R1] [R2] readers are told of a floor that the server signed, and the log goes on behind it', async () => {
  const { owner, guest, conversationId, before } = await talked();
  const live = await server.socket(world.cookie(guest));
  okay(await owner.call('retention.set', everywhere(2)));
  const { receipt } = okay(await owner.call('retention.run', {}));
  expect(receipt?.ranges).toMatchObject([
    { conversationId, fromSequence: 1, throughSequence: before.headSequence, counts: { entries: before.headSequence } },
  ]);
  expect(receipt?.proof).toMatchObject({ found: 0, shredded: true });

  const { conversation } = okay(await guest.call('conversation.get', { conversationId }));
  const floor = value(conversation.floor);
  expect([floor.sequence, floor.hash]).toEqual([before.headSequence, before.headHash]);
  const { publicKey } = okay(await guest.call('retention.key', {}));
  const statement = floorStatement(conversationId, conversation.generation, floor);
  expect(nacl.sign.detached.verify(statement, floor.signature, publicKey)).toBe(true);
  const told = (await live.event('conversation')).map((payload) => v.parse(events.conversation, payload).conversation);
  expect(told.at(-1)?.floor).toEqual(floor);

  for (const input of [{ after: 0 }, { before: 1_000 }, {}]) {
    const { page } = okay(await guest.call('log.read', { conversationId, ...input }));
    expect([page.entries.map(({ sequence }) => sequence), page.previousHash, page.floor]).toEqual([
      [floor.sequence + 1],
      floor.hash,
      floor,
    ]);
  }
  const cursorAt = (sequence: number) => ({ conversationId, generation: conversation.generation, sequence });
  const tail = async (sequence: number) =>
    answerOf('log.tail', await live.call('log.tail', { cursors: [cursorAt(sequence)] })).results[0];
  expect(await tail(floor.sequence - 1)).toEqual({ state: 'purged', conversationId, floor });
  expect(await tail(floor.sequence)).toMatchObject({
    state: 'page',
    page: { entries: [{ sequence: floor.sequence + 1 }] },
  });

  const stale = owner.message(1, { sequence: floor.sequence - 1, hash: floor.hash }, 'too old');
  expect(reasonOf(await owner.call('conversation.send', { conversationId, kind: 'message', message: stale }))).toBe(
    'purged',
  );
  const fresh = owner.message(1, { sequence: floor.sequence, hash: floor.hash }, 'seen the floor');
  const { receipt: sent } = okay(
    await owner.call('conversation.send', { conversationId, kind: 'message', message: fresh }),
  );
  expect(sent.sequence).toBe(floor.sequence + 2);
  await server.restart();
  expect(okay(await guest.call('log.read', { conversationId, after: 0 })).page.floor).toEqual(floor);
  live.close();
});

test("[R5] a receipt says what went, why and how it was verified, under the server's signature", async () => {
  const { owner, conversationId } = await talked();
  okay(await owner.call('retention.set', everywhere(2)));
  const { receipt } = okay(await owner.call('retention.run', {}));
  expect(okay(await owner.call('retention.run', {}))).toEqual({ receipt: null });
  const { receipts, more } = okay(await owner.call('retention.receipts', {}));
  expect([receipts.length, more]).toEqual([1, false]);
  const [signed] = receipts;
  const { publicKey } = okay(await owner.call('retention.key', {}));
  const bytes = new TextEncoder().encode(receiptPrefix + value(signed).statement);
  expect(nacl.sign.detached.verify(bytes, value(signed).signature, publicKey)).toBe(true);
  expect(v.parse(Receipt, JSON.parse(value(signed).statement))).toEqual(receipt);
  expect(receipt?.ranges[0]?.reason).toMatchObject({ kind: 'policy', conversationId: null, days: 2 });
  expect(okay(await owner.call('retention.receipts', { before: value(signed).receiptId })).receipts).toEqual([]);
  const run = okay(await owner.call('audit.list', {})).entries.find(({ act }) => act === 'purge.run');
  expect(run?.after).toMatchObject({ receipt: receipt?.receiptId, conversations: 1 });
  expect(conversationId).toBe(receipt?.ranges[0]?.conversationId);
});

test('[R9] [R12] a hold suspends at once, stands only with two people, ends by itself, and the preview says what it keeps', async () => {
  const { owner, conversationId } = await talked();
  const helper = await admin(owner, 'helper');
  okay(await owner.call('retention.set', everywhere(2)));
  const until = clock.runtime.now() + 20 * dayMs;
  expect(
    codeOf(await owner.call('hold.place', { conversationId, reason: 'Case 12', until: clock.runtime.now() - 1 })),
  ).toBe('input.invalid');
  const { hold } = okay(await owner.call('hold.place', { conversationId, reason: 'Case 12', until }));
  const held = async () => okay(await owner.call('retention.preview', {})).items.map(({ heldBy }) => heldBy);
  expect(await held()).toEqual([hold.holdId]);
  expect(okay(await owner.call('retention.run', {})).receipt).toBeNull();
  expect(codeOf(await owner.call('hold.confirm', { holdId: hold.holdId }))).toBe('hold.second_person');
  clock.shiftMs += 4 * dayMs;
  // Nobody confirmed it in time.
  expect(await held()).toEqual([null]);
  expect(codeOf(await helper.call('hold.confirm', { holdId: hold.holdId }))).toBe('hold.unknown');

  const second = okay(await owner.call('hold.place', { conversationId: null, reason: 'Case 13', until })).hold;
  expect(okay(await helper.call('hold.confirm', { holdId: second.holdId })).hold.state).toBe('active');
  clock.shiftMs += 4 * dayMs;
  expect(okay(await owner.call('retention.run', {})).receipt).toBeNull();
  expect(okay(await helper.call('hold.release', { holdId: second.holdId })).hold.state).toBe('releasing');
  expect(codeOf(await helper.call('hold.confirm', { holdId: second.holdId }))).toBe('hold.second_person');
  expect(await held()).toEqual([second.holdId]);
  expect(okay(await owner.call('hold.confirm', { holdId: second.holdId })).hold.state).toBe('released');
  expect(okay(await owner.call('retention.run', {})).receipt?.ranges).toHaveLength(1);
  const acts = okay(await owner.call('audit.list', {}))
    .entries.map(({ act }) => act)
    .filter((act) => act.startsWith('hold.'));
  expect(acts.toReversed()).toEqual([
    'hold.requested',
    'hold.requested',
    'hold.placed',
    'hold.requested',
    'hold.lifted',
  ]);
});

test('[R6] an older copy of the data is purged again before it is served, and gets a receipt of its own', async () => {
  const { owner, conversationId, before } = await talked();
  okay(await owner.call('retention.set', everywhere(2)));
  await server.stop();
  const copy = mkdtempSync(join(tmpdir(), 'lanying-copy-'));
  cpSync(server.dataFolder, copy, { recursive: true });
  await server.restart();
  okay(await owner.call('retention.run', {}));
  const register = readFileSync(join(server.dataFolder, 'purged'));
  await server.stop();
  // Everything is put back but the register of purges.
  for (const name of readdirSync(server.dataFolder))
    if (name !== 'purged') rmSync(join(server.dataFolder, name), { recursive: true });
  cpSync(copy, server.dataFolder, { recursive: true, filter: (path) => !path.endsWith('purged') });
  rmSync(copy, { recursive: true });
  expect(readFileSync(join(server.dataFolder, 'purged')).equals(register)).toBe(true);
  await server.restart();
  expect(server.logLines.join('')).toContain('purged again');
  const { page } = okay(await owner.call('log.read', { conversationId, after: 0 }));
  expect([page.entries.map(({ sequence }) => sequence), page.floor?.sequence]).toEqual([
    [before.headSequence + 1],
    before.headSequence,
  ]);
  const { receipts } = okay(await owner.call('retention.receipts', {}));
  expect(receipts.map(({ statement }) => v.parse(Receipt, JSON.parse(statement)).ranges[0]?.reason.kind)).toEqual([
    'restore',
  ]);
});

test('[R12] [R1] the command line previews and purges a folder that no server has, and says when one has it', async () => {
  const { owner, conversationId, before } = await talked();
  okay(await owner.call('retention.set', everywhere(2)));
  const parts = {
    config: { dataFolder: server.dataFolder },
    masterKey: () => new Uint8Array(32).fill(7),
    runtime: clock.runtime,
  };
  const outs: string[] = [];
  const shell = {
    ...noStreams,
    out: (line: string) => outs.push(line),
    err: (line: string) => outs.push(line),
    language: 'en' as const,
    environment: () => {
      throw new Error('not asked');
    },
  };
  const run = async (dryRun: boolean) => toldByCommandLine(await purgeFolder({ ...parts, dryRun }), shell);
  expect(await run(true)).toBe(75);
  await server.stop();
  expect(await run(true)).toBe(0);
  expect(outs.at(-1)).toContain(`${conversationId} `);
  expect(outs.at(-1)).toContain(`${before.headSequence} entries: due`);
  expect(await run(false)).toBe(0);
  expect(outs.join('\n')).toContain(`Erased and verified: ${before.headSequence} entries`);
  expect(await run(true)).toBe(0);
  expect(outs.at(-1)).toBe('Nothing is due');
  await server.restart();
  expect(okay(await owner.call('log.read', { conversationId, after: 0 })).page.floor?.sequence).toBe(
    before.headSequence,
  );
  expect(okay(await owner.call('audit.list', {})).entries.find(({ act }) => act === 'purge.run')?.actor).toEqual({
    kind: 'operator',
  });
});

/** The newest receipt behind a run. The nightly purge that a restart makes up for may have been there first. */
async function purgedBy(owner: Peer): Promise<Receipt> {
  okay(await owner.call('retention.run', {}));
  const [newest] = okay(await owner.call('retention.receipts', {})).receipts;
  return v.parse(Receipt, JSON.parse(newest?.statement ?? ''));
}

test('[R3] files outlive the change of the key-encryption key, and go by their own rule with a receipt', async () => {
  const { owner, conversationId } = await talked();
  await server.stop();
  const open = () =>
    openLevelStore({ folder: server.dataFolder, masterKey: new Uint8Array(32).fill(7), runtime: clock.runtime });
  const store = await open();
  const quota = { personBytesMax: 1e9, totalBytesMax: 1e9, personFilesMax: 100, personOpenMax: 10 };
  const fileId = idFromBytes<FileId>(clock.runtime.random(16));
  const content = new Uint8Array(100_000).fill(5);
  await store.blobs.create(
    {
      fileId,
      owner: owner.userId,
      conversationId,
      size: content.length,
      createdAt: clock.runtime.now(),
      expiresAt: clock.runtime.now() + dayMs,
    },
    quota,
  );
  const begun = await store.blobs.append(fileId, 0, { atomic: false, onInterrupt: () => undefined });
  if (begun.kind !== 'appending') throw new Error(begun.kind);
  await begun.appending.write(content);
  await begun.appending.finish();
  await store.close();
  await server.restart();
  okay(await owner.call('retention.set', everywhere(2)));
  expect((await purgedBy(owner)).proof?.shredded).toBe(true);
  await server.stop();
  const after = await open();
  const reading = value(await after.blobs.open(fileId));
  await reading.verify();
  await reading.close();
  await after.close();
  await server.restart();
  okay(await owner.call('retention.set', everywhere(null)));
  okay(await owner.call('retention.set', { class: 'files', conversationId, days: 1 }));
  clock.shiftMs += 3 * dayMs;
  expect(await purgedBy(owner)).toMatchObject({
    ranges: [],
    others: [{ class: 'files', conversationId, count: 1, bytes: content.length }],
    proof: { shredded: true },
  });
});

test('[R4] [R13] a purge interrupted by a stop ends in a step, and the next run finishes it with one receipt', async () => {
  const { owner, conversationId, before } = await talked();
  okay(await owner.call('retention.set', everywhere(2)));
  const running = owner.call('retention.run', {});
  const live = await server.socket(world.cookie(owner));
  await server.stop();
  await running.catch(() => undefined);
  live.close();
  await server.restart();
  okay(await owner.call('retention.run', {}));
  const { page } = okay(await owner.call('log.read', { conversationId, after: 0 }));
  expect(page.floor?.sequence).toBe(before.headSequence);
  const { receipts } = okay(await owner.call('retention.receipts', {}));
  const ranges = receipts.flatMap(({ statement }) => v.parse(Receipt, JSON.parse(statement)).ranges);
  expect(ranges.map(({ counts }) => counts.entries)).toEqual([before.headSequence]);
});
