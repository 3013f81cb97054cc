import { describe, expect, it } from 'vitest';

import {
  commit,
  createGroup,
  deserialize,
  epoch,
  epochAuthenticator,
  exportSecret,
  groupId,
  groupInfo,
  type GroupState,
  inspectCommit,
  inspectKeyPackage,
  isActive,
  joinByExternalCommit,
  joinByWelcome,
  makeKeyPackage,
  members,
  type MlsErrorCode,
  ownLeaf,
  processCommit,
  serialize,
  suiteForMembers,
  type SuiteId,
  welcomeRecipients,
} from '../../../web/engine/mls/index.ts';
import { accept, type Device, hex, lifetime, nameOf, newDevice, newSigner, nowSeconds } from './people.ts';

const label = 'lanying content 1';

function refused(code: MlsErrorCode): { name: string; code: MlsErrorCode } {
  return { name: 'MlsError', code };
}

async function alone(device: Device, suite: SuiteId = 1): Promise<GroupState> {
  return createGroup({ groupId: new Uint8Array([1, 2, 3]), suite, credential: device.credential, signer: device.signer });
}

/** The first device's state after adding the second, and the second's. */
async function pair(one: Device, two: Device, suite: SuiteId = 1) {
  const keyPackage = await two.keyPackage(suite);
  const made = await commit(await alone(one, suite), { add: [keyPackage.publicBytes] }, one.ctx);
  if (made.welcome === null) throw new Error('no welcome');
  return {
    ...made,
    welcome: made.welcome,
    keyPackage,
    first: made.next,
    second: await joinByWelcome(made.welcome, keyPackage, two.ctx),
  };
}

async function trio() {
  const [one, two, three] = [await newDevice('one'), await newDevice('two'), await newDevice('three')];
  const { first, second } = await pair(one, two);
  const keyPackage = await three.keyPackage(1);
  const made = await commit(first, { add: [keyPackage.publicBytes] }, one.ctx);
  if (made.welcome === null) throw new Error('no welcome');
  const third = await joinByWelcome(made.welcome, keyPackage, three.ctx);
  return {
    one,
    two,
    three,
    first: made.next,
    second: (await processCommit(second, made.commit, two.ctx, accept)).next,
    third,
    groupInfo: made.groupInfo,
  };
}

describe.each([1, 83] as const)('suite %i', (suite) => {
  it('adds, welcomes, commits, exports and keeps', async () => {
    const [one, two] = [await newDevice('one'), await newDevice('two')];
    const { first, second, welcome, keyPackage, commit: added } = await pair(one, two, suite);
    expect(inspectCommit(added)).toEqual({
      groupId: new Uint8Array([1, 2, 3]),
      epoch: 0,
      sender: { kind: 'member', leaf: 0 },
      adds: [{ credential: two.credential, signatureKey: two.signer.publicKey }],
      removes: [],
      path: null,
      others: [],
    });
    expect(welcomeRecipients(welcome)).toEqual([keyPackage.reference]);
    expect([epoch(first), epoch(second), ownLeaf(first), ownLeaf(second)]).toEqual([1, 1, 0, 1]);
    expect(members(second).map(({ leaf, credential }) => [leaf, nameOf(credential)])).toEqual([
      [0, 'one'],
      [1, 'two'],
    ]);

    const update = await commit(second, {}, two.ctx);
    expect(update.welcome).toBeNull();
    const seen = await processCommit(deserialize(serialize(first)), update.commit, one.ctx, accept);
    expect(seen).toMatchObject({ sender: { kind: 'member', leaf: 1 }, added: [], removed: [], selfRemoved: false });
    const secrets = await Promise.all([seen.next, update.next].map((state) => exportSecret(state, label, groupId(state), 32)));
    expect(secrets[0]).toHaveLength(32);
    expect(secrets[0]).toEqual(secrets[1]);
    expect(secrets[0]).not.toEqual(await exportSecret(first, label, groupId(first), 32));
    expect(await exportSecret(seen.next, 'another label', groupId(first), 32)).not.toEqual(secrets[0]);
  });

  it('says what a key package is', async () => {
    const device = await newDevice('one');
    const made = await makeKeyPackage({
      suite,
      credential: device.credential,
      signer: device.signer,
      lifetime,
      lastResort: true,
    });
    expect(await inspectKeyPackage(made.publicBytes)).toEqual({
      suite,
      lifetime,
      lastResort: true,
      reference: made.reference,
      credential: device.credential,
      signatureKey: device.signer.publicKey,
    });
    expect(await inspectKeyPackage((await device.keyPackage(suite)).publicBytes)).toMatchObject({ lastResort: false });
  });
});

it('is post-quantum while a group starts small', () => {
  expect([1, 32, 33].map(suiteForMembers)).toEqual([83, 83, 1]);
});

