/** The server shows Bob another key directory than the others, signed by its own key. He finds out, and so do they. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { verifierKey } from '#protocol/checkpoint.ts';
import { decodeRequest } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import { deviceLeaf, identityLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import type { SecurityNotice } from '../../../web/engine/api.ts';
import { makeIdentity } from '../../../web/engine/identity/identity.ts';
import { TreeLeaves } from '../../../web/engine/key-tree/leaves.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, refusal, textsOf, until, viewOf } from '../../harness/devices.ts';
import { directorySeed, LyingDirectory } from '../../harness/lying-directory.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();

let server: TestServer;
let seed: Uint8Array<ArrayBuffer>;
let owner: Client;
let serial = 0;
const open: HeadlessEngine[] = [];

interface Victim {
  readonly engine: HeadlessEngine;
  readonly handle: string;
  readonly code: string;
  readonly network: LyingNetwork;
  readonly profile: MemoryProfile;
  readonly liar: LyingDirectory;
}

async function victim(): Promise<Victim> {
  serial += 1;
  const handle = `bob${serial}`;
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const liar = new LyingDirectory(network, seed);
  const profile = new MemoryProfile();
  const engine = await engineOver(network, openMemoryStore(profile));
  open.push(engine);
  const code = await join(engine, handle, (await owner.createInvite()).link);
  return { engine, handle, code, network, profile, liar };
}

async function person(name: string, profile = new MemoryProfile()): Promise<HeadlessEngine> {
  serial += 1;
  const engine = await engineOver(nodeNetwork(server.origin), openMemoryStore(profile));
  open.push(engine);
  await join(engine, `${name}${serial}`, (await owner.createInvite()).link);
  return engine;
}

const handleOf = (engine: HeadlessEngine): string => {
  const { account } = engine.snapshot();
  if (account.state !== 'ready') throw new Error('not ready');
  return account.me.handle;
};
const meOf = (engine: HeadlessEngine): UserId => idOf(engine, handleOf(engine));
const noticed = (engine: HeadlessEngine, kind: SecurityNotice['kind']): Promise<void> =>
  until(engine, ({ notices }) => notices.some((notice) => notice.kind === kind));
const contradicted = (engine: HeadlessEngine): Promise<void> => until(engine, ({ directory }) => directory.state === 'contradicted');

/** All leaves that a device holds. */
async function heldBy(profile: MemoryProfile): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  return (await TreeLeaves.load((await accountOn(profile)).store)).from(0);
}

/** The server names another identity key for somebody. */
function swapped({ network }: Victim, handle: string): Uint8Array<ArrayBuffer> {
  const { publicKey } = makeIdentity(systemRuntime);
  network.lie = (frame, command) => {
    if (frame.kind !== 'answer' || (command !== 'people.list' && command !== 'people.find')) return [frame];
    const page = v.parse(v.object({ people: v.array(v.looseObject({ handle: v.string() })), more: v.optional(v.boolean()) }), frame.output);
    return [{ ...frame, output: { ...page, people: page.people.map((found) => (found.handle === handle ? { ...found, identityKey: publicKey } : found)) } }];
  };
  return publicKey;
}

async function talk(from: HeadlessEngine, to: HeadlessEngine): Promise<ConversationId> {
  await Promise.all([from.refreshPeople(), to.refreshPeople()]);
  const id = await from.createConversation({ title: null, members: [idOf(from, handleOf(to))] });
  await entered(to, id);
  return id;
}

async function says(from: HeadlessEngine, to: HeadlessEngine, id: ConversationId, text: string): Promise<void> {
  const heard = hears(to, text);
  await from.send(id, text);
  await heard;
}

beforeAll(async () => {
  server = await startServer();
  seed = await directorySeed(server);
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});
afterAll(async () => {
  await owner.close();
  await server.remove();
});

const stranger = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat([Buffer.from([1, 1]), digest(Buffer.from(`subject ${name}`)), digest(Buffer.from(name))]));

