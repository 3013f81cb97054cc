import type { GroupState } from './state.ts';

/** MLS cipher suites in use: 1 = X25519/AES-128-GCM (RFC 9420 §17.1), 83 = X-Wing/AES-256-GCM (a private number). */
export type SuiteId = 1 | 83;

/** The device's Ed25519 key (WebCrypto, not extractable): 32-byte public key, 64-byte signatures. */
export interface DeviceSigner {
  readonly publicKey: Uint8Array;
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Says whether a credential's identity bytes (the device certificate) vouch for a signature key.
 * Asked for every leaf that enters: key packages, the tree of a welcome or group info, update paths.
 */
export type CredentialCheck = (credential: Uint8Array, signatureKey: Uint8Array) => Promise<boolean>;

/** Who a leaf claims to be: basic credential identity (RFC 9420 §5.3) and its Ed25519 key. */
export interface LeafIdentity {
  readonly credential: Uint8Array;
  readonly signatureKey: Uint8Array;
}

export interface Member extends LeafIdentity {
  /** Leaf index, from 0; a slot is used again after its owner left. */
  readonly leaf: number;
}

/** What checks need to know of the world. */
export interface ReadContext {
  readonly checkCredential: CredentialCheck;
  /** Whether two credentials are of the same device: only then may an external commit remove a leaf. */
  readonly sameDevice: (one: Uint8Array, other: Uint8Array) => boolean;
}

/** What an operation that signs needs. */
export interface WriteContext extends ReadContext {
  readonly signer: DeviceSigner;
  /** Seconds since 1970, from the runtime's clock; key packages are checked against it. */
  readonly nowSeconds: number;
}

export interface KeyPackageRequest {
  readonly suite: SuiteId;
  readonly credential: Uint8Array;
  readonly signer: DeviceSigner;
  /** Seconds since 1970, both inclusive. */
  readonly lifetime: { readonly notBefore: number; readonly notAfter: number };
  /** May be handed out more than once: used when the one-time packages are exhausted, then rotated. */
  readonly lastResort?: boolean;
}

export interface KeyPackagePair {
  /** A bare `KeyPackage` (RFC 9420 §10), not wrapped into an MLSMessage. */
  readonly publicBytes: Uint8Array;
  /** HPKE init and leaf private keys in our own format; the signature key is not in it. Secret. */
  readonly privateBytes: Uint8Array;
}

export interface MadeKeyPackage extends KeyPackagePair {
  /** KeyPackageRef (RFC 9420 §5.2), 32 or 64 bytes by suite. */
  readonly reference: Uint8Array;
}

export interface KeyPackageInspection extends LeafIdentity {
  readonly suite: SuiteId;
  readonly lifetime: { readonly notBefore: number; readonly notAfter: number };
  readonly lastResort: boolean;
  readonly reference: Uint8Array;
}

export interface Changes {
  /** Bare key packages to add. */
  readonly add?: readonly Uint8Array[];
  /** Leaf indices to remove, never one's own. */
  readonly remove?: readonly number[];
  /** A renewed credential for one's own leaf. Needs an update path, so not beside adds alone. */
  readonly credential?: Uint8Array;
}

export interface CommitBundle {
  /** MLSMessage(PublicMessage). */
  readonly commit: Uint8Array;
  /** MLSMessage(GroupInfo) of the new epoch, with ratchet_tree and external_pub. */
  readonly groupInfo: Uint8Array;
  /** The state after the commit. Use it only once the server accepted the commit; keep the old one until then. */
  readonly next: GroupState;
}

export interface MemberCommitBundle extends CommitBundle {
  /** MLSMessage(Welcome) for all who were added, with the ratchet tree inside; null when nobody was. */
  readonly welcome: Uint8Array | null;
}

export type CommitSender = { readonly kind: 'member'; readonly leaf: number } | { readonly kind: 'external' };

/** A commit as it says of itself: parsed, nothing verified. */
export interface CommitInspection {
  readonly groupId: Uint8Array;
  /** The epoch that it starts from. */
  readonly epoch: number;
  readonly sender: CommitSender;
  readonly adds: readonly LeafIdentity[];
  readonly removes: readonly number[];
  /** Who the committer's new leaf claims to be; null where the commit has no update path. */
  readonly path: LeafIdentity | null;
  /** Proposal kinds beyond add, remove and an external commit's external_init. `processCommit` refuses any. */
  readonly others: readonly string[];
}

export type PolicyVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Asked after parsing and before processing; the commit is authenticated afterwards. */
export type CommitPolicy = (
  inspection: CommitInspection,
  membersBefore: readonly Member[],
) => PolicyVerdict | Promise<PolicyVerdict>;

export interface ProcessedCommit {
  readonly next: GroupState;
  /** The committer; for an external joiner its new leaf, null where this device was removed by it. */
  readonly sender:
    { readonly kind: 'member'; readonly leaf: number } | { readonly kind: 'external'; readonly leaf: number | null };
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** True when this device was removed: `next` only tells members, group and the last epoch; its secrets stay the old ones. */
  readonly selfRemoved: boolean;
}