describe('a commit that loses its race', () => {
  it('leaves the old state able to follow the winner', async () => {
    const [one, two] = [await newDevice('one'), await newDevice('two')];
    const { first, second } = await pair(one, two);
    await commit(second, {}, two.ctx);
    const winner = await commit(first, {}, one.ctx);
    const seen = await processCommit(second, winner.commit, two.ctx, accept);
    expect(hex(epochAuthenticator(seen.next))).toBe(hex(epochAuthenticator(winner.next)));
    await expect(processCommit(seen.next, winner.commit, two.ctx, accept)).rejects.toMatchObject(refused('wrong_epoch'));
  });
});

describe('removal', () => {
  it('tells the removed one, and shuts it out', async () => {
    const { one, two, three, first, second, third } = await trio();
    const made = await commit(first, { remove: [1] }, one.ctx);
    const gone = await processCommit(second, made.commit, two.ctx, accept);
    expect(gone.selfRemoved).toBe(true);
    expect(isActive(gone.next)).toBe(false);
    expect(gone.removed.map(({ credential }) => nameOf(credential))).toEqual(['two']);
    await expect(exportSecret(gone.next, label, new Uint8Array(), 32)).rejects.toMatchObject(refused('removed'));
    await expect(commit(deserialize(serialize(gone.next)), {}, two.ctx)).rejects.toMatchObject(refused('removed'));
    const stays = await processCommit(third, made.commit, three.ctx, accept);
    expect(hex(epochAuthenticator(stays.next))).toBe(hex(epochAuthenticator(made.next)));
    await expect(commit(made.next, { remove: [1] }, one.ctx)).rejects.toMatchObject(refused('not_a_member'));
    await expect(commit(made.next, { remove: [4_000_000_000] }, one.ctx)).rejects.toMatchObject(refused('not_a_member'));
    await expect(commit(made.next, { remove: [0] }, one.ctx)).rejects.toMatchObject(refused('misuse'));
  });
});

describe('the credential check', () => {
  it('refuses key packages, trees, update paths and external joiners', async () => {
    const strict = async (identity: Uint8Array): Promise<boolean> => nameOf(identity) !== 'mallory';
    const one = await newDevice('one', strict);
    const lax = await newDevice('two', async () => true);
    const mallory = await newDevice('mallory', async () => true);
    const { first, second } = await pair(one, lax);
    const keyPackage = await mallory.keyPackage(1);
    await expect(commit(first, { add: [keyPackage.publicBytes] }, one.ctx)).rejects.toMatchObject(refused('credential_refused'));

    const made = await commit(second, { add: [keyPackage.publicBytes] }, lax.ctx);
    await expect(processCommit(first, made.commit, one.ctx, accept)).rejects.toMatchObject(refused('credential_refused'));
    const inside = await joinByWelcome(made.welcome ?? new Uint8Array(), keyPackage, mallory.ctx);
    const newcomer = await newDevice('new', strict);
    const asked = await newcomer.keyPackage(1);
    const invited = await commit(inside, { add: [asked.publicBytes] }, mallory.ctx);
    await expect(joinByWelcome(invited.welcome ?? new Uint8Array(), asked, newcomer.ctx)).rejects.toMatchObject(
      refused('credential_refused'),
    );
    await expect(joinByExternalCommit(invited.groupInfo, newcomer, newcomer.ctx)).rejects.toMatchObject(
      refused('credential_refused'),
    );

    const intruder = await joinByExternalCommit(await groupInfo(first, one.signer), mallory, mallory.ctx);
    await expect(processCommit(first, intruder.commit, one.ctx, accept)).rejects.toMatchObject(refused('credential_refused'));
    expect(await processCommit(second, intruder.commit, lax.ctx, accept)).toMatchObject({
      sender: { kind: 'external', leaf: 2 },
    });

    const renamed = await commit(second, { credential: mallory.credential }, lax.ctx);
    await expect(processCommit(first, renamed.commit, one.ctx, accept)).rejects.toMatchObject(refused('credential_refused'));
  });

  it('passes its own failures on as they are', async () => {
    const one = await newDevice('one', () => Promise.reject(new RangeError('the directory is away')));
    const two = await newDevice('two');
    await expect(commit(await alone(one), { add: [(await two.keyPackage(1)).publicBytes] }, one.ctx)).rejects.toThrow(RangeError);
  });

  it('lets a renewed credential through to everybody', async () => {
    const [one, two] = [await newDevice('one'), await newDevice('two')];
    const { first, second } = await pair(one, two);
    const renewed = await commit(second, { credential: new TextEncoder().encode('two, renewed') }, two.ctx);
    expect(inspectCommit(renewed.commit).path?.signatureKey).toEqual(two.signer.publicKey);
    const seen = await processCommit(first, renewed.commit, one.ctx, accept);
    expect(members(seen.next).map(({ credential }) => nameOf(credential))).toEqual(['one', 'two, renewed']);
    const three = await (await newDevice('three')).keyPackage(1);
    await expect(commit(first, { add: [three.publicBytes], credential: one.credential }, one.ctx)).rejects.toMatchObject(
      refused('misuse'),
    );
  });
});

