import fc from 'fast-check';
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from 'ts-mls/message.js';
import type { Proposal } from 'ts-mls/proposal.js';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { signGroupInfo } from 'ts-mls/groupInfo.js';
import { beforeAll, describe, expect, it } from 'vitest';

import {
  commit,
  type CommitBundle,
  createGroup,
  deserialize,
  epochAuthenticator,
  type GroupState,
  inspectCommit,
  inspectKeyPackage,
  joinByExternalCommit,
  joinByWelcome,
  type MadeKeyPackage,
  MlsError,
  processCommit,
  serialize,
  welcomeRecipients,
} from '../../../web/engine/mls/index.ts';
import { accept, type Device, hex, newDevice } from './people.ts';

let one: Device;
let two: Device;
let joiner: Device;
let first: GroupState;
let second: GroupState;
let keyPackage: MadeKeyPackage;
let spare: MadeKeyPackage;
let welcome: Uint8Array;
let update: Uint8Array;
let external: CommitBundle;
let info: Uint8Array;

beforeAll(async () => {
  [one, two, joiner] = [await newDevice('one'), await newDevice('two'), await newDevice('three')];
  keyPackage = await two.keyPackage(1);
  spare = await joiner.keyPackage(1);
  const alone = await createGroup({
    groupId: new Uint8Array([1, 2, 3]),
    suite: 1,
    credential: one.credential,
    signer: one.signer,
  });
  const made = await commit(alone, { add: [keyPackage.publicBytes] }, one.ctx);
  welcome = made.welcome ?? new Uint8Array();
  info = made.groupInfo;
  first = made.next;
  second = await joinByWelcome(welcome, keyPackage, two.ctx);
  update = (await commit(second, {}, two.ctx)).commit;
  external = await joinByExternalCommit(info, joiner, joiner.ctx);
});

interface Entry {
  readonly name: string;
  readonly valid: () => Uint8Array;
  readonly enter: (bytes: Uint8Array) => unknown;
  /** True where signatures and tags cover every byte; parsers verify nothing, and our own store is sealed by its keeper. */
  readonly covered: boolean;
}

const entries: Entry[] = [
  { name: 'inspectCommit', covered: false, valid: () => update, enter: inspectCommit },
  {
    name: 'processCommit, of a member',
    covered: true,
    valid: () => update,
    enter: (bytes) => processCommit(first, bytes, one.ctx, accept),
  },
  {
    name: 'processCommit, from outside',
    covered: true,
    valid: () => external.commit,
    enter: (bytes) => processCommit(first, bytes, one.ctx, accept),
  },
  { name: 'inspectKeyPackage', covered: false, valid: () => keyPackage.publicBytes, enter: inspectKeyPackage },
  {
    name: 'commit, a key package',
    covered: true,
    valid: () => spare.publicBytes,
    enter: (bytes) => commit(first, { add: [bytes] }, one.ctx),
  },
  { name: 'welcomeRecipients', covered: false, valid: () => welcome, enter: welcomeRecipients },
  { name: 'joinByWelcome', covered: true, valid: () => welcome, enter: (bytes) => joinByWelcome(bytes, keyPackage, two.ctx) },
  {
    name: 'joinByWelcome, own secrets',
    covered: false,
    valid: () => keyPackage.privateBytes,
    enter: (bytes) => joinByWelcome(welcome, { ...keyPackage, privateBytes: bytes }, two.ctx),
  },
  {
    name: 'joinByExternalCommit',
    covered: true,
    valid: () => info,
    enter: (bytes) => joinByExternalCommit(bytes, joiner, joiner.ctx),
  },
  { name: 'deserialize', covered: false, valid: () => serialize(first), enter: deserialize },
];

/** Either a result or an MlsError; anything else fails. */
async function entered(enter: Entry['enter'], bytes: Uint8Array): Promise<'passed' | MlsError> {
  try {
    await enter(bytes);
    return 'passed';
  } catch (error) {
    if (error instanceof MlsError) return error;
    throw error;
  }
}

type Damage =
  { kind: 'flip'; at: number; bit: number } | { kind: 'cut'; at: number } | { kind: 'splice'; at: number; bytes: Uint8Array };
const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at: position, bit: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: position }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('splice' as const),
      at: position,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    }),
  },
);

function damaged(valid: Uint8Array, how: Damage): Uint8Array {
  const at = Math.floor(how.at * valid.length);
  if (how.kind === 'cut') return valid.slice(0, at);
  const copy = Uint8Array.from(valid);
  if (how.kind === 'flip') copy[at] = (copy[at] ?? 0) ^ (1 << how.bit);
  else copy.set(how.bytes.subarray(0, copy.length - at), at);
  return copy;
}

