/** The vault key changes when a device or an unlocker goes; nobody is locked out, and what went opens nothing new. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { openIdentitySeed } from '../../../web/engine/vault/identity-secret.ts';
import { VaultCipher } from '../../../web/engine/vault/vault-cipher.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { accountOn, engineOver, entered, hears, idOf, join, refusal, textsOf, until } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let owner: Client;
let ada: HeadlessEngine;
let bob: HeadlessEngine;
let bobCode: string;
let bobProfile: MemoryProfile;
const engines: HeadlessEngine[] = [];

async function engine(
  profile = new MemoryProfile(),
  network = new LyingNetwork(nodeNetwork(server.origin)),
): Promise<HeadlessEngine> {
  const made = await engineOver(network, openMemoryStore(profile));
  engines.push(made);
  return made;
}

async function arrived(of: HeadlessEngine): Promise<HeadlessEngine> {
  await of.signInWithPassword('bob', passwordOf('bob'), 'another');
  await until(of, ({ account: { state } }) => state === 'vault-locked');
  return of;
}

async function another(code: string, profile = new MemoryProfile()): Promise<HeadlessEngine> {
  const made = await arrived(await engine(profile));
  await made.unlockWithRecoveryCode(code);
  await made.synced();
  return made;
}

const idsOf = (of: HeadlessEngine) =>
  of
    .snapshot()
    .devices.filter(({ here }) => here)
    .map(({ deviceId }) => deviceId);
const unlockersOf = (of: HeadlessEngine) => of.snapshot().vault?.unlockers ?? [];
const settled = async (of: HeadlessEngine): Promise<void> =>
  until(of, ({ vault }) => vault !== null && !vault.rekeyDue && !vault.closed);

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  bobProfile = new MemoryProfile();
  [ada, bob] = [await engine(), await engine(bobProfile)];
  await join(ada, 'ada', (await owner.createInvite()).link);
  bobCode = await join(bob, 'bob', (await owner.createInvite()).link);
  await ada.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

async function talk(): Promise<ConversationId> {
  const id = await ada.createConversation({ title: 'the room', members: [idOf(ada, 'bob')] });
  await entered(bob, id);
  const heard = hears(bob, 'before');
  await ada.send(id, 'before');
  await heard;
  return id;
}

async function removeFrom(by: HeadlessEngine, gone: HeadlessEngine): Promise<void> {
  const [deviceId] = idsOf(gone);
  if (deviceId === undefined) throw new Error('no device');
  await by.removeDevice(deviceId);
}

it('[V4] [E16] a removed device knows no key that opens the vault or the archive any more; the others and the code do', async () => {
  const id = await talk();
  const lostProfile = new MemoryProfile();
  const lost = await another(bobCode, lostProfile);
  const thirdProfile = new MemoryProfile();
  const third = await another(bobCode, thirdProfile);
  await entered(third, id);
  const { state: known } = await accountOn(lostProfile);
  await removeFrom(bob, lost);
  await settled(bob);
  await bob.delivered(id, await bob.send(id, 'after'));
  const { state } = await accountOn(bobProfile);
  await expect.poll(async () => (await accountOn(thirdProfile)).state.vaultKey).toEqual(state.vaultKey);
  expect(state.vaultKey).not.toEqual(known.vaultKey);
  const there = new LyingNetwork(nodeNetwork(server.origin));
  const fresh = await engine(new MemoryProfile(), there);
  await arrived(fresh);
  const asked = async (command: string, input: unknown) =>
    (await there.post(command, input)).body as {
      readonly sealed: string;
      readonly items: readonly { readonly epoch: number; readonly sealed: string }[];
    };
  const sealed = new Uint8Array(Buffer.from((await asked('vault.get', {})).sealed, 'base64url'));
  expect(openIdentitySeed(known.vaultKey, known.userId, sealed).ok).toBe(false);
  const [thief, keeper] = [
    await VaultCipher.create(systemRuntime, known.userId, known.vaultKey),
    await VaultCipher.create(systemRuntime, known.userId, state.vaultKey),
  ];
  const { items } = await asked('archive.get', { conversationId: id });
  expect(items.length).toBeGreaterThan(1);
  for (const item of items) {
    const bytes = new Uint8Array(Buffer.from(item.sealed, 'base64url'));
    expect(await thief.openArchive(id, item.epoch, bytes)).toBeNull();
    expect(await keeper.openArchive(id, item.epoch, bytes)).not.toBeNull();
  }
  // The printed code still opens everything, though nobody typed it again.
  await fresh.unlockWithRecoveryCode(bobCode);
  await entered(fresh, id);
  expect(await textsOf(fresh, id)).toEqual(['before', 'after']);
});

it('[E16] a device that was away finds the new key handed to it', async () => {
  const id = await talk();
  const lost = await another(bobCode);
  const awayProfile = new MemoryProfile();
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const away = await arrived(await engine(awayProfile, network));
  await away.unlockWithRecoveryCode(bobCode);
  await entered(away, id);
  await until(away, ({ vault }) => vault !== null);
  await away.close();
  await removeFrom(bob, lost);
  await settled(bob);
  const back = await engine(awayProfile, network);
  await back.synced();
  expect(back.snapshot().vault?.closed).toBe(false);
  expect((await accountOn(awayProfile)).state.vaultKey).toEqual((await accountOn(bobProfile)).state.vaultKey);
});

it('[E16] one to which nobody handed it asks the person once', async () => {
  await talk();
  const lost = await another(bobCode);
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const third = await arrived(await engine(new MemoryProfile(), network));
  await third.unlockWithRecoveryCode(bobCode);
  await until(third, ({ vault }) => vault !== null);
  network.lie = (frame, command) =>
    command === 'vaultItem.get' && frame.kind === 'answer'
      ? [{ ...frame, output: { version: 0, sealed: null } }]
      : [frame];
  await removeFrom(bob, lost);
  await until(third, ({ vault }) => vault?.closed === true);
  network.lie = (frame) => [frame];
  expect(await refusal(third.reopenVault(bobCode.replace(/^./, (first) => (first === '0' ? '1' : '0'))))).toBe(
    'recovery_code.malformed',
  );
  await third.reopenVault(bobCode);
  expect(third.snapshot().vault?.closed).toBe(false);
});

it('[V4] a code that was issued anew opens the vault; the one that it replaces does not, and the other one does', async () => {
  const id = await talk();
  await until(bob, ({ vault }) => vault !== null);
  const [first] = unlockersOf(bob);
  if (first === undefined) throw new Error('no unlocker');
  const code = await bob.prepareRecoveryCode();
  expect(await bob.prepareRecoveryCode()).toBe(code);
  await bob.keepRecoveryCode([first.unlockerId]);
  expect(unlockersOf(bob).map(({ unlockerId }) => unlockerId)).not.toContain(first.unlockerId);
  expect(unlockersOf(bob)).toHaveLength(2);
  const fresh = await arrived(await engine());
  expect(await refusal(fresh.unlockWithRecoveryCode(bobCode))).toBe('recovery_code.wrong');
  await fresh.unlockWithRecoveryCode(code);
  await entered(fresh, id);
  expect(await textsOf(fresh, id)).toEqual(['before']);
});

it('[A3] an unlocker goes only where two are left', async () => {
  await until(bob, ({ vault }) => vault !== null);
  const [first] = unlockersOf(bob);
  if (first === undefined) throw new Error('no unlocker');
  expect(await refusal(bob.removeUnlocker(first.unlockerId))).toBe('vault.unlockers_missing');
  await bob.prepareRecoveryCode();
  await bob.keepRecoveryCode([]);
  expect(unlockersOf(bob)).toHaveLength(3);
  await bob.removeUnlocker(first.unlockerId);
  expect(unlockersOf(bob)).toHaveLength(2);
});
