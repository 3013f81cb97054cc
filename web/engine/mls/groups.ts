/** Starting, joining and changing groups. */
import { groupInfoBytesMax, welcomeBytesMax } from '#protocol/limits.ts';

import { copyBytes, equalBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import { generateBundle, lifetimeOf, parseKeyPackage, parseKeyPackageSecrets } from './key-packages.ts';
import {
  cipherSuite,
  type CiphersuiteImpl,
  createCommit,
  createGroupInfoWithExternalPubAndRatchetTree,
  decodeMessage,
  decryptGroupInfo,
  decryptGroupSecrets,
  emptyPskIndex,
  encodeMlsMessage,
  type GroupInfo,
  joinGroup,
  joinGroupExternal,
  type KeyPackage,
  leafAt,
  type LibraryState,
  makeKeyPackageRef,
  openGate,
  type PrivateKeyPackage,
  type Proposal,
  ratchetTreeFromExtension,
  type RatchetTree,
  startGroup,
  suiteOf,
  type Welcome,
} from './library.ts';
import { leavesMax } from './rules.ts';
import { GroupState, membersOfTree, suite } from './state.ts';
import type {
  Changes,
  CommitBundle,
  DeviceSigner,
  KeyPackagePair,
  MemberCommitBundle,
  ReadContext,
  SuiteId,
  WriteContext,
} from './types.ts';

/** X-Wing while a group starts with at most this many leaves: beyond, its commits grow past 128 KB. */
const postQuantumLeavesMax = 32;

/** The suite for a group that starts with so many leaves (devices). */
export function suiteForMembers(leaves: number): SuiteId {
  return leaves <= postQuantumLeavesMax ? 83 : 1;
}

/** A group of this device alone, epoch 0. */
export async function createGroup(request: {
  readonly groupId: Uint8Array;
  readonly suite: SuiteId;
  readonly credential: Uint8Array;
  readonly signer: DeviceSigner;
}): Promise<GroupState> {
  const library = await cipherSuite(request.suite, request.signer);
  const { publicPackage, privatePackage } = await generateBundle({ ...request, lifetime: ownLeafLifetime }, library);
  return GroupState.seal(await startGroup(copyBytes(request.groupId), publicPackage, privatePackage, [], library));
}

/** A leaf that its owner puts into the tree itself is never judged by age. */
const ownLeafLifetime = { notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER };

/** MLSMessage(GroupInfo) of the state's epoch, with ratchet_tree and external_pub: what an external commit starts from. */
export async function groupInfo(state: GroupState, signer: DeviceSigner): Promise<Uint8Array> {
  const inside = GroupState.openActive(state);
  requireOwnKey(inside, signer);
  return encodeGroupInfoOf(inside, await cipherSuite(suite(state), signer));
}

async function encodeGroupInfoOf(inside: LibraryState, library: CiphersuiteImpl): Promise<Uint8Array> {
  const gate = openGate(() => Promise.resolve(false), 0);
  const info = await createGroupInfoWithExternalPubAndRatchetTree(
    { ...inside, clientConfig: gate.config },
    [],
    library,
  );
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo: info });
}

function requireOwnKey(inside: LibraryState, signer: DeviceSigner): void {
  const own = leafAt(inside.ratchetTree, inside.privatePath.leafIndex);
  if (own === null || !equalBytes(own.signaturePublicKey, signer.publicKey)) {
    throw new MlsError('misuse', "the signer is not this leaf's");
  }
}

/**
 * Adds, removes, or neither (then every key of one's own path is renewed). Adds alone carry no path and heal nothing.
 * Errors: `removed`, `misuse`, `not_a_member`, `too_large`, `wrong_suite`, `expired`, `credential_refused`, `invalid`, `crypto_failed`.
 */
export async function commit(state: GroupState, changes: Changes, ctx: WriteContext): Promise<MemberCommitBundle> {
  const inside = GroupState.openActive(state);
  requireOwnKey(inside, ctx.signer);
  const proposals = [
    ...removalsOf(inside, changes.remove ?? []),
    ...additionsOf(inside, changes.add ?? [], ctx.nowSeconds),
  ];
  const library = await cipherSuite(suite(state), ctx.signer);
  const gate = openGate(ctx.checkCredential, ctx.nowSeconds);
  return gate.attempt(async () => {
    const from = changes.credential === undefined ? inside : await withCredential(inside, changes, ctx);
    const {
      newState,
      welcome,
      commit: message,
    } = await createCommit(
      { state: { ...from, clientConfig: gate.config }, cipherSuite: library, pskIndex: emptyPskIndex },
      { wireAsPublicMessage: true, extraProposals: proposals, ratchetTreeExtension: true },
    );
    return {
      commit: encodeMlsMessage(message),
      welcome:
        welcome === undefined ? null : encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
      groupInfo: await encodeGroupInfoOf(newState, library),
      next: GroupState.seal(newState),
    };
  });
}