describe.each(entries)('$name', ({ valid, enter, covered }) => {
  it('takes what is valid', async () => {
    expect(await entered(enter, valid())).toBe('passed');
  });

  it('answers random bytes with a typed error', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect(await entered(enter, bytes)).toBeInstanceOf(MlsError);
      }),
      { numRuns: 200 },
    );
  });

  it('answers damaged bytes with a typed error and leaves the states as they were', { timeout: 60_000 }, async () => {
    const before = [hex(serialize(first)), hex(serialize(second))];
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const bytes = damaged(valid(), how);
        const result = await entered(enter, bytes);
        if (covered && hex(bytes) !== hex(valid())) expect(result).toBeInstanceOf(MlsError);
      }),
      { numRuns: 200 },
    );
    expect([hex(serialize(first)), hex(serialize(second))]).toEqual(before);
    const seen = await processCommit(first, update, one.ctx, accept);
    expect(hex(epochAuthenticator(seen.next))).not.toBe(hex(epochAuthenticator(first)));
  });
});

describe('well-formed messages that the library would never end on', () => {
  function rewritten(bytes: Uint8Array, change: (message: MLSMessage) => MLSMessage): Uint8Array {
    const message = decodeMlsMessage(bytes, 0)?.[0];
    if (message === undefined) throw new Error('not an MLSMessage');
    return encodeMlsMessage(change(message));
  }

  it.each([5, 1_000_000, 4_294_967_295])('an external commit that removes leaf %i', async (removed) => {
    const remove: Proposal = { proposalType: 'remove', remove: { removed } };
    const forged = rewritten(external.commit, (message) => {
      if (message.wireformat !== 'mls_public_message' || message.publicMessage.content.contentType !== 'commit')
        throw new Error('no commit');
      const { content } = message.publicMessage;
      const proposals = [...content.commit.proposals, { proposalOrRefType: 'proposal' as const, proposal: remove }];
      return {
        ...message,
        publicMessage: { ...message.publicMessage, content: { ...content, commit: { ...content.commit, proposals } } },
      };
    });
    await expect(processCommit(first, forged, one.ctx, accept)).rejects.toMatchObject({ code: 'not_a_member' });
  });

  it.each([2, 5, 1_000_000])('a signed tree with leaf %i among the unmerged ones', async (unmerged) => {
    const made = await commit(first, {}, one.ctx);
    const message = decodeMlsMessage(made.groupInfo, 0)?.[0];
    if (message?.wireformat !== 'mls_group_info') throw new Error('no group info');
    const extensions = message.groupInfo.extensions.map((extension) => {
      if (extension.extensionType !== 'ratchet_tree') return extension;
      const tree = decodeRatchetTree(extension.extensionData, 0)?.[0] ?? [];
      const root = tree[1];
      if (root?.nodeType !== 'parent') throw new Error('the root is blank');
      tree[1] = { nodeType: 'parent', parent: { ...root.parent, unmergedLeaves: [unmerged] } };
      return { ...extension, extensionData: encodeRatchetTree(tree) };
    });
    const signature = {
      sign: (_key: Uint8Array, data: Uint8Array) => one.signer.sign(data),
      verify: async () => true,
      keygen: () => Promise.reject(new Error('no')),
    };
    const groupInfo = await signGroupInfo({ ...message.groupInfo, extensions }, new Uint8Array(), signature);
    const forged = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo });
    await expect(joinByExternalCommit(forged, joiner, joiner.ctx)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('a tree of 900,000 blank nodes', async () => {
    const message = decodeMlsMessage(info, 0)?.[0];
    if (message?.wireformat !== 'mls_group_info') throw new Error('no group info');
    const extensions = message.groupInfo.extensions.map((extension) => {
      if (extension.extensionType !== 'ratchet_tree') return extension;
      const blanks = new Uint8Array(900_000);
      const nodes = extension.extensionData.subarray(2);
      const extensionData = new Uint8Array(4 + nodes.length + blanks.length + nodes.length);
      new DataView(extensionData.buffer).setUint32(0, (2 << 30) | (extensionData.length - 4));
      extensionData.set(nodes, 4);
      extensionData.set(nodes, 4 + nodes.length + blanks.length);
      return { ...extension, extensionData };
    });
    const forged = encodeMlsMessage({ ...message, groupInfo: { ...message.groupInfo, extensions } });
    await expect(joinByExternalCommit(forged, joiner, joiner.ctx)).rejects.toMatchObject({ code: 'too_large' });
  });
});
