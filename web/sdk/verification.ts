import { LanyingError, type PersonView } from '../engine/api.ts';
import type { HeadlessEngine } from './engine.ts';
import type { People } from './people.ts';
import type { Verification, VerifiedPerson } from './types.ts';

/** Safety numbers and the key directory for the SDK's users, by handles. */
export function verificationOf(engine: HeadlessEngine, people: People): Verification {
  const viewOf = async (handle: string): Promise<PersonView> => {
    const userId = await people.idOf(handle);
    const view = engine.snapshot().people.find((person) => person.userId === userId);
    if (view === undefined) throw new LanyingError('person.unknown', { field: handle });
    return view;
  };
  return {
    async of(handle): Promise<VerifiedPerson> {
      const { identity, verified, safetyNumber, keyChanges } = await viewOf(handle);
      return { identity, verified, safetyNumber, keyChanges };
    },
    verify: async (handle, safetyNumber) => engine.setVerified((await viewOf(handle)).userId, safetyNumber.replace(/\s/g, ''), true),
    acceptIdentity: async (handle) => engine.acceptIdentity((await viewOf(handle)).userId),
    directory: () => engine.snapshot().directory.state,
    acceptDirectory: () => engine.acceptDirectory(),
  };
}
