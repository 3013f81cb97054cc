import { MlsError } from './errors.ts';
import type { CommitInspection, Member } from './types.ts';

/** Leaves of a tree, blank ones included: 500 people with a few devices each. A larger tree is refused before any work. */
export const leavesMax = 2_048;
/** Serialised states, kept by ourselves: 2,048 X-Wing leaves stay below. */
export const stateBytesMax = 16 * 1024 * 1024;

/**
 * What lanying accepts of a commit beyond RFC 9420 §12.2, checked before any cryptography, because the library takes it
 * amiss (endless loops on leaves outside the tree) or allows too much (an external commit that removes anybody).
 * Throws `unsupported`, `not_a_member`, `invalid` or `policy_refused`.
 */
export function checkCommitShape(
  inspection: CommitInspection,
  members: readonly Member[],
  sameDevice: (one: Uint8Array, other: Uint8Array) => boolean,
): void {
  const { sender, adds, removes, path, others } = inspection;
  if (others.length > 0) throw new MlsError('unsupported', `proposals of kind ${others.join(', ')}`);
  if (members.length + adds.length > leavesMax) throw new MlsError('too_large', 'more leaves than a group may have');
  const occupied = new Map(members.map((member) => [member.leaf, member]));
  if (sender.kind === 'member' && !occupied.has(sender.leaf))
    throw new MlsError('not_a_member', 'the committer has no leaf');
  if (removes.some((leaf) => !occupied.has(leaf))) throw new MlsError('not_a_member', 'removes a leaf that is blank');
  if (new Set(removes).size !== removes.length) throw new MlsError('invalid', 'removes a leaf twice');
  if (sender.kind === 'member') {
    if (removes.includes(sender.leaf)) throw new MlsError('invalid', 'the committer removes itself');
    return;
  }
  if (path === null || adds.length > 0 || removes.length > 1)
    throw new MlsError('invalid', 'not an external commit (RFC 9420 §12.4.3.2)');
  const replaced = removes[0] === undefined ? undefined : occupied.get(removes[0]);
  if (replaced !== undefined && !sameDevice(replaced.credential, path.credential)) {
    throw new MlsError('policy_refused', 'an external commit removes another device');
  }
}