function removalsOf(inside: LibraryState, leaves: readonly number[]): Proposal[] {
  if (new Set(leaves).size !== leaves.length) throw new MlsError('misuse', 'a leaf is removed twice');
  return leaves.map((removed) => {
    if (leafAt(inside.ratchetTree, removed) === null) throw new MlsError('not_a_member', `leaf ${removed} is blank`);
    if (removed === inside.privatePath.leafIndex) throw new MlsError('misuse', 'nobody removes their own leaf');
    return { proposalType: 'remove', remove: { removed } };
  });
}

function additionsOf(inside: LibraryState, packages: readonly Uint8Array[], nowSeconds: number): Proposal[] {
  const occupied = membersOfTree(inside.ratchetTree).length;
  if (occupied + packages.length > leavesMax) throw new MlsError('too_large', 'more leaves than a group may have');
  return packages.map((bytes) => {
    const keyPackage = parseKeyPackage(bytes);
    if (keyPackage.cipherSuite !== inside.groupContext.cipherSuite) throw new MlsError('wrong_suite', 'key package');
    const { notBefore, notAfter } = lifetimeOf(keyPackage);
    if (nowSeconds < notBefore || nowSeconds > notAfter) throw new MlsError('expired', 'key package');
    return { proposalType: 'add', add: { keyPackage } };
  });
}

/** The own leaf with a renewed credential; the update path then carries it to everybody. */
async function withCredential(inside: LibraryState, changes: Changes, ctx: WriteContext): Promise<LibraryState> {
  const identity = copyBytes(changes.credential ?? new Uint8Array());
  const addsAlone = (changes.add ?? []).length > 0 && (changes.remove ?? []).length === 0;
  if (addsAlone) throw new MlsError('misuse', 'adds alone carry no path for a renewed credential');
  if (!(await ctx.checkCredential(identity, ctx.signer.publicKey)))
    throw new MlsError('credential_refused', 'own credential');
  const leafIndex = inside.privatePath.leafIndex;
  const own = leafAt(inside.ratchetTree, leafIndex);
  if (own === null) throw new MlsError('not_a_member', 'own leaf');
  const ratchetTree = inside.ratchetTree.with(leafIndex * 2, {
    nodeType: 'leaf',
    leaf: { ...own, credential: { credentialType: 'basic', identity } },
  });
  return { ...inside, ratchetTree };
}

/** References of the key packages that a welcome lets in. Throws `too_large`, `malformed`, `unsupported`. */
export function welcomeRecipients(welcome: Uint8Array): Uint8Array[] {
  const { secrets } = decodeMessage('mls_welcome', welcome, welcomeBytesMax).welcome;
  return secrets.map(({ newMember }) => copyBytes(newMember));
}

/**
 * Enters the group that a welcome leads into; every leaf of its tree passes the credential check. Who may invite whom is
 * for the caller to judge from `members` and `groupId` before keeping the state.
 * Errors: `too_large`, `malformed`, `unsupported`, `not_for_us`, `wrong_suite`, `credential_refused`, `invalid`, `crypto_failed`.
 */
export async function joinByWelcome(
  welcome: Uint8Array,
  keyPackage: KeyPackagePair,
  ctx: ReadContext,
): Promise<GroupState> {
  const message = decodeMessage('mls_welcome', welcome, welcomeBytesMax).welcome;
  const publicPackage = parseKeyPackage(keyPackage.publicBytes);
  const privatePackage = parseKeyPackageSecrets(keyPackage.privateBytes);
  if (message.cipherSuite !== publicPackage.cipherSuite) throw new MlsError('wrong_suite', 'welcome');
  const library = await cipherSuite(suiteOf(message.cipherSuite), null);
  const gate = openGate(ctx.checkCredential, 0);
  return gate.attempt(async () => {
    await checkWelcome(message, publicPackage, privatePackage, library);
    const joined = await joinGroup(
      message,
      publicPackage,
      privatePackage,
      emptyPskIndex,
      library,
      undefined,
      undefined,
      gate.config,
    );
    return GroupState.seal(joined);
  });
}

