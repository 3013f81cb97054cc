/** The part of `index.ts` that every device needs at every start: group states. */
export { MlsError, type MlsErrorCode } from './errors.ts';
export {
  deserialize,
  epoch,
  epochAuthenticator,
  groupId,
  type GroupState,
  isActive,
  members,
  ownLeaf,
  serialize,
  suite,
} from './state.ts';
export type * from './types.ts';
