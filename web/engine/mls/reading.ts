/** The part of `index.ts` that every device needs at every start: states, and following what others commit. */
export { inspectCommit, processCommit } from './commits.ts';
export { MlsError, type MlsErrorCode } from './errors.ts';
export {
  deserialize,
  epoch,
  epochAuthenticator,
  exportSecret,
  groupId,
  type GroupState,
  isActive,
  members,
  ownLeaf,
  serialize,
  suite,
} from './state.ts';
export type * from './types.ts';
