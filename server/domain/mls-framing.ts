/** Commits as the server reads them: MLSMessage(PublicMessage(Commit)), RFC 9420 §6, §12.4. Pure, bounded, never throws. */
import type { ByteReader } from './byte-reader.ts';
import { read } from './byte-reader.ts';
import { type KeyPackage, type LeafNode, readKeyPackage, readLeafNode, readMessageHead, wireFormat } from './mls-key-package.ts';

export type Proposal =
  | { readonly kind: 'add'; readonly keyPackage: KeyPackage }
  | { readonly kind: 'remove'; readonly leafIndex: number }
  | { readonly kind: 'external_init' };

export interface CommitMessage {
  readonly groupId: Uint8Array<ArrayBuffer>;
  /** Epoch that the commit starts from. */
  readonly epoch: number;
  readonly sender: { readonly kind: 'member'; readonly leafIndex: number } | { readonly kind: 'new_member' };
  readonly proposals: readonly Proposal[];
  /** New leaf of the committer; null without an update path. */
  readonly pathLeaf: LeafNode | null;
}

/** More than membersMax people with all of their devices cannot change in one commit. */
const proposalsMax = 10_000;
const contentCommit = 3;

function readSender(reader: ByteReader): CommitMessage['sender'] {
  const type = reader.uint(1);
  if (type === 1) return { kind: 'member', leafIndex: reader.uint(4) };
  if (type === 4) return { kind: 'new_member' };
  return reader.refuse();
}

/** By value only, and of the kinds that lanying uses: add, remove, external_init (RFC 9420 §12.1). */
function readProposal(reader: ByteReader): Proposal {
  if (reader.uint(1) !== 1) reader.refuse();
  switch (reader.uint(2)) {
    case 1:
      return { kind: 'add', keyPackage: readKeyPackage(reader) };
    case 3:
      return { kind: 'remove', leafIndex: reader.uint(4) };
    case 6:
      reader.skipOpaque();
      return { kind: 'external_init' };
    default:
      return reader.refuse();
  }
}

function readPathLeaf(reader: ByteReader): LeafNode | null {
  const present = reader.uint(1);
  if (present === 0) return null;
  if (present !== 1) reader.refuse();
  const leaf = readLeafNode(reader);
  reader.skipOpaque();
  return leaf.source === 'commit' ? leaf : reader.refuse();
}

export function parseCommit(bytes: Uint8Array): CommitMessage | null {
  return read(bytes, (reader) => {
    readMessageHead(reader, wireFormat.publicMessage);
    const groupId = reader.opaque();
    const epoch = reader.uint64();
    const sender = readSender(reader);
    reader.skipOpaque();
    if (reader.uint(1) !== contentCommit) reader.refuse();
    const proposals = reader.vector(proposalsMax, readProposal);
    const pathLeaf = readPathLeaf(reader);
    // Signature and confirmation tag, and for members the membership tag.
    reader.skipOpaque();
    reader.skipOpaque();
    if (sender.kind === 'member') reader.skipOpaque();
    return { groupId, epoch, sender, proposals, pathLeaf };
  });
}

export interface GroupInfoHead {
  readonly suite: number;
  readonly groupId: Uint8Array<ArrayBuffer>;
  readonly epoch: number;
}

/** Start of the group context in MLSMessage(GroupInfo) (RFC 9420 §8.1, §12.4.3); the rest is the members' to check. */
export function parseGroupInfoHead(bytes: Uint8Array): GroupInfoHead | null {
  return read(bytes, (reader) => {
    readMessageHead(reader, wireFormat.groupInfo);
    if (reader.uint(2) !== 1) reader.refuse();
    const head = { suite: reader.uint(2), groupId: reader.opaque(), epoch: reader.uint64() };
    reader.skip(reader.bytes.length - reader.at);
    return head;
  });
}

/** Cipher suite of MLSMessage(Welcome) (RFC 9420 §12.4.3.1). */
export function parseWelcomeSuite(bytes: Uint8Array): number | null {
  return read(bytes, (reader) => {
    readMessageHead(reader, wireFormat.welcome);
    const suite = reader.uint(2);
    reader.skipOpaque();
    reader.skipOpaque();
    return suite;
  });
}
