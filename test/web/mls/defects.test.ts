/** One test for each defect of stock ts-mls 1.6.4 that patches/ cures. Each fails without its part of the patch. */
import { type ClientState, createGroup, joinGroup, makePskIndex } from 'ts-mls/clientState.js';
import { defaultClientConfig } from 'ts-mls/clientConfig.js';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { createCommit, createGroupInfoWithExternalPubAndRatchetTree } from 'ts-mls/createCommit.js';
import { createApplicationMessage, createProposal } from 'ts-mls/createMessage.js';
import { type CiphersuiteImpl, getCiphersuiteFromName } from 'ts-mls/crypto/ciphersuite.js';
import { getCiphersuiteImpl } from 'ts-mls/crypto/getCiphersuiteImpl.js';
import { deriveSecret } from 'ts-mls/crypto/kdf.js';
import { signWithLabel } from 'ts-mls/crypto/signature.js';
import { defaultCapabilities } from 'ts-mls/defaultCapabilities.js';
import type { Extension } from 'ts-mls/extension.js';
import { proposeExternal } from 'ts-mls/externalProposal.js';
import { encodeExternalSender } from 'ts-mls/externalSender.js';
import { decodeKeyPackage, generateKeyPackageWithKey, type KeyPackage, type PrivateKeyPackage } from 'ts-mls/keyPackage.js';
import { leafNodeTBSEncoder, type LeafNodeUpdate } from 'ts-mls/leafNode.js';
import { defaultLifetime } from 'ts-mls/lifetime.js';
import type { MLSMessage } from 'ts-mls/message.js';
import { getCommitSecret } from 'ts-mls/pathSecrets.js';
import { processMessage } from 'ts-mls/processMessages.js';
import type { Proposal } from 'ts-mls/proposal.js';
import { emptyPskIndex } from 'ts-mls/pskIndex.js';
import { removeLeafNode } from 'ts-mls/ratchetTree.js';
import { encodeRequiredCapabilities } from 'ts-mls/requiredCapabilities.js';
import { toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { bytesToBase64 } from 'ts-mls/util/byteArray.js';
import { beforeAll, describe, expect, it } from 'vitest';

import * as mls from '../../../web/engine/mls/index.ts';
import { accept, type Device, hex, lifetime, newDevice } from './people.ts';

let suite: CiphersuiteImpl;
beforeAll(async () => {
  suite = await getCiphersuiteImpl(getCiphersuiteFromName('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'));
});

interface Person {
  readonly keys: { signKey: Uint8Array; publicKey: Uint8Array };
  readonly publicPackage: KeyPackage;
  readonly privatePackage: PrivateKeyPackage;
}

async function person(name: string): Promise<Person> {
  const keys = await suite.signature.keygen();
  const credential = { credentialType: 'basic' as const, identity: new TextEncoder().encode(name) };
  return { keys, ...(await generateKeyPackageWithKey(credential, defaultCapabilities(), defaultLifetime, [], keys, suite)) };
}

/** Everybody in one group, in the order given; leaf i belongs to person i. */
async function groupOf(people: readonly Person[], groupId: string, extensions: Extension[] = []): Promise<ClientState[]> {
  const [first, ...others] = people;
  if (first === undefined) throw new Error('nobody');
  const alone = await createGroup(
    new TextEncoder().encode(groupId),
    first.publicPackage,
    first.privatePackage,
    extensions,
    suite,
  );
  const add = others.map(({ publicPackage }): Proposal => ({ proposalType: 'add', add: { keyPackage: publicPackage } }));
  const made = await createCommit({ state: alone, cipherSuite: suite }, { extraProposals: add, ratchetTreeExtension: true });
  const { welcome } = made;
  if (welcome === undefined) throw new Error('no welcome');
  const joined = others.map((one) => joinGroup(welcome, one.publicPackage, one.privatePackage, emptyPskIndex, suite));
  return [made.newState, ...(await Promise.all(joined))];
}

function member(states: readonly ClientState[], index: number): ClientState {
  const state = states[index];
  if (state === undefined) throw new Error(`no member ${index}`);
  return state;
}

async function receive(state: ClientState, message: MLSMessage, pskIndex = emptyPskIndex): ReturnType<typeof processMessage> {
  if (message.wireformat !== 'mls_public_message' && message.wireformat !== 'mls_private_message') throw new Error('wire format');
  return processMessage(message, state, pskIndex, () => 'accept', suite);
}

const authenticator = (state: ClientState): string => hex(state.keySchedule.epochAuthenticator);
const required = (): Extension => ({
  extensionType: 'required_capabilities',
  extensionData: encodeRequiredCapabilities({ extensionTypes: [], proposalTypes: [], credentialTypes: ['basic'] }),
});
const contextExtensions = (): Proposal => ({
  proposalType: 'group_context_extensions',
  groupContextExtensions: { extensions: [required()] },
});

describe('defect 1: the unmerged leaves of a tree (RFC 9420 §12.4.3.1)', () => {
  it('a newcomer joins a tree whose ancestors list different unmerged leaves', async () => {
    const devices: Device[] = await Promise.all(Array.from({ length: 9 }, (_, index) => newDevice(`device ${index}`)));
    const [creator, ...rest] = devices;
    if (creator === undefined) throw new Error('nobody');
    let state = await mls.createGroup({
      groupId: new Uint8Array([1]),
      suite: 1,
      credential: creator.credential,
      signer: creator.signer,
    });
    const packages = await Promise.all(rest.map((device) => device.keyPackage(1)));
    const addOne = async (from: mls.GroupState, index: number) => {
      const keyPackage = packages[index - 1];
      const device = devices[index];
      if (keyPackage === undefined || device === undefined) throw new Error('no such device');
      const made = await mls.commit(from, { add: [keyPackage.publicBytes] }, creator.ctx);
      if (made.welcome === null) throw new Error('no welcome');
      return { ...made, joined: await mls.joinByWelcome(made.welcome, keyPackage, device.ctx) };
    };
    let fourth: mls.GroupState | null = null;
    for (let index = 1; index <= 6; index += 1) {
      const made = await addOne(state, index);
      if (fourth !== null) fourth = (await mls.processCommit(fourth, made.commit, creator.ctx, accept)).next;
      if (index === 4) fourth = made.joined;
      state = made.next;
    }
    const other = devices[4];
    if (fourth === null || other === undefined) throw new Error('the fourth is missing');
    // Node 11 over leaves 4–7 is filled by leaf 4; leaf 7 then is unmerged there and at the root, after leaf 0's path only there.
    const filled = await mls.commit(fourth, {}, other.ctx);
    state = (await mls.processCommit(state, filled.commit, creator.ctx, accept)).next;
    state = (await addOne(state, 7)).next;
    state = (await mls.commit(state, {}, creator.ctx)).next;
    const { joined, next } = await addOne(state, 8);
    expect(hex(mls.epochAuthenticator(joined))).toBe(hex(mls.epochAuthenticator(next)));
  });
});

describe('defect 2: who was removed', () => {
  it('a removed member learns it although a newcomer took its slot in the same commit', async () => {
    const people = await Promise.all(['a', 'b', 'c'].map(person));
    const newcomer = await person('d');
    const states = await groupOf(people, 'two');
    const { commit } = await createCommit(
      { state: member(states, 0), cipherSuite: suite },
      {
        extraProposals: [
          { proposalType: 'remove', remove: { removed: 1 } },
          { proposalType: 'add', add: { keyPackage: newcomer.publicPackage } },
        ],
      },
    );
    const seen = await receive(member(states, 1), commit);
    expect(seen.newState.groupActiveState.kind).toBe('removedFromGroup');
  });

  it('a member that an external commit replaces learns it too', async () => {
    const [one, two] = [await newDevice('one'), await newDevice('two')];
    const alone = await mls.createGroup({
      groupId: new Uint8Array([2]),
      suite: 1,
      credential: one.credential,
      signer: one.signer,
    });
    const keyPackage = await two.keyPackage(1);
    const made = await mls.commit(alone, { add: [keyPackage.publicBytes] }, one.ctx);
    if (made.welcome === null) throw new Error('no welcome');
    const old = await mls.joinByWelcome(made.welcome, keyPackage, two.ctx);
    const back = await mls.joinByExternalCommit(made.groupInfo, { credential: two.credential }, two.ctx);
    expect(await mls.processCommit(old, back.commit, two.ctx, accept)).toMatchObject({ selfRemoved: true });
    expect(await mls.processCommit(made.next, back.commit, one.ctx, accept)).toMatchObject({
      selfRemoved: false,
      sender: { leaf: 1 },
    });
  });
});

describe('defect 3: group context extensions (RFC 9420 §12.4)', () => {
  it('beside a remove, the others can follow', async () => {
    const states = await groupOf(await Promise.all(['a', 'b', 'c', 'd'].map(person)), 'three');
    const made = await createCommit(
      { state: member(states, 0), cipherSuite: suite },
      { extraProposals: [contextExtensions(), { proposalType: 'remove', remove: { removed: 1 } }] },
    );
    const seen = await receive(member(states, 2), made.commit);
    expect(authenticator(seen.newState)).toBe(authenticator(made.newState));
    expect(seen.newState.groupContext.extensions).toEqual([required()]);
  });

  it('alone, they carry a path', async () => {
    const states = await groupOf(await Promise.all(['a', 'b'].map(person)), 'three');
    const made = await createCommit(
      { state: member(states, 0), cipherSuite: suite },
      { extraProposals: [contextExtensions()], wireAsPublicMessage: true },
    );
    if (made.commit.wireformat !== 'mls_public_message' || made.commit.publicMessage.content.contentType !== 'commit')
      throw new Error('no commit');
    expect(made.commit.publicMessage.content.commit.path).toBeDefined();
    expect(authenticator((await receive(member(states, 1), made.commit)).newState)).toBe(authenticator(made.newState));
  });
});

describe('defect 4: pre-shared keys in private messages', () => {
  it('processMessage finds them', async () => {
    const states = await groupOf(await Promise.all(['a', 'b'].map(person)), 'four');
    const pskId = new Uint8Array([7, 7]);
    const psks = { [bytesToBase64(pskId)]: new Uint8Array(32).fill(9) };
    const psk: Proposal = {
      proposalType: 'psk',
      psk: { preSharedKeyId: { psktype: 'external', pskId, pskNonce: new Uint8Array(32) } },
    };
    const state = member(states, 0);
    const made = await createCommit(
      { state, cipherSuite: suite, pskIndex: makePskIndex(state, psks) },
      { extraProposals: [psk] },
    );
    expect(made.commit.wireformat).toBe('mls_private_message');
    const seen = await receive(member(states, 1), made.commit, makePskIndex(member(states, 1), psks));
    expect(authenticator(seen.newState)).toBe(authenticator(made.newState));
  });
});

describe('defect 5: who sent an application message', () => {
  it('is in the result, with the authenticated data', async () => {
    const states = await groupOf(await Promise.all(['a', 'b', 'c'].map(person)), 'five');
    const about = new Uint8Array([1, 2, 3]);
    const { privateMessage } = await createApplicationMessage(member(states, 1), new Uint8Array([42]), suite, about);
    const message: MLSMessage = { version: 'mls10', wireformat: 'mls_private_message', privateMessage };
    expect(await receive(member(states, 2), message)).toMatchObject({
      kind: 'applicationMessage',
      message: new Uint8Array([42]),
      senderLeafIndex: 1,
      authenticatedData: about,
    });
  });
});

describe('defect 6: proposals of external senders', () => {
  it('count in the group that they were signed for only', async () => {
    const keys = await suite.signature.keygen();
    const credential = { credentialType: 'basic' as const, identity: new TextEncoder().encode('relay') };
    const senders = {
      extensionType: 'external_senders' as const,
      extensionData: encodeExternalSender({ credential, signaturePublicKey: keys.publicKey }),
    };
    const here = await groupOf(await Promise.all(['a', 'b'].map(person)), 'here', [senders]);
    const there = await groupOf(await Promise.all(['c', 'd'].map(person)), 'there', [senders]);
    const info = await createGroupInfoWithExternalPubAndRatchetTree(member(here, 0), [], suite);
    const removal = await proposeExternal(
      info,
      { proposalType: 'remove', remove: { removed: 1 } },
      keys.publicKey,
      keys.signKey,
      suite,
    );
    expect(Object.keys((await receive(member(here, 0), removal)).newState.unappliedProposals)).toHaveLength(1);
    await expect(receive(member(there, 0), removal)).rejects.toThrow('another group or epoch');
  });
});

describe('defect 7: two leaves with the same key (RFC 9420 §7.3)', () => {
  async function updateOf(
    state: ClientState,
    owner: Person,
    change: Partial<LeafNodeUpdate>,
    signKey: Uint8Array,
  ): Promise<MLSMessage> {
    const { hpkePublicKey } = (await person('fresh')).publicPackage.leafNode;
    const { leafNode } = owner.publicPackage;
    const data = { ...leafNode, hpkePublicKey, leafNodeSource: 'update' as const, extensions: [], ...change };
    const tbs = encode(leafNodeTBSEncoder)({
      ...data,
      groupId: state.groupContext.groupId,
      leafIndex: state.privatePath.leafIndex,
    });
    const signature = await signWithLabel(signKey, 'LeafNodeTBS', tbs, suite.signature);
    const update: Proposal = { proposalType: 'update', update: { leafNode: { ...data, signature } } };
    return (await createProposal(state, true, update, suite)).message;
  }

  it('an update may not take the encryption or signature key of another', async () => {
    const [a, b, c] = [await person('a'), await person('b'), await person('c')];
    const states = await groupOf([a, b, c], 'seven');
    const stolen = a.publicPackage.leafNode;
    const forged = [
      { change: { hpkePublicKey: stolen.hpkePublicKey }, signKey: b.keys.signKey, refusal: 'hpke keys not unique' },
      {
        change: { signaturePublicKey: stolen.signaturePublicKey },
        signKey: a.keys.signKey,
        refusal: 'signature keys not unique',
      },
    ];
    for (const { change, signKey, refusal } of forged) {
      const message = await updateOf(member(states, 1), b, change, signKey);
      const pending = (await receive(member(states, 2), message)).newState;
      await expect(createCommit({ state: pending, cipherSuite: suite })).rejects.toThrow(refusal);
    }
    const honest = await updateOf(member(states, 1), b, {}, b.keys.signKey);
    const pending = (await receive(member(states, 2), honest)).newState;
    expect((await createCommit({ state: pending, cipherSuite: suite })).newState.groupContext.epoch).toBe(2n);
  });

  it('two updates of one commit may not share a key either, but a removed leaf may come back', async () => {
    const [a, b, c] = [await person('a'), await person('b'), await person('c')];
    const states = await groupOf([a, b, c], 'seven');
    const shared = (await person('shared')).publicPackage.leafNode.hpkePublicKey;
    const first = await updateOf(member(states, 1), b, { hpkePublicKey: shared }, b.keys.signKey);
    const second = await updateOf(member(states, 2), c, { hpkePublicKey: shared }, c.keys.signKey);
    const pending = (await receive((await receive(member(states, 0), first)).newState, second)).newState;
    await expect(createCommit({ state: pending, cipherSuite: suite })).rejects.toThrow('hpke keys not unique');

    const again: Proposal[] = [
      { proposalType: 'remove', remove: { removed: 1 } },
      { proposalType: 'add', add: { keyPackage: b.publicPackage } },
    ];
    const back = await createCommit({ state: member(states, 0), cipherSuite: suite }, { extraProposals: again });
    expect(authenticator((await receive(member(states, 2), back.commit)).newState)).toBe(authenticator(back.newState));
  });
});

describe('beyond the list', () => {
  it('the commit secret follows the last node of the filtered path, also under a blank root (RFC 9420 §7.4)', async () => {
    const states = await groupOf(await Promise.all(['a', 'b', 'c'].map(person)), 'eight');
    const rightOnly = removeLeafNode(removeLeafNode(member(states, 0).ratchetTree, toLeafIndex(0)), toLeafIndex(1));
    expect(rightOnly).toHaveLength(7);
    const pathSecret = new Uint8Array(32).fill(1);
    const secret = await getCommitSecret(rightOnly, toNodeIndex(5), pathSecret, suite.kdf);
    expect(hex(secret)).toBe(hex(await deriveSecret(pathSecret, 'path', suite.kdf)));
  });

  it("a group info's external_pub holds a vector, as other implementations expect (RFC 9420 §12.4.3.2)", async () => {
    const one = await person('a');
    const alone = await createGroup(new Uint8Array([10]), one.publicPackage, one.privatePackage, [], suite);
    const info = await createGroupInfoWithExternalPubAndRatchetTree(alone, [], suite);
    const extension = info.extensions.find(({ extensionType }) => extensionType === 'external_pub');
    expect(extension?.extensionData).toHaveLength(33);
    expect(extension?.extensionData[0]).toBe(32);
  });

  it('lifetimes are checked against the clock that is given', async () => {
    const [a, b] = [await person('a'), await newDevice('b')];
    const [state] = await groupOf([a, await person('c')], 'nine');
    const made = await mls.makeKeyPackage({ suite: 1, credential: b.credential, signer: b.signer, lifetime });
    expect(await mls.inspectKeyPackage(made.publicBytes)).toMatchObject({ lifetime });
    const keyPackage = decodeKeyPackage(made.publicBytes, 0)?.[0];
    if (state === undefined || keyPackage === undefined) throw new Error('no package');
    const at = (seconds: number): ClientState => ({
      ...state,
      clientConfig: {
        ...defaultClientConfig,
        lifetimeConfig: { ...defaultClientConfig.lifetimeConfig, now: () => BigInt(seconds) },
      },
    });
    const add: Proposal[] = [{ proposalType: 'add', add: { keyPackage } }];
    await expect(createCommit({ state: at(lifetime.notAfter + 1), cipherSuite: suite }, { extraProposals: add })).rejects.toThrow(
      'not within Lifetime',
    );
    expect(
      (await createCommit({ state: at(lifetime.notAfter), cipherSuite: suite }, { extraProposals: add })).welcome,
    ).toBeDefined();
  });
});
