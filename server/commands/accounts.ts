import type { CommandName, Output } from '#protocol/commands/index.ts';
import type { Result } from '#protocol/errors.ts';
import { protocolVersion } from '#protocol/limits.ts';
import type { SessionRecord } from '../ports/store.ts';
import { starting } from './credentials.ts';
import { answer, deviceOf, type Handlers, personOf, type SignedInCaller } from './handler.ts';
import type { Services } from './services.ts';

type SessionView = Output<'session.get'>;
type Names = Exclude<Extract<CommandName, `server.${string}` | `invite.${string}` | `account.${string}` | 'session.get' | 'session.ping' | 'session.end'>, `account.${string}Erasure` | 'account.startAnew'>;
type DeviceNames = Exclude<Extract<CommandName, `device.${string}` | `keyPackage.${string}` | `welcome.${string}`>, 'device.list' | 'keyPackage.claim'>;
type ApprovalNames = Extract<CommandName, `approval.${string}` | 'account.startAnew'>;

export function accountHandlers({ accounts, browsers, config, grants, limits, policies, retention, runtime, sessions, store }: Services): Handlers<Names> {
  const started = starting(browsers);
  /** A wrong token costs a guess of its address ([A6]). */
  const guessing = async <T>(address: string, guess: () => Promise<Result<T>>): Promise<Result<T>> => {
    const limited = limits.beginGuess(address, null);
    if (limited !== null) return limited;
    const result = await guess();
    const wrong = !result.ok && (result.code === 'invite.unknown' || result.code === 'setup.token_invalid');
    if (!wrong) limits.guessedRight(address, null);
    return result;
  };
  return {
    'server.info': async () =>
      answer({
        name: config.serverName,
        version: config.version,
        protocol: protocolVersion,
        origin: config.origin,
        setupNeeded: (await store.accounts.count()) === 0,
        passwordLengthMin: (await policies.current()).policy.password.lengthMin,
        serverTime: runtime.now(),
      }),
    'invite.check': async (input, { address }) => {
      const grant = await guessing(address, () => grants.check(input.grant));
      return grant.ok ? answer({ ...(await grants.describe(grant.value)), retention: [...(await retention.noticed())] }) : { result: grant };
    },
    'account.checkHandle': async (input, { address }) => ({ result: await guessing(address, () => accounts.checkHandle(input)) }),
    'account.passkeyOptions': async (input, { address }) => ({ result: await guessing(address, () => accounts.passkeyOptions(input)) }),
    'account.create': async (input, { address, agent, audit }) => started(await guessing(address, () => accounts.create(input, { address, agent }, audit))),
    'session.get': async (_input, caller) => {
      const { session, person } = personOf(caller);
      return answer(accounts.view(session, person));
    },
    'session.ping': async () => answer({ serverTime: runtime.now() }),
    'session.end': async (_input, caller) => {
      const { sessionId } = personOf(caller).session;
      await sessions.end(sessionId, caller.audit);
      return { ...answer({}), effect: { kind: 'session-ended', sessionId } };
    },
    'invite.create': async (input, caller) => ({ result: await grants.invite(personOf(caller).person.userId, input, caller.audit) }),
    'invite.list': async () => answer({ invites: await grants.list() }),
    'invite.revoke': async ({ inviteId }, { audit }) => ({ result: await grants.revoke(inviteId, audit) }),
  };
}

export function deviceHandlers({ accounts, devices, ownDevices }: Services): Handlers<DeviceNames> {
  const bound = (session: Result<SessionRecord>, { person }: SignedInCaller): { readonly result: Result<SessionView> } =>
    session.ok ? answer(accounts.view(session.value, person)) : { result: session };
  return {
    'device.register': async ({ device, keyPackages }, caller) => {
      const signedIn = personOf(caller);
      return bound(await devices.register(signedIn.session, device, keyPackages, caller.audit), signedIn);
    },
    'device.challenge': async (_input, caller) => answer({ challenge: await devices.challenge(personOf(caller).session) }),
    'device.attach': async (input, caller) => {
      const signedIn = personOf(caller);
      return bound(await devices.attach(signedIn.session, input, caller.audit), signedIn);
    },
    'device.own': async (_input, caller) => answer(await ownDevices.list(personOf(caller).person.userId)),
    'device.rename': async (input, caller) => ({ result: await ownDevices.rename(deviceOf(caller).person.userId, input) }),
    'device.remove': async (input, caller) => ({ result: await ownDevices.remove(deviceOf(caller).person.userId, input, caller.audit) }),
    'keyPackage.publish': async ({ keyPackages }, caller) => ({ result: await devices.publish(deviceOf(caller).deviceId, keyPackages) }),
    'keyPackage.counts': async (_input, caller) => answer(await devices.counts(deviceOf(caller).deviceId)),
    'welcome.list': async (_input, caller) => answer(await devices.welcomes(deviceOf(caller).deviceId)),
    'welcome.acknowledge': async (input, caller) => {
      await devices.acknowledge(deviceOf(caller).deviceId, input);
      return answer({});
    },
  };
}

export function approvalHandlers({ accounts, approvals, newIdentity }: Services): Handlers<ApprovalNames> {
  return {
    'account.startAnew': async (input, caller) => {
      const { session, person } = personOf(caller);
      const started = await newIdentity.start(session, input, caller.audit);
      return started.ok ? answer(accounts.view(started.value, { ...person, identityKey: input.identityKey })) : { result: started };
    },
    'approval.open': async (input, caller) => ({ result: approvals.open(personOf(caller).session, input) }),
    'approval.answer': async (input, caller) => ({ result: approvals.answer(deviceOf(caller).session, input) }),
    'approval.pass': async (input, caller) => ({ result: approvals.pass(personOf(caller).session, input) }),
    'approval.end': async (input, caller) => ({ result: approvals.end(personOf(caller).session, input) }),
    'approval.get': async (input, caller) => ({ result: approvals.get(personOf(caller).session, input) }),
  };
}
