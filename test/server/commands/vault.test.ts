import { expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { codeOf, okay, reasonOf, talk, World } from './world.ts';

const sealed = (byte: number) => new Uint8Array(24).fill(byte);

async function pair() {
  const world = new World();
  const owner = await world.owner();
  return { world, owner, guest: await world.invited(owner, 'guest') };
}

it('[V1] a vault and its items are served to their person alone, and not without a session', async () => {
  const { world, owner, guest } = await pair();
  okay(await owner.call('vaultItem.put', { name: 'pins', version: 0, sealed: sealed(1) }));
  const vault = okay(await owner.call('vault.get', {}));
  expect(vault.unlockers.map(({ unlockerId }) => unlockerId)).not.toEqual(okay(await guest.call('vault.get', {})).unlockers.map(({ unlockerId }) => unlockerId));
  expect(okay(await guest.call('vaultItem.get', { name: 'pins' }))).toEqual({ version: 0, sealed: null });
  const { conversationId } = await talk(world, owner, [guest]);
  okay(await owner.call('archive.put', { items: [{ conversationId, epoch: 1, sealed: sealed(1) }] }));
  expect(okay(await guest.call('archive.get', { conversationId }))).toEqual({ items: [], more: false });
  expect(okay(await owner.call('archive.get', { conversationId })).items).toEqual([{ epoch: 1, sealed: sealed(1) }]);
  for (const [name, input] of [['vault.get', {}], ['vaultItem.get', { name: 'pins' }], ['archive.get', { conversationId }]] as const) {
    expect(codeOf(await world.call(name, input))).toBe('session.required');
  }
});

it('[V2] of racing updates of the vault, or of an item, one wins', async () => {
  const { owner } = await pair();
  const { version, unlockers } = okay(await owner.call('vault.get', {}));
  const plain = unlockers.map(({ createdAt: _createdAt, ...unlocker }) => unlocker);
  const update = (byte: number) => owner.call('vault.update', { version, sealed: sealed(byte), unlockers: plain });
  expect((await Promise.all([update(1), update(2)])).map(codeOf).toSorted()).toEqual(['ok', 'vault.conflict']);
  const after = okay(await owner.call('vault.get', {}));
  expect([after.version, after.unlockers]).toEqual([version + 1, unlockers]);
  const put = (byte: number, at: number) => owner.call('vaultItem.put', { name: 'pins', version: at, sealed: sealed(byte) });
  expect((await Promise.all([put(1, 0), put(2, 0)])).map(codeOf).toSorted()).toEqual(['ok', 'vault.conflict']);
  expect(codeOf(await put(3, 0))).toBe('vault.conflict');
  expect(okay(await put(4, 1))).toEqual({ version: 2 });
  expect(okay(await owner.call('vaultItem.get', { name: 'pins' }))).toEqual({ version: 2, sealed: sealed(4) });
});

it('[V3] the first archive item of an epoch stays, within one call and across calls', async () => {
  const { world, owner, guest } = await pair();
  const { conversationId } = await talk(world, owner, [guest]);
  const item = (epoch: number, byte: number) => ({ conversationId, epoch, sealed: sealed(byte) });
  okay(await owner.call('archive.put', { items: [item(0, 1), item(0, 2)] }));
  okay(await owner.call('archive.put', { items: [item(0, 3), item(1, 4)] }));
  expect(okay(await owner.call('archive.get', { conversationId })).items).toEqual([{ epoch: 1, sealed: sealed(4) }, { epoch: 0, sealed: sealed(1) }]);
});

it('[V1] refuses to archive for a conversation that one is not in, or an epoch that has not begun', async () => {
  const { world, owner, guest } = await pair();
  const { conversationId } = await talk(world, owner, [guest]);
  const outsider = await world.invited(owner, 'outsider');
  const put = (peer: typeof owner, id: ConversationId, epoch: number) => peer.call('archive.put', { items: [{ conversationId: id, epoch, sealed: sealed(1) }] });
  expect(codeOf(await put(outsider, conversationId, 1))).toBe('conversation.unknown');
  expect(codeOf(await put(owner, world.id<ConversationId>(), 1))).toBe('conversation.unknown');
  expect(codeOf(await put(owner, conversationId, 3))).toBe('input.invalid');
  expect(reasonOf(await put(owner, conversationId, 2))).toBeUndefined();
});