describe('keys that are used', () => {
  it('[X5] an identity key that is not in the directory is not even offered, and the known one stays in force', async () => {
    const bob = await victim();
    const dora = await person('dora');
    const id = await talk(bob.engine, dora);
    swapped(bob, handleOf(dora));
    await bob.engine.refreshPeople();
    await noticed(bob.engine, 'key_unlisted');
    expect(bob.engine.snapshot().people.find(({ userId }) => userId === meOf(dora))?.identity).toBe('pinned');
    await says(bob.engine, dora, id, 'under the known key');
    expect(await textsOf(dora, id)).toEqual(['under the known key']);
  });

  it('[E2] a swapped identity key that is in the directory blocks sending until it is accepted', async () => {
    const bob = await victim();
    const dora = await person('dora');
    const id = await talk(bob.engine, dora);
    const key = swapped(bob, handleOf(dora));
    const doraId = meOf(dora);
    bob.liar.leaves = [...(await heldBy(bob.profile)), identityLeaf(digest, doraId, key)];
    await bob.engine.refreshPeople();
    await noticed(bob.engine, 'identity_changed');
    expect(viewOf(bob.engine, id).blockedBy).toEqual([doraId]);
    expect(await refusal(bob.engine.send(id, 'blocked'))).toBe('identity.changed');
    expect(await refusal(bob.engine.renameConversation(id, 'blocked title'))).toBe('identity.changed');
    expect(await refusal(bob.engine.createConversation({ title: null, members: [doraId] }))).toBe('identity.changed');
    await bob.engine.acceptIdentity(doraId);
    await says(bob.engine, dora, id, 'accepted');
    expect(await textsOf(dora, id)).toEqual(['accepted']);
  });

  it('[X5] a device of which the directory has another certificate is not taken in', async () => {
    const bob = await victim();
    const held = await heldBy(bob.profile);
    const doraProfile = new MemoryProfile();
    const dora = await person('dora', doraProfile);
    const { state } = await accountOn(doraProfile);
    const wrong = state.certificate.map((byte, at) => (at === 170 ? byte ^ 1 : byte));
    const key = state.certificate.slice(81, 113);
    bob.liar.leaves = [...held, identityLeaf(digest, state.userId, key), deviceLeaf(digest, state.userId, wrong)];
    await bob.engine.refreshPeople();
    expect(await refusal(bob.engine.createConversation({ title: null, members: [idOf(bob.engine, handleOf(dora))] }))).toBe('identity.mismatch');
    expect(bob.engine.snapshot().notices).toContainEqual(expect.objectContaining({ kind: 'device_refused', reason: 'not_in_directory' }));
  });

  it('[X5] a device that the directory says was taken away is not taken in, though the server says nothing of it', async () => {
    const bob = await victim();
    const doraProfile = new MemoryProfile();
    const dora = await person('dora', doraProfile);
    await bob.engine.refreshPeople();
    const { state } = await accountOn(doraProfile);
    bob.liar.leaves = [...(await heldBy(bob.profile)), revokedLeaf(digest, state.userId, state.deviceId)];
    await bob.engine.refreshPeople();
    expect(await refusal(bob.engine.createConversation({ title: null, members: [idOf(bob.engine, handleOf(dora))] }))).toBe('identity.mismatch');
    expect(bob.engine.snapshot().notices).toContainEqual(expect.objectContaining({ kind: 'device_refused', reason: 'revoked' }));
  });

  it('[X9] an identity key that somebody entered for oneself is told', async () => {
    const bob = await victim();
    const { publicKey } = makeIdentity(systemRuntime);
    bob.liar.leaves = [...(await heldBy(bob.profile)), identityLeaf(digest, meOf(bob.engine), publicKey)];
    await bob.engine.refreshPeople();
    await noticed(bob.engine, 'identity_entered');
  });
});