describe('the policy', () => {
  it('sees the commit and the members before it, and its word counts', async () => {
    const { one, two, first, second } = await trio();
    const made = await commit(first, { remove: [2] }, one.ctx);
    const policy = processCommit(second, made.commit, two.ctx, (inspection, before) => ({
      ok: false,
      reason: `${inspection.removes.join()} of ${before.map(({ credential }) => nameOf(credential)).join()}`,
    }));
    await expect(policy).rejects.toMatchObject({ code: 'policy_refused', message: 'policy_refused: 2 of one,two,three' });
    expect((await processCommit(second, made.commit, two.ctx, accept)).removed).toHaveLength(1);
  });
});

describe('external commits', () => {
  it('may replace a leaf of the same device, nobody else', async () => {
    const { one, two, three, first, second, third, groupInfo: info } = await trio();
    await expect(joinByExternalCommit(info, { credential: two.credential, resyncLeaf: 2 }, two.ctx)).rejects.toMatchObject(
      refused('misuse'),
    );
    const other = await newDevice('two');
    await expect(joinByExternalCommit(info, { credential: other.credential, resyncLeaf: 2 }, other.ctx)).rejects.toMatchObject(
      refused('policy_refused'),
    );
    await expect(joinByExternalCommit(info, { credential: other.credential, resyncLeaf: 9 }, other.ctx)).rejects.toMatchObject(
      refused('not_a_member'),
    );

    const lawless = { ...other.ctx, sameDevice: () => true };
    const evil = await joinByExternalCommit(info, { credential: other.credential, resyncLeaf: 2 }, lawless);
    await expect(processCommit(first, evil.commit, one.ctx, accept)).rejects.toMatchObject(refused('policy_refused'));

    const back = await joinByExternalCommit(info, { credential: other.credential, resyncLeaf: 1 }, other.ctx);
    const seen = await processCommit(third, back.commit, three.ctx, accept);
    expect(seen.removed.map(({ leaf }) => leaf)).toEqual([1]);
    expect(seen.added.map(({ signatureKey }) => hex(signatureKey))).toEqual([hex(other.signer.publicKey)]);
    expect((await processCommit(second, back.commit, two.ctx, accept)).selfRemoved).toBe(true);
    expect(hex(epochAuthenticator(seen.next))).toBe(hex(epochAuthenticator(back.next)));
    const again = await newDevice('four');
    expect(epoch((await joinByExternalCommit(back.groupInfo, again, again.ctx)).next)).toBe(4);
  });
});

describe('wrong things', () => {
  it('have codes', async () => {
    const [one, two] = [await newDevice('one'), await newDevice('two')];
    const { first, second, welcome } = await pair(one, two);
    const elsewhere = await createGroup({
      groupId: new Uint8Array([9]),
      suite: 1,
      credential: one.credential,
      signer: one.signer,
    });
    const { commit: stray } = await commit(elsewhere, {}, one.ctx);
    await expect(processCommit(second, stray, two.ctx, accept)).rejects.toMatchObject(refused('wrong_group'));
    const other = await newDevice('three');
    await expect(joinByWelcome(welcome, await other.keyPackage(1), other.ctx)).rejects.toMatchObject(refused('not_for_us'));
    await expect(joinByWelcome(welcome, await other.keyPackage(83), other.ctx)).rejects.toMatchObject(refused('wrong_suite'));
    await expect(commit(first, { add: [(await other.keyPackage(83)).publicBytes] }, one.ctx)).rejects.toMatchObject(
      refused('wrong_suite'),
    );
    await expect(commit(first, { add: [new Uint8Array(9_000)] }, one.ctx)).rejects.toMatchObject(refused('too_large'));
    const late = { ...one.ctx, nowSeconds: nowSeconds + 4_000 };
    await expect(commit(first, { add: [(await other.keyPackage(1)).publicBytes] }, late)).rejects.toMatchObject(
      refused('expired'),
    );
    await expect(commit(first, { add: [(await two.keyPackage(1)).publicBytes] }, one.ctx)).rejects.toMatchObject(
      refused('invalid'),
    );
    await expect(commit(first, {}, { ...one.ctx, signer: await newSigner() })).rejects.toMatchObject(refused('misuse'));
    await expect(exportSecret(first, label, new Uint8Array(), 0)).rejects.toMatchObject(refused('misuse'));
    expect(() => inspectCommit(welcome)).toThrow(expect.objectContaining(refused('unsupported')));
    expect(() => deserialize(new Uint8Array([9]))).toThrow(expect.objectContaining(refused('unsupported')));
  });
});

it('keeps no signature key in a state', async () => {
  const seed = new Uint8Array(32).fill(5);
  const pkcs8 = Uint8Array.from([...Buffer.from('302e020100300506032b657004220420', 'hex'), ...seed]);
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', key);
  const signer = {
    publicKey: Uint8Array.from(Buffer.from(jwk.x ?? '', 'base64url')),
    sign: async (data: Uint8Array) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, Uint8Array.from(data))),
  };
  const device = await newDevice('one');
  const state = await createGroup({ groupId: new Uint8Array([1]), suite: 1, credential: device.credential, signer });
  const kept = serialize((await commit(state, {}, { ...device.ctx, signer })).next);
  expect(hex(kept)).toContain(hex(signer.publicKey));
  expect(hex(kept)).not.toContain(hex(seed));
});
