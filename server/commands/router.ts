/** From a decoded call to its handler: input, caller, limits, permission, in this order. */
import * as v from 'valibot';
import type { Actor } from '#protocol/audit.ts';
import { type CommandName, commands, type Input } from '#protocol/commands/index.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import { ConversationId } from '#protocol/ids.ts';
import { scribeOf } from '../domain/audit/scribe.ts';
import type { Relation } from '../domain/conversations.ts';
import type { Resource } from '../domain/permissions/permissions.ts';
import { accountHandlers, approvalHandlers, deviceHandlers } from './accounts.ts';
import { auditHandlers } from './audit.ts';
import type { CallContext, Reply, Router } from './call.ts';
import { conversationHandlers } from './conversations.ts';
import { credentialHandlers } from './credentials.ts';
import { directoryHandlers } from './directory.ts';
import type { Handlers, SignedInCaller } from './handler.ts';
import { peopleHandlers } from './people.ts';
import { policyHandlers } from './policy.ts';
import { retentionHandlers } from './retention.ts';
import { sessionHandlers } from './sessions.ts';
import type { SessionRecord } from '../ports/store.ts';
import type { Services } from './services.ts';

export type { CallContext, Effect, Reply, Router, TailPort } from './call.ts';
export { createServices, type ServiceConfig, type Services } from './services.ts';

/** Deeper paths than any row has are cut. */
const fieldDepthMax = 8;
const fieldLengthMax = 128;

/** [F3] The dotted path of the first bad field; field names of a client's own making are not echoed at length. */
function invalid(issue: v.BaseIssue<unknown>): Refusal {
  const field = (issue.path ?? []).slice(0, fieldDepthMax).map(({ key }) => String(key)).join('.').slice(0, fieldLengthMax);
  return field === '' ? refuse('input.invalid') : refuse('input.invalid', { field });
}

const parsers = new Map(
  Object.entries(commands).map(([name, row]) => [name, v.safeParser(row.input satisfies v.GenericSchema, { abortEarly: true })] as const),
);

/** [F3] What is past here has the row's type. */
function parse<N extends CommandName>(name: N, input: unknown): Result<Input<N>> {
  const parsed = parsers.get(name)?.(input);
  if (parsed === undefined) return refuse('command.unknown');
  if (!parsed.success) return invalid(parsed.issues[0]);
  // The parser was made from this very row, which the table's keys cannot say to the compiler.
  return ok(parsed.output as Input<N>);
}

const passkeyCalls: ReadonlySet<CommandName> = new Set<CommandName>([
  'signIn.passkeyOptions', 'signIn.passkey', 'signIn.passkeySecondOptions', 'signIn.passkeySecond',
]);

class CommandRouter implements Router {
  readonly #services: Services;
  readonly #handlers: Handlers;

  constructor(services: Services) {
    this.#services = services;
    this.#handlers = {
      ...accountHandlers(services), ...deviceHandlers(services), ...peopleHandlers(services), ...conversationHandlers(services), ...auditHandlers(services),
      ...directoryHandlers(services), ...retentionHandlers(services), ...sessionHandlers(services), ...credentialHandlers(services), ...policyHandlers(services), ...approvalHandlers(services),
    };
  }

  async call<N extends CommandName>(name: N, input: unknown, context: CallContext, requestId = '-'): Promise<Reply<N>> {
    const { address, known = null, agent = '', tail = null } = context;
    if (commands[name].who === 'anyone' && name !== 'server.info') {
      const passkey = passkeyCalls.has(name);
      const browser = name.startsWith('signIn.') ? this.#services.browsers.read(known) : null;
      const limited = this.#services.limits.call(address, browser, passkey);
      if (limited !== null) return { result: limited };
    }
    const parsed = parse(name, input);
    if (!parsed.ok) return { result: parsed };
    const caller = await this.#caller(name, context);
    if (!caller.ok) return { result: caller };
    const signedIn = caller.value;
    if (signedIn !== null) {
      const limited = this.#services.personLimits.take(signedIn.person.userId, name, parsed.value);
      if (limited !== null) return { result: limited };
      const refused = await this.#refusePermission(name, parsed.value, signedIn);
      if (refused !== null) return { result: refused };
      if (this.#asksProof(name, parsed.value) && !(await this.#isFresh(signedIn.session))) return { result: refuse('step_up.required') };
    }
    const actor: Actor = signedIn === null ? { kind: 'stranger' } : { kind: 'person', userId: signedIn.person.userId };
    const audit = scribeOf({ actor, address, requestId }, this.#services.runtime);
    return this.#handlers[name](parsed.value, { address, known, agent, signedIn, tail, audit });
  }

  /** Null for commands that ask for nobody. */
  async #caller(name: CommandName, { session }: CallContext): Promise<Result<SignedInCaller | null>> {
    const { who } = commands[name];
    if (who === 'anyone') return ok(null);
    if (session === null || session.expiresAt <= this.#services.runtime.now()) return refuse('session.required');
    const person = await this.#services.accounts.person(session.userId);
    if (person === null) return refuse('session.required');
    this.#services.sessions.noteUse(session);
    // [A17] What it had to do may be done by now, which a socket does not know of.
    const present = session.must === undefined ? session : await this.#services.sessions.byId(session.sessionId);
    if (present === null) return refuse('session.required');
    const { must } = present;
    if (must !== undefined && commands[name].beforehand !== true) return refuse('session.restricted', { reason: must });
    if (session.deviceId !== null) this.#services.ownDevices.noteUse(session.userId, session.deviceId);
    if (who === 'device' && session.deviceId === null) return refuse('device.required');
    return ok({ session: present, person });
  }

  #asksProof(name: CommandName, input: Input<CommandName>): boolean {
    const { stepUp } = commands[name];
    return stepUp === true || stepUp?.when(input) === true;
  }

  /** [A14] A socket knows its session as it was when it was opened: a later proof is in the store. */
  async #isFresh(session: SessionRecord): Promise<boolean> {
    const { stepUps, sessions } = this.#services;
    if (stepUps.isFresh(session)) return true;
    const now = await sessions.byId(session.sessionId);
    return now !== null && stepUps.isFresh(now);
  }

  async #refusePermission(name: CommandName, input: Input<CommandName>, { person }: SignedInCaller): Promise<Refusal | null> {
    const resource = await this.#resource(name, input, person.userId);
    if (this.#services.permissions.decide(person, name, resource) === 'allow') return null;
    // [C1] To whoever is not in it, a conversation does not exist.
    const hidden = resource.kind === 'conversation' && ['none', 'former', 'leaving'].includes(resource.relation);
    return refuse(hidden ? 'conversation.unknown' : 'permission.denied');
  }

  async #resource(name: CommandName, input: Input<CommandName>, userId: SignedInCaller['person']['userId']): Promise<Resource> {
    switch (commands[name].resource) {
      case 'self':
        return { kind: 'self' };
      case 'system':
        return { kind: 'system', inviteRole: name !== 'invite.create' ? '' : 'role' in input && input.role === 'admin' ? 'admin' : 'member' };
      case 'conversation': {
        const conversationId = 'conversationId' in input ? input.conversationId : null;
        const relation: Relation = v.is(ConversationId, conversationId) ? await this.#services.conversations.relation(conversationId, userId) : 'none';
        return { kind: 'conversation', relation };
      }
    }
  }
}

export const createRouter = (services: Services): Router => new CommandRouter(services);
