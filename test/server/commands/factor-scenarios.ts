/** Scenarios of what people do with their sessions and factors. */
import type { Scenario } from './audit-scenarios.ts';
import type { Peer } from './world.ts';

const account = ({ userId }: Peer) => ({ kind: 'account', id: userId });

export const factorScenarios = {
  'session.revoke': [
    async (world, owner) => {
      const { sessionId } = await world.secondDevice(owner);
      const told = { actor: owner, object: { kind: 'session', id: sessionId }, reason: 'revoked' };
      return { input: { sessionId }, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
  'session.revokeOthers': [
    async (world, owner) => {
      await world.secondDevice(owner);
      const told = { actor: owner, object: account(owner), reason: 'revoked_others', after: { kept: owner.sessionId } };
      return { input: {}, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
  'session.revokeAll': [
    async (_world, owner) => {
      const told = { actor: owner, object: account(owner), reason: 'revoked_all', after: { kept: null } };
      return { input: {}, by: owner, told: [{ act: 'session.ended', ...told }] };
    },
  ],
} satisfies Record<string, readonly Scenario[]>;
