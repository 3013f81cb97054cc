/** A person removes a device: it is out everywhere, for the server, for colleagues, and for a server that lies. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCertificate } from '#protocol/certificate.ts';
import type { ConversationId } from '#protocol/ids.ts';
import { deserialize, members } from '../../../web/engine/mls/index.ts';
import { after, conversations, keyPackages } from '../../../web/engine/store/records.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, textsOf, until } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

interface Device {
  readonly engine: HeadlessEngine;
  readonly profile: MemoryProfile;
  readonly network: LyingNetwork;
}

let server: TestServer;
let owner: Client;
let ada: Device;
let bob: Device;
let bobCode: string;
const engines: HeadlessEngine[] = [];

async function device(): Promise<Device> {
  const profile = new MemoryProfile();
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const engine = await engineOver(network, openMemoryStore(profile));
  engines.push(engine);
  return { engine, profile, network };
}

async function second(handle: string, code: string): Promise<Device> {
  const made = await device();
  await made.engine.signInWithPassword(handle, passwordOf(handle), 'the second');
  await until(made.engine, ({ account: { state } }) => state === 'vault-locked');
  await made.engine.unlockWithRecoveryCode(code);
  await made.engine.synced();
  return made;
}

/** Device ids in the ratchet tree as this device has it. */
async function leavesOn({ profile }: Device, id: ConversationId): Promise<readonly (string | undefined)[]> {
  const { store } = await accountOn(profile);
  const state = await store.get(conversations, id);
  return state === null
    ? []
    : members(deserialize(state.group)).map(({ credential }) => parseCertificate(credential)?.deviceId);
}

const deviceIdOf = ({ engine }: Device): string => {
  const { account } = engine.snapshot();
  if (account.state !== 'ready') throw new Error(account.state);
  return account.me.deviceId;
};
const here = ({ engine }: Device) => engine.snapshot().devices;

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  [ada, bob] = [await device(), await device()];
  await join(ada.engine, 'ada', (await owner.createInvite()).link);
  bobCode = await join(bob.engine, 'bob', (await owner.createInvite()).link);
  await ada.engine.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

async function talk(): Promise<ConversationId> {
  const id = await ada.engine.createConversation({ title: 'the room', members: [idOf(ada.engine, 'bob')] });
  await entered(bob.engine, id);
  return id;
}

async function removed(): Promise<{ readonly id: ConversationId; readonly lost: Device; readonly lostId: string }> {
  const id = await talk();
  const lost = await second('bob', bobCode);
  await entered(lost.engine, id);
  const lostId = deviceIdOf(lost);
  await until(bob.engine, ({ devices }) => devices.some(({ deviceId }) => deviceId === lostId));
  for (const { deviceId } of here(bob)) if (deviceId === lostId) await bob.engine.removeDevice(deviceId);
  return { id, lost, lostId };
}

describe('a removed device', () => {
  it('[E15] was told to the person when it came, with its name', async () => {
    const lost = await second('bob', bobCode);
    await until(bob.engine, ({ notices }) => notices.some(({ kind }) => kind === 'new_device'));
    const notice = bob.engine.snapshot().notices.find(({ kind }) => kind === 'new_device');
    expect(notice).toMatchObject({ kind: 'new_device', deviceId: deviceIdOf(lost), label: 'the second' });
    // The new one is not told of the old one.
    expect(lost.engine.snapshot().notices).toEqual([]);
    expect(here(lost).map(({ label, here: own }) => [label, own])).toEqual([
      ['the second', true],
      ['test', false],
    ]);
  });

  it('[D4] [D5] [E14] is signed out at once, leaves every tree, and what follows is said without it', async () => {
    const { id, lost, lostId } = await removed();
    await until(lost.engine, ({ account: { state } }) => state === 'signed-out');
    const heard = hears(ada.engine, 'without it');
    await bob.engine.delivered(id, await bob.engine.send(id, 'without it'));
    await heard;
    expect(await leavesOn(ada, id)).not.toContain(lostId);
    expect(await leavesOn(bob, id)).not.toContain(lostId);
    expect(here(bob).map(({ deviceId }) => deviceId)).toEqual([deviceIdOf(bob)]);
  });

  it('[E14] erases what it has when its person signs in there again, and may come back as a new device', async () => {
    const { id, lost, lostId } = await removed();
    await until(lost.engine, ({ account: { state } }) => state === 'signed-out');
    await bob.engine.delivered(id, await bob.engine.send(id, 'meanwhile'));
    await lost.engine.signInWithPassword('bob', passwordOf('bob'), 'back');
    await until(lost.engine, ({ account: { state } }) => state === 'vault-locked');
    await expect(accountOn(lost.profile)).rejects.toThrow('no account');
    await lost.engine.unlockWithRecoveryCode(bobCode);
    await entered(lost.engine, id);
    expect(deviceIdOf(lost)).not.toBe(lostId);
    expect(await textsOf(lost.engine, id)).toEqual(['meanwhile']);
  });

  it('[E14] a server cannot have it brought in again by its old key packages', async () => {
    const { lost, lostId } = await removed();
    const { store, state } = await accountOn(lost.profile);
    expect(state.deviceId).toBe(lostId);
    // Its own key packages, as the server could still hand them out.
    const offered = (await store.range(keyPackages, '', after(''), 100)).find(({ value }) => value.suite === 83);
    const bytes = offered?.value.publicBytes ?? new Uint8Array();
    const userId = idOf(ada.engine, 'bob');
    ada.network.lie = (frame, command) =>
      command === 'keyPackage.claim' && frame.kind === 'answer'
        ? [{ ...frame, output: { keyPackages: [{ userId, deviceId: state.deviceId, bytes, lastResort: false }] } }]
        : [frame];
    await expect(ada.engine.createConversation({ title: 'another', members: [userId] })).rejects.toMatchObject({
      code: 'identity.mismatch',
    });
    expect(ada.engine.snapshot().notices).toContainEqual(
      expect.objectContaining({ kind: 'device_refused', reason: 'revoked' }),
    );
  });
});

it('[D4] a person gives a device another name, and the other devices see it', async () => {
  const other = await second('bob', bobCode);
  for (const { deviceId } of here(bob).filter((each) => each.here))
    await other.engine.renameDevice(deviceId, '  kitchen \u200btablet ');
  await until(bob.engine, ({ devices }) => devices.some(({ label }) => label === 'kitchen tablet'));
});
