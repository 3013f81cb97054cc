/** The one place where commands of signed-in people are decided ([P1], [P2]), by Cedar; decisions are cached. */
import { type EntityJson, preparsePolicySet, preparseSchema, statefulIsAuthorized, validate } from '@cedar-policy/cedar-wasm/nodejs';
import type { CommandName } from '#protocol/commands/index.ts';
import { idFromBytes, type UserId } from '#protocol/ids.ts';
import type { Role } from '#protocol/model.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Relation } from '../conversations.ts';
import { type FileAction, policyText, policyVersion, schemaText } from './policies.ts';

export interface Principal {
  readonly userId: UserId;
  readonly role: Role;
}

/** `self` is always the caller's own account. */
export type Resource =
  | { readonly kind: 'self' }
  /** `inviteRole`: of an invitation that is to be made, else empty. */
  | { readonly kind: 'system'; readonly inviteRole: '' | 'admin' | 'member' }
  | { readonly kind: 'conversation'; readonly relation: Relation };

export type Decision = 'allow' | 'deny';

const decisionsCached = 2_000;
const prepared = `lanying-${policyVersion}`;

const user = (principal: Principal) => ({ type: 'User', id: principal.userId });
const roles: EntityJson[] = [
  { uid: { type: 'Role', id: 'owner' }, attrs: {}, parents: [{ type: 'Role', id: 'admin' }] },
  { uid: { type: 'Role', id: 'admin' }, attrs: {}, parents: [{ type: 'Role', id: 'member' }] },
  { uid: { type: 'Role', id: 'member' }, attrs: {}, parents: [] },
];

function resourceOf(principal: Principal, resource: Resource): { readonly entity: EntityJson; readonly context: Record<string, string> } {
  switch (resource.kind) {
    case 'self':
      return { entity: { uid: { type: 'Account', id: principal.userId }, attrs: { owner: { __entity: user(principal) } }, parents: [] }, context: {} };
    case 'system':
      return { entity: { uid: { type: 'System', id: 'lanying' }, attrs: {}, parents: [] }, context: { inviteRole: resource.inviteRole } };
    case 'conversation':
      return { entity: { uid: { type: 'Conversation', id: 'asked' }, attrs: {}, parents: [] }, context: { relation: resource.relation } };
  }
}

const factOf = (resource: Resource): string =>
  resource.kind === 'self' ? '' : resource.kind === 'system' ? resource.inviteRole : resource.relation;

export class Permissions {
  readonly #decided = new BoundedMap<string, Decision>(decisionsCached);

  /** Throws when the shipped policies do not fit their schema: the process must not start. */
  constructor() {
    const steps = [
      preparseSchema(prepared, schemaText),
      preparsePolicySet(prepared, { staticPolicies: policyText }),
    ];
    for (const step of steps) if (step.type === 'failure') throw new Error(`policies: ${step.errors.map((error) => error.message).join('; ')}`);
    const validated = validate({ schema: schemaText, policies: { staticPolicies: policyText } });
    if (validated.type === 'failure' || validated.validationErrors.length > 0) throw new Error(`policies: ${JSON.stringify(validated)}`);
    this.#warm();
  }

  /** The first questions of a process take a hundred times as long as the later ones: nobody should wait for them. */
  #warm(): void {
    const somebody: Principal = { userId: idFromBytes<UserId>(new Uint8Array(16)), role: 'member' };
    const decisions = [
      this.decide(somebody, 'session.get', { kind: 'self' }),
      this.decide(somebody, 'people.list', { kind: 'system', inviteRole: '' }),
      this.decide(somebody, 'conversation.get', { kind: 'conversation', relation: 'member' }),
    ];
    if (decisions.includes('deny')) throw new Error('policies: members may do nothing');
  }

  /** Depends on the role, the action and how the caller stands to the resource, so that is what is remembered. */
  decide(principal: Principal, action: CommandName | FileAction, resource: Resource): Decision {
    const key = `${policyVersion} ${principal.role} ${action} ${resource.kind} ${factOf(resource)}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const decision = this.#ask(principal, action, resource);
    this.#decided.set(key, decision);
    return decision;
  }

  #ask(principal: Principal, action: CommandName | FileAction, resource: Resource): Decision {
    const { entity, context } = resourceOf(principal, resource);
    const caller: EntityJson = { uid: user(principal), attrs: {}, parents: [{ type: 'Role', id: principal.role }] };
    const answer = statefulIsAuthorized({
      principal: user(principal),
      action: { type: 'Action', id: action },
      resource: entity.uid,
      context,
      preparsedSchemaName: prepared,
      validateRequest: true,
      preparsedPolicySetId: prepared,
      entities: [...roles, caller, entity],
    });
    // A request that the schema does not know, or a policy that cannot be evaluated, permits nothing.
    return answer.type === 'success' && answer.response.diagnostics.errors.length === 0 ? answer.response.decision : 'deny';
  }
}