describe('[X10] who was verified', () => {
  const verified = (engine: HeadlessEngine, userId: UserId): boolean => engine.snapshot().people.find((one) => one.userId === userId)?.verified === true;
  const digitsOf = async (engine: HeadlessEngine, userId: UserId): Promise<string> => {
    let digits: string | null = null;
    await until(engine, ({ people }) => (digits = people.find((one) => one.userId === userId)?.safetyNumber ?? null) !== null);
    return digits ?? '';
  };

  it('is known after a restart and on the other devices of whoever compared, and to nobody else', async () => {
    const bob = await victim();
    const dora = await person('dora');
    await Promise.all([bob.engine.refreshPeople(), dora.refreshPeople()]);
    const doraId = meOf(dora);
    const digits = await digitsOf(bob.engine, doraId);
    expect(await digitsOf(dora, meOf(bob.engine))).toBe(digits);
    expect(await refusal(bob.engine.setVerified(doraId, digits.replace(/^./, (first) => String((Number(first) + 1) % 10)), true))).toBe('identity.mismatch');
    expect(verified(bob.engine, doraId)).toBe(false);
    await bob.engine.setVerified(doraId, digits, true);
    expect(verified(bob.engine, doraId)).toBe(true);
    const second = await engineOver(nodeNetwork(server.origin), openMemoryStore());
    open.push(second);
    await second.signInWithPassword(bob.handle, passwordOf(bob.handle), 'second');
    await until(second, ({ account }) => account.state === 'vault-locked');
    await second.unlockWithRecoveryCode(bob.code);
    await second.synced();
    expect(verified(second, doraId)).toBe(true);
    await second.setVerified(doraId, await digitsOf(second, doraId), false);
    await bob.engine.refreshPeople();
    expect(verified(bob.engine, doraId)).toBe(false);
    await bob.engine.setVerified(doraId, digits, true);
    await bob.engine.close();
    const again = await engineOver(bob.network, openMemoryStore(bob.profile));
    open.push(again);
    await again.synced();
    expect(verified(again, doraId)).toBe(true);
    expect(verified(dora, meOf(again))).toBe(false);
  });

  it('is over with another key, of which the time is kept', async () => {
    const bob = await victim();
    const dora = await person('dora');
    await bob.engine.refreshPeople();
    const doraId = meOf(dora);
    const digits = await digitsOf(bob.engine, doraId);
    await bob.engine.setVerified(doraId, digits, true);
    const key = swapped(bob, handleOf(dora));
    bob.liar.leaves = [...(await heldBy(bob.profile)), identityLeaf(digest, doraId, key)];
    await bob.engine.refreshPeople();
    expect(verified(bob.engine, doraId)).toBe(false);
    expect(bob.engine.snapshot().people.find(({ userId }) => userId === doraId)?.keyChanges).toHaveLength(1);
    expect(await refusal(bob.engine.setVerified(doraId, digits, true))).toBe('identity.mismatch');
    await bob.engine.acceptIdentity(doraId);
    expect(verified(bob.engine, doraId)).toBe(false);
  });
});

describe('heads', () => {
  it('[X6] a directory that went back is told, across restarts, and stops nobody', async () => {
    const bob = await victim();
    const ada = await person('ada');
    const id = await talk(bob.engine, ada);
    const held = await heldBy(bob.profile);
    bob.liar.leaves = held.slice(0, -1);
    await bob.engine.refreshPeople();
    await contradicted(bob.engine);
    expect(bob.engine.snapshot().directory).toMatchObject({ fault: 'cut', blocked: false, heardFrom: null });
    await says(bob.engine, ada, id, 'goes on');
    await bob.engine.close();
    bob.liar.leaves = null;
    const again = await engineOver(bob.network, openMemoryStore(bob.profile));
    open.push(again);
    await again.synced();
    expect(again.snapshot().directory).toMatchObject({ state: 'contradicted', fault: 'cut' });
    // An honest server, and somebody looked into it.
    await again.acceptDirectory();
    expect(again.snapshot().directory).toEqual({ state: 'consistent' });
    expect(await heldBy(bob.profile)).toEqual(held);
  });

  it('[X6] a head of another key, or signed by nobody, is told', async () => {
    for (const fault of ['key_changed', 'unsigned'] as const) {
      const bob = await victim();
      const told = { checkpoint: bob.liar.head([stranger('x')]).checkpoint, verifierKey: bob.liar.verifierKey, consistency: [] };
      const { publicKey } = makeIdentity(systemRuntime);
      const output =
        fault === 'key_changed'
          ? { ...told, verifierKey: verifierKey(digest, 'localhost/other', publicKey) }
          : { ...told, checkpoint: told.checkpoint.replace(/\n1\n/, '\n2\n') };
      bob.network.answer = (command) => Promise.resolve(command === 'directory.head' ? { output } : null);
      await bob.engine.refreshPeople();
      await contradicted(bob.engine);
      expect(bob.engine.snapshot().directory).toMatchObject({ fault, blocked: false });
    }
  });

  it('[X8] a server that cannot answer contradicts nothing', async () => {
    const bob = await victim();
    bob.network.answer = (command) => Promise.resolve(command === 'directory.head' ? { code: 'server.unavailable' } : null);
    expect(await refusal(bob.engine.refreshPeople())).toBe('server.unavailable');
    expect(bob.engine.snapshot()).toMatchObject({ directory: { state: 'consistent' }, notices: [] });
  });

  it('[X8] two signed heads that contradict each other stop sending until it is decided', async () => {
    const bob = await victim();
    const ada = await person('ada');
    const id = await talk(bob.engine, ada);
    const held = await heldBy(bob.profile);
    bob.liar.leaves = [...held.slice(0, -1), stranger('rewritten'), stranger('and one more')];
    await bob.engine.refreshPeople();
    await contradicted(bob.engine);
    expect(bob.engine.snapshot().directory).toMatchObject({ fault: 'forked', blocked: true });
    expect(await refusal(bob.engine.send(id, 'blocked'))).toBe('directory.contradicted');
    expect(await refusal(bob.engine.createConversation({ title: null, members: [meOf(ada)] }))).toBe('directory.contradicted');
    // What others write is still read.
    await says(ada, bob.engine, id, 'still there?');
    bob.liar.leaves = null;
    await bob.engine.acceptDirectory();
    await says(bob.engine, ada, id, 'looked into it');
  });
});

