/**
 * MLS (RFC 9420) as lanying uses it; what a caller may import from this folder.
 * Every failure is an `MlsError` and leaves the given state as it was: states are values, and no secret of an old one is
 * wiped, since a commit that loses its race is answered from the old state.
 * Not in here: order (serialise the operations of a group, across tabs too), storage, and who may do what (policies).
 */
export {
  commit,
  createGroup,
  groupInfo,
  joinByExternalCommit,
  joinByWelcome,
  suiteForMembers,
  welcomeRecipients,
} from './groups.ts';
export { inspectKeyPackage, makeKeyPackage } from './key-packages.ts';
export { inspectCommit, processCommit } from './commits.ts';
export { exportSecret } from './exporting.ts';
export * from './reading.ts';
