/** Reading and following the commits of others. */
import { commitBytesMax } from '#protocol/limits.ts';

import { copyBytes, equalBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import {
  cipherSuite,
  decodeMessage,
  emptyPskIndex,
  identityOf,
  leafAt,
  openGate,
  processPublicMessage,
  type Proposal,
  type PublicMessage,
} from './library.ts';
import { checkCommitShape } from './rules.ts';
import { GroupState, members, membersOfTree, suite } from './state.ts';
import type {
  CommitInspection,
  CommitPolicy,
  CommitSender,
  LeafIdentity,
  Member,
  ProcessedCommit,
  ReadContext,
} from './types.ts';

/**
 * Reads a commit without verifying anything. Throws `too_large`, `malformed`, `unsupported` (not a public commit of a
 * member or external joiner), `credential_refused` (a leaf without a basic credential).
 */
export function inspectCommit(bytes: Uint8Array): CommitInspection {
  return inspect(decodeMessage('mls_public_message', bytes, commitBytesMax).publicMessage);
}

function inspect(message: PublicMessage): CommitInspection {
  const { content } = message;
  if (content.contentType !== 'commit') throw new MlsError('unsupported', `${content.contentType}, not a commit`);
  if (content.epoch >= BigInt(Number.MAX_SAFE_INTEGER)) throw new MlsError('malformed', 'epoch');
  const sender = senderOf(content.sender);
  const adds: LeafIdentity[] = [];
  const removes: number[] = [];
  const others: string[] = [];
  let externalInits = 0;
  for (const item of content.commit.proposals) {
    if (item.proposalOrRefType === 'reference') others.push('reference');
    else if (isAdd(item.proposal)) adds.push(identityOf(item.proposal.add.keyPackage.leafNode));
    else if (isRemove(item.proposal)) removes.push(item.proposal.remove.removed);
    else if (item.proposal.proposalType === 'external_init' && sender.kind === 'external' && externalInits === 0)
      externalInits += 1;
    else others.push(String(item.proposal.proposalType));
  }
  if (sender.kind === 'external' && externalInits === 0)
    throw new MlsError('invalid', 'an external commit without external_init');
  const path = content.commit.path === undefined ? null : identityOf(content.commit.path.leafNode);
  return { groupId: copyBytes(content.groupId), epoch: Number(content.epoch), sender, adds, removes, path, others };
}

function senderOf(sender: PublicMessage['content']['sender']): CommitSender {
  if (sender.senderType === 'member') return { kind: 'member', leaf: sender.leafIndex };
  if (sender.senderType === 'new_member_commit') return { kind: 'external' };
  throw new MlsError('unsupported', `sender ${sender.senderType}`);
}

function isAdd(proposal: Proposal): proposal is Extract<Proposal, { proposalType: 'add' }> {
  return proposal.proposalType === 'add';
}

function isRemove(proposal: Proposal): proposal is Extract<Proposal, { proposalType: 'remove' }> {
  return proposal.proposalType === 'remove';
}

/**
 * Follows a commit of somebody else into the next epoch. First its shape and the caller's policy, then signature, tags,
 * every entering leaf and the tree. Errors: as `inspectCommit`, and `removed`, `wrong_group`, `wrong_epoch`,
 * `not_a_member`, `invalid`, `policy_refused`, `credential_refused`, `crypto_failed`.
 */
export async function processCommit(
  state: GroupState,
  bytes: Uint8Array,
  ctx: ReadContext,
  policy: CommitPolicy,
): Promise<ProcessedCommit> {
  const before = GroupState.openActive(state);
  const message = decodeMessage('mls_public_message', bytes, commitBytesMax).publicMessage;
  const inspection = inspect(message);
  if (!equalBytes(inspection.groupId, before.groupContext.groupId)) throw new MlsError('wrong_group', 'commit');
  if (BigInt(inspection.epoch) !== before.groupContext.epoch)
    throw new MlsError('wrong_epoch', `commit of epoch ${inspection.epoch}`);
  const membersBefore = members(state);
  checkCommitShape(inspection, membersBefore, ctx.sameDevice);
  const verdict = await policy(inspection, membersBefore);
  if (!verdict.ok) throw new MlsError('policy_refused', verdict.reason);
  const library = await cipherSuite(suite(state), null);
  const gate = openGate(ctx.checkCredential, 0);
  const { newState } = await gate.attempt(() =>
    processPublicMessage({ ...before, clientConfig: gate.config }, message, emptyPskIndex, library),
  );
  return outcome(GroupState.seal(newState), message, inspection, membersBefore);
}

function outcome(
  next: GroupState,
  message: PublicMessage,
  inspection: CommitInspection,
  membersBefore: readonly Member[],
): ProcessedCommit {
  const inside = GroupState.open(next);
  const selfRemoved = inside.groupActiveState.kind === 'removedFromGroup';
  const removed = membersBefore.filter(({ leaf }) => inspection.removes.includes(leaf));
  // Who was removed does not follow the path, so an external joiner's leaf is not in its last tree.
  const keys = selfRemoved && inspection.sender.kind === 'external' ? [] : enteringKeys(message);
  const added = membersOfTree(inside.ratchetTree).filter(({ leaf }) => {
    const key = leafAt(inside.ratchetTree, leaf)?.hpkePublicKey;
    return key !== undefined && keys.some((entering) => equalBytes(entering, key));
  });
  if (added.length !== keys.length) throw new MlsError('invalid', 'an added leaf is not in the tree');
  const sender =
    inspection.sender.kind === 'member'
      ? inspection.sender
      : { kind: 'external' as const, leaf: added[0]?.leaf ?? null };
  return { next, sender, added, removed, selfRemoved };
}

/** Encryption keys of the leaves that a commit brings into the tree. */
function enteringKeys({ content }: PublicMessage): Uint8Array[] {
  if (content.contentType !== 'commit') return [];
  if (content.sender.senderType !== 'member')
    return content.commit.path === undefined ? [] : [content.commit.path.leafNode.hpkePublicKey];
  return content.commit.proposals.flatMap((item) =>
    item.proposalOrRefType === 'proposal' && isAdd(item.proposal)
      ? [item.proposal.add.keyPackage.leafNode.hpkePublicKey]
      : [],
  );
}
