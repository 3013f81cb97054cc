/** Group states: opaque outside of this folder, read, kept and opened here. */
import { copyBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import {
  decodeGroupState,
  decodeWhole,
  encodeGroupState,
  identityOf,
  leafAt,
  type LibraryState,
  suiteOf,
} from './library-state.ts';
import { stateBytesMax } from './rules.ts';
import type { Member, SuiteId } from './types.ts';

const stateVersion = 1;

/** One epoch of one group as one device sees it. Immutable: every operation returns the next one. Keep it with `serialize`. */
export class GroupState {
  readonly #inside: LibraryState;

  private constructor(inside: LibraryState) {
    this.#inside = inside;
  }

  /** Wraps a library state, without what lanying never uses: ratchets of private messages, past epochs, cached proposals. */
  static seal(state: LibraryState): GroupState {
    const { groupContext, keySchedule, ratchetTree, privatePath, confirmationTag, groupActiveState } = state;
    return new GroupState({
      groupContext,
      keySchedule,
      ratchetTree,
      privatePath,
      confirmationTag,
      groupActiveState,
      secretTree: [],
      signaturePrivateKey: new Uint8Array(),
      unappliedProposals: {},
      historicalReceiverData: new Map(),
    });
  }

  static open(state: GroupState): LibraryState {
    return state.#inside;
  }

  /** For what only a member may do. Throws `removed`. */
  static openActive(state: GroupState): LibraryState {
    if (!isActive(state)) throw new MlsError('removed', 'this device is no longer in the group');
    return state.#inside;
  }
}

/** False once a commit removed this device. */
export function isActive(state: GroupState): boolean {
  return GroupState.open(state).groupActiveState.kind === 'active';
}

export function suite(state: GroupState): SuiteId {
  return suiteOf(GroupState.open(state).groupContext.cipherSuite);
}

export function groupId(state: GroupState): Uint8Array {
  return copyBytes(GroupState.open(state).groupContext.groupId);
}

/** Counts commits, from 0. */
export function epoch(state: GroupState): number {
  return Number(GroupState.open(state).groupContext.epoch);
}

/** Equal on all members of the same epoch (RFC 9420 §8.7); 32 or 64 bytes by suite. */
export function epochAuthenticator(state: GroupState): Uint8Array {
  return copyBytes(GroupState.open(state).keySchedule.epochAuthenticator);
}

export function ownLeaf(state: GroupState): number {
  return GroupState.open(state).privatePath.leafIndex;
}

/** Everybody in the ratchet tree, by leaf. This, and not what a server says, is who is in the group. */
export function members(state: GroupState): Member[] {
  return membersOfTree(GroupState.open(state).ratchetTree);
}

export function membersOfTree(tree: LibraryState['ratchetTree']): Member[] {
  const found: Member[] = [];
  for (let leaf = 0; leaf * 2 < tree.length; leaf += 1) {
    const node = leafAt(tree, leaf);
    if (node !== null) found.push({ leaf, ...identityOf(node) });
  }
  return found;
}

/** [version, the library's encoding]: HPKE keys and epoch secrets are in it, the signature key is not. Seal it before storing. */
export function serialize(state: GroupState): Uint8Array {
  const encoded = encodeGroupState(GroupState.open(state));
  const bytes = new Uint8Array(1 + encoded.length);
  bytes[0] = stateVersion;
  bytes.set(encoded, 1);
  return bytes;
}

/** The reverse of `serialize`. Throws `too_large`, `malformed`, `unsupported` (version, suite). */
export function deserialize(bytes: Uint8Array): GroupState {
  if (bytes.length === 0) throw new MlsError('malformed', 'an empty state');
  if (bytes[0] !== stateVersion) throw new MlsError('unsupported', `state version ${bytes[0]}`);
  const inside = decodeWhole(decodeGroupState, bytes.subarray(1), stateBytesMax);
  suiteOf(inside.groupContext.cipherSuite);
  if (inside.groupContext.epoch > BigInt(Number.MAX_SAFE_INTEGER)) throw new MlsError('malformed', 'epoch');
  if (inside.groupActiveState.kind === 'active' && leafAt(inside.ratchetTree, inside.privatePath.leafIndex) === null) {
    throw new MlsError('malformed', 'a state without a leaf of its own');
  }
  return GroupState.seal(inside);
}
