import type { CommandName, Output } from '#protocol/commands/index.ts';
import { ok, type Result } from '#protocol/errors.ts';
import type { SignedIn } from '../domain/accounts.ts';
import type { KnownBrowsers } from '../domain/known-browsers.ts';
import type { SignInFrom } from '../domain/sign-in/sign-in.ts';
import type { Effect } from './call.ts';
import { answer, type Caller, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

type Names = Extract<
  CommandName,
  | `signIn.${string}`
  | `passkey.${string}`
  | `totp.${string}`
  | `recoveryCodes.${string}`
  | 'factor.list'
  | `session.stepUp${string}`
>;

/** [S2] The cookie of a new session goes out with the answer. */
export const starting =
  (browsers: KnownBrowsers) =>
  (signedIn: Result<SignedIn>): { readonly result: Result<Output<'session.get'>>; readonly effect?: Effect } => {
    if (!signedIn.ok) return { result: signedIn };
    const { session, output } = signedIn.value;
    const known = browsers.issue(session.record.userId);
    return {
      result: ok(output),
      effect: { kind: 'session-started', sessionId: session.record.sessionId, secret: session.secret, known },
    };
  };

const from = ({ address, known, agent }: Caller): SignInFrom => ({ address, known, agent });

export function credentialHandlers({ browsers, factors, passkeys, signIn, stepUps }: Services): Handlers<Names> {
  const started = starting(browsers);
  return {
    'signIn.passkeyOptions': async () => answer(await passkeys.beginSignIn()),
    'signIn.passkey': async ({ ceremonyId, response }, caller) =>
      started(await signIn.byPasskey(ceremonyId, response, from(caller), caller.audit)),
    'signIn.password': async ({ handle, password }, caller) =>
      started(await signIn.byPassword(handle, password, from(caller), caller.audit)),
    'signIn.totp': async ({ ceremonyId, code }, caller) =>
      started(await signIn.byTotp(ceremonyId, code, from(caller), caller.audit)),
    'signIn.recoveryCode': async ({ ceremonyId, code }, caller) =>
      started(await signIn.byRecoveryCode(ceremonyId, code, from(caller), caller.audit)),
    'signIn.passkeySecondOptions': async ({ ceremonyId }) => ({
      result: await signIn.passkeySecondOptions(ceremonyId),
    }),
    'signIn.passkeySecond': async ({ ceremonyId, response }, caller) =>
      started(await signIn.byPasskeySecond(ceremonyId, response, from(caller), caller.audit)),
    'factor.list': async (_input, caller) => ({ result: await factors.get(personOf(caller).person.userId) }),
    'passkey.addOptions': async (_input, caller) => ({
      result: await factors.passkeyOptions(personOf(caller).session),
    }),
    'passkey.add': async (input, caller) => ({
      result: await factors.addPasskey(personOf(caller).session, input, caller.audit),
    }),
    'passkey.rename': async ({ credentialId, name }, caller) => ({
      result: await factors.renamePasskey(personOf(caller).person.userId, credentialId, name, caller.audit),
    }),
    'passkey.remove': async ({ credentialId }, caller) => ({
      result: await factors.removePasskey(personOf(caller).person.userId, credentialId, caller.audit),
    }),
    'totp.begin': async (_input, caller) => {
      const { session, person } = personOf(caller);
      return { result: await factors.beginTotp(session, person) };
    },
    'totp.confirm': async (input, caller) => ({
      result: await factors.confirmTotp(personOf(caller).session, input, caller.audit),
    }),
    'totp.remove': async (_input, caller) => ({
      result: await factors.removeTotp(personOf(caller).person.userId, caller.audit),
    }),
    'recoveryCodes.remake': async (_input, caller) => ({
      result: await factors.remakeCodes(personOf(caller).person.userId, caller.audit),
    }),
    'session.stepUpOptions': async (_input, caller) => ({ result: await stepUps.options(personOf(caller).session) }),
    'session.stepUp': async ({ proof }, caller) => ({
      result: await stepUps.prove(personOf(caller).session, proof, caller.audit),
    }),
  };
}
