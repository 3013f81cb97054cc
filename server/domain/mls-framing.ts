/** Commits as the server reads them: MLSMessage(PublicMessage(Commit)), RFC 9420 §6, §12.4. Pure, bounded, never throws. */
import type { ByteReader } from './byte-reader.ts';
import { read } from './byte-reader.ts';
import { joinBytes } from './digests.ts';
import { type KeyPackage, type LeafNode, readKeyPackage, readLeafNode, readMessageHead, verifyWithLabel, wireFormat } from './mls-key-package.ts';

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
  /** Start of FramedContentTBS: version, wire format and content, without the group context that follows (RFC 9420 §6.1). */
  readonly signedPart: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
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
    const signedPart = new Uint8Array(reader.bytes.slice(0, reader.at));
    const signature = reader.opaque();
    // Confirmation tag, and for members the membership tag: both need secrets of the group.
    reader.skipOpaque();
    if (sender.kind === 'member') reader.skipOpaque();
    return { groupId, epoch, sender, proposals, pathLeaf, signedPart, signature };
  });
}

export interface GroupInfo {
  readonly suite: number;
  readonly groupId: Uint8Array<ArrayBuffer>;
  readonly epoch: number;
  /** The group context as it is signed (RFC 9420 §8.1). */
  readonly context: Uint8Array<ArrayBuffer>;
  /** GroupInfoTBS (RFC 9420 §12.4.3). */
  readonly signedPart: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** MLSMessage(GroupInfo) (RFC 9420 §8.1, §12.4.3); what its tree and hashes say is the members' to check. */
export function parseGroupInfo(bytes: Uint8Array): GroupInfo | null {
  return read(bytes, (reader) => {
    readMessageHead(reader, wireFormat.groupInfo);
    const start = reader.at;
    if (reader.uint(2) !== 1) reader.refuse();
    const head = { suite: reader.uint(2), groupId: reader.opaque(), epoch: reader.uint64() };
    // Tree hash, confirmed transcript hash, extensions of the context.
    for (let field = 0; field < 3; field += 1) reader.skipOpaque();
    const context = new Uint8Array(reader.bytes.slice(start, reader.at));
    // Extensions, confirmation tag, signer.
    reader.skipOpaque();
    reader.skipOpaque();
    reader.skip(4);
    const signedPart = new Uint8Array(reader.bytes.slice(start, reader.at));
    return { ...head, context, signedPart, signature: reader.opaque() };
  });
}

/** Whether this device signed the commit, for the group as that context says it is. */
export const isCommitSigned = ({ signedPart, signature }: CommitMessage, context: Uint8Array, deviceKey: Uint8Array): boolean =>
  verifyWithLabel(deviceKey, 'FramedContentTBS', joinBytes(signedPart, context), signature);

export const isGroupInfoSigned = ({ signedPart, signature }: GroupInfo, deviceKey: Uint8Array): boolean =>
  verifyWithLabel(deviceKey, 'GroupInfoTBS', signedPart, signature);

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