describe('two trees for two people', () => {
  /** Bob is shown another newest leaf than everybody else. */
  async function split(): Promise<{ readonly bob: Victim; readonly ada: HeadlessEngine; readonly id: ConversationId }> {
    const bob = await victim();
    const ada = await person('ada');
    const id = await talk(ada, bob.engine);
    const held = await heldBy(bob.profile);
    await person('eve');
    bob.liar.leaves = [...held, stranger('not eve'), stranger('not eve’s device')];
    await Promise.all([bob.engine.refreshPeople(), ada.refreshPeople()]);
    expect(bob.engine.snapshot().directory.state).toBe('consistent');
    expect(ada.snapshot().directory.state).toBe('consistent');
    return { bob, ada, id };
  }

  it('[X7] the one who was shown the other tree finds out by a message of somebody else’s', async () => {
    const { bob, ada, id } = await split();
    await says(ada, bob.engine, id, 'hello');
    await contradicted(bob.engine);
    expect(bob.engine.snapshot().directory).toMatchObject({ fault: 'forked', blocked: true, heardFrom: meOf(ada) });
    expect(await refusal(bob.engine.send(id, 'blocked'))).toBe('directory.contradicted');
  });

  it('[X7] so do the others, by a message of the one who was shown it', async () => {
    const { bob, ada, id } = await split();
    await says(bob.engine, ada, id, 'hello');
    await contradicted(ada);
    expect(ada.snapshot().directory).toMatchObject({ fault: 'forked', blocked: true, heardFrom: meOf(bob.engine) });
  });

  it('[X7] a peer that heard of more than the server shows here is believed that the server went back', async () => {
    const bob = await victim();
    const ada = await person('ada');
    const id = await talk(ada, bob.engine);
    bob.liar.leaves = await heldBy(bob.profile);
    await person('eve');
    await ada.refreshPeople();
    await says(ada, bob.engine, id, 'hello');
    await contradicted(bob.engine);
    expect(bob.engine.snapshot().directory).toMatchObject({ fault: 'cut', blocked: false, heardFrom: meOf(ada) });
  });

  it('[X7] a head is told once in a conversation until it changes', async () => {
    const bob = await victim();
    const ada = await person('ada');
    const id = await talk(bob.engine, ada);
    const sealedBytes = (): readonly number[] =>
      bob.network.tapped.flatMap((frame) => {
        const request = decodeRequest(frame);
        if (request?.kind !== 'request' || request.command !== 'conversation.send') return [];
        return [v.parse(commands['conversation.send'].input, request.input).message.body.length];
      });
    for (const text of ['one', 'two', 'three']) await says(bob.engine, ada, id, text);
    await person('eve');
    await bob.engine.refreshPeople();
    for (const text of ['four', 'five']) await says(bob.engine, ada, id, text);
    const [first = 0, second = 0, ...rest] = sealedBytes();
    // One step of padding more.
    expect(first - second).toBe(128);
    expect(rest).toEqual([second, first, second]);
  });
});
