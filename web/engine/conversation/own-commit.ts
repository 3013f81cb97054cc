/** A commit of this device; what a lying directory put into it is refused with a code that callers know. */
import { LanyingError } from '../api.ts';
import { type Changes, commit, type GroupState, type MemberCommitBundle, MlsError, type WriteContext } from '../mls/index.ts';

/** As `commit`, but rejects with `identity.mismatch` or, with the reason, `commit.refused`. */
export async function ownCommit(group: GroupState, changes: Changes, context: WriteContext): Promise<MemberCommitBundle> {
  try {
    return await commit(group, changes, context);
  } catch (cause) {
    // A misuse is this engine's own mistake and nobody's lie.
    if (!(cause instanceof MlsError) || cause.code === 'misuse') throw cause;
    throw new LanyingError(cause.code === 'credential_refused' ? 'identity.mismatch' : 'commit.refused', { reason: cause.code });
  }
}
