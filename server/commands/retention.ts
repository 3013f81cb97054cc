import type { CommandName } from '#protocol/commands/index.ts';
import { answer, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

export function retentionHandlers({
  erasures,
  retention,
  serverKey,
  clock,
}: Services): Handlers<
  Extract<
    CommandName,
    `retention.${string}` | `hold.${string}` | `erasure.${string}` | 'account.requestErasure' | 'account.confirmErasure'
  >
> {
  const { holds } = retention;
  return {
    'retention.get': async () => {
      const look = await clock.look();
      return answer({ ...(await retention.get()), clockAheadMs: look.kind === 'ahead' ? look.byMs : null });
    },
    'retention.rules': async () => answer({ rules: [...(await retention.noticed())] }),
    'retention.set': async (input, caller) => ({
      result: await retention.set(personOf(caller).person.userId, input, caller.audit),
    }),
    'retention.preview': async () => answer(await retention.preview()),
    'retention.run': async (_input, { audit }) => {
      // [T3] Whoever asks for it now says that it is now.
      await clock.keep();
      return answer({ receipt: await retention.run(audit) });
    },
    'retention.receipts': async ({ before, limit }) => answer(await retention.receipts(before ?? null, limit)),
    'retention.key': async () => answer({ publicKey: await serverKey.publicKey() }),
    'hold.place': async (input, caller) => ({
      result: await holds.place(personOf(caller).person.userId, input, caller.audit),
    }),
    'hold.confirm': async ({ holdId }, caller) => ({
      result: await holds.confirm(personOf(caller).person.userId, holdId, caller.audit),
    }),
    'hold.release': async ({ holdId }, caller) => ({
      result: await holds.release(personOf(caller).person.userId, holdId, caller.audit),
    }),
    'erasure.request': async (input, caller) => ({
      result: await erasures.request(personOf(caller).person, input, caller.audit),
    }),
    'erasure.confirm': async (input, caller) => ({
      result: await erasures.confirm(personOf(caller).person, input, caller.audit),
    }),
    'account.requestErasure': async ({ text }, caller) => {
      const { person } = personOf(caller);
      return { result: await erasures.request(person, { userId: person.userId, text, scope: 'all' }, caller.audit) };
    },
    'account.confirmErasure': async (input, caller) => {
      const { person, session } = personOf(caller);
      const result = await erasures.confirm(person, input, caller.audit);
      return result.ok ? { result, effect: { kind: 'session-ended', sessionId: session.sessionId } } : { result };
    },
  };
}
