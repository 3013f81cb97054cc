import type { CommandName } from '#protocol/commands/index.ts';
import { answer, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

type Names = Extract<CommandName, 'session.list' | `session.revoke${string}`>;

export function sessionHandlers({ sessions }: Services): Handlers<Names> {
  return {
    'session.list': async (_input, caller) =>
      answer({ sessions: [...(await sessions.list(personOf(caller).session))] }),
    'session.revoke': async ({ sessionId }, caller) => ({
      result: await sessions.revoke(personOf(caller).person.userId, sessionId, caller.audit),
    }),
    'session.revokeOthers': async (_input, caller) => {
      const { userId, sessionId } = personOf(caller).session;
      return answer({ ended: await sessions.revokeAll(userId, sessionId, 'revoked_others', caller.audit) });
    },
    'session.revokeAll': async (_input, caller) => {
      const { userId, sessionId } = personOf(caller).session;
      const ended = await sessions.revokeAll(userId, null, 'revoked_all', caller.audit);
      return { ...answer({ ended }), effect: { kind: 'session-ended', sessionId } };
    },
  };
}