/** Opens a welcome as far as needed to bound the work before the tree is hashed. */
async function checkWelcome(
  welcome: Welcome,
  publicPackage: KeyPackage,
  privatePackage: PrivateKeyPackage,
  library: CiphersuiteImpl,
): Promise<void> {
  const reference = await makeKeyPackageRef(publicPackage, library.hash);
  if (!welcome.secrets.some(({ newMember }) => equalBytes(newMember, reference)))
    throw new MlsError('not_for_us', 'welcome');
  const initKey = await library.hpke.importPrivateKey(privatePackage.initPrivateKey);
  const secrets = await decryptGroupSecrets(initKey, reference, welcome, library.hpke);
  if (secrets === undefined) throw new MlsError('malformed', 'group secrets');
  if (secrets.psks.length > 0) throw new MlsError('unsupported', 'pre-shared keys');
  const info = await decryptGroupInfo(welcome, secrets.joinerSecret, new Uint8Array(library.kdf.size), library);
  if (info === undefined) throw new MlsError('malformed', 'group info');
  boundedTree(info);
}

/** The tree inside a group info. Throws `unsupported` where it is missing, `too_large`. */
function boundedTree(info: GroupInfo): RatchetTree {
  if (info.groupContext.epoch >= BigInt(Number.MAX_SAFE_INTEGER)) throw new MlsError('unsupported', 'epoch');
  const tree = ratchetTreeFromExtension(info);
  if (tree === undefined) throw new MlsError('unsupported', 'a group info without a ratchet tree');
  if (tree.length > leavesMax * 2) throw new MlsError('too_large', 'more leaves than a group may have');
  return tree;
}

/**
 * Enters a group on one's own by an external commit (RFC 9420 §12.4.3.2). An old leaf with the same signature key is
 * replaced; `resyncLeaf` names an old leaf of the same device under another key, and must pass `sameDevice`.
 * Errors: as `joinByWelcome`, and `misuse`, `not_a_member`, `policy_refused`.
 */
export async function joinByExternalCommit(
  groupInfoBytes: Uint8Array,
  own: { readonly credential: Uint8Array; readonly resyncLeaf?: number },
  ctx: WriteContext,
): Promise<CommitBundle> {
  const info = decodeMessage('mls_group_info', groupInfoBytes, groupInfoBytesMax).groupInfo;
  const suiteId = suiteOf(info.groupContext.cipherSuite);
  const library = await cipherSuite(suiteId, ctx.signer);
  return openGate(ctx.checkCredential, ctx.nowSeconds).attempt(async () => {
    const target = replacedLeaf(boundedTree(info), own, ctx);
    // The library looks for the leaf to replace by comparison, and never ends where none compares equal.
    const gate = openGate(ctx.checkCredential, ctx.nowSeconds, {
      compareKeyPackageToLeafNode: (_own, leaf) => target !== null && equalBytes(leaf.hpkePublicKey, target),
    });
    const bundle = await generateBundle(
      { ...own, suite: suiteId, signer: ctx.signer, lifetime: ownLeafLifetime },
      library,
    );
    const joined = await gate.attempt(() =>
      joinGroupExternal(
        info,
        bundle.publicPackage,
        bundle.privatePackage,
        target !== null,
        library,
        undefined,
        gate.config,
      ),
    );
    return {
      commit: encodeMlsMessage({
        version: 'mls10',
        wireformat: 'mls_public_message',
        publicMessage: joined.publicMessage,
      }),
      groupInfo: await encodeGroupInfoOf(joined.newState, library),
      next: GroupState.seal(joined.newState),
    };
  });
}

/** The encryption key of the leaf that the external commit replaces, or null for none. */
function replacedLeaf(
  tree: RatchetTree,
  own: { readonly credential: Uint8Array; readonly resyncLeaf?: number },
  ctx: WriteContext,
): Uint8Array | null {
  const present = membersOfTree(tree);
  const sameKey = present.find(({ signatureKey }) => equalBytes(signatureKey, ctx.signer.publicKey));
  const chosen = own.resyncLeaf ?? sameKey?.leaf;
  if (chosen === undefined) return null;
  if (sameKey !== undefined && sameKey.leaf !== chosen)
    throw new MlsError('misuse', `own key is at leaf ${sameKey.leaf}`);
  const old = present.find(({ leaf }) => leaf === chosen);
  if (old === undefined) throw new MlsError('not_a_member', `leaf ${chosen} is blank`);
  if (!ctx.sameDevice(old.credential, own.credential)) throw new MlsError('policy_refused', "another device's leaf");
  return leafAt(tree, chosen)?.hpkePublicKey ?? null;
}
